"""The files of one's own machines over HTTP, as JSON. Others' are not there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from sandboxes import activity
from sandboxes.engine import EngineError, lab_engine
from sandboxes.engine.student import CannotObserve
from sandboxes.files import findings, streams
from sandboxes.files.workspace import Refused, Workspace
from sandboxes.models import Machine, State

View = Callable[..., HttpResponse]


def _machine(user: Any, sandbox: UUID, node: str) -> str:
    """The name of the user's own machine, while its sandbox is ready; raises Http404."""
    mine = Machine.objects.filter(sandbox=sandbox, node=node, sandbox__user=user, sandbox__state=State.READY)
    name = mine.values_list("name", flat=True).first()
    if name is None:
        raise Http404
    return name


def _told(view: View) -> View:
    """Refusals and silent machines as JSON that says why."""

    @wraps(view)
    def wrapped(request: HttpRequest, sandbox: UUID, node: str) -> HttpResponse:
        try:
            return view(request, sandbox, _machine(request.user.pk, sandbox, node))
        except Refused as refused:
            return JsonResponse({"error": str(refused)}, status=refused.status)
        except EngineError:
            return JsonResponse({"error": _("La máquina no contesta. Vuelve a intentarlo.")}, status=503)

    return never_cache(login_required(wrapped))


@require_GET
@_told
def files(_request: HttpRequest, _sandbox: UUID, machine: str) -> HttpResponse:
    found, cut = Workspace(lab_engine(), machine).list()
    return JsonResponse({"files": [asdict(entry) for entry in found], "cut": cut})


@require_GET
@_told
def file(request: HttpRequest, _sandbox: UUID, machine: str) -> HttpResponse:
    return JsonResponse(asdict(Workspace(lab_engine(), machine).read(request.GET.get("ruta", ""))))


@require_POST
@_told
def change(request: HttpRequest, sandbox: UUID, machine: str) -> HttpResponse:
    """`accion`: guardar (texto, version), carpeta, renombrar (a), borrar; all with `ruta`."""
    asked = _body(request)
    home, path = Workspace(lab_engine(), machine), asked.get("ruta", "")
    activity.touch(sandbox)
    match asked.get("accion"):
        case "guardar":
            return JsonResponse({"digest": home.write(path, asked.get("texto", ""), expected=asked.get("version", ""))})
        case "carpeta":
            home.make_folder(path)
        case "renombrar":
            home.rename(path, asked.get("a", ""))
        case "borrar":
            home.delete(path)
        case _:
            raise Refused(_("Eso no se puede hacer con un fichero."), 400)
    return JsonResponse({})


@require_POST
@_told
def review(request: HttpRequest, _sandbox: UUID, machine: str) -> HttpResponse:
    """What is wrong with `texto`, were it saved at `ruta`."""
    asked = _body(request)
    try:
        found = findings.look(asked.get("ruta", ""), asked.get("texto", ""), lab=lab_engine(), machine=machine)
    except CannotObserve:
        found = []
    return JsonResponse({"findings": [asdict(one) for one in found]})


@require_GET
async def changes(request: HttpRequest, sandbox: UUID, node: str) -> StreamingHttpResponse:
    """A stream of server-sent events: something has changed."""
    machine = await _own(request, sandbox, node)
    key = request.session.session_key or ""

    async def still() -> bool:
        return await request.session.aexists(key) and await sync_to_async(_is_there)(sandbox, node)

    response = StreamingHttpResponse(streams.changes(machine, still=still), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    return response


def _is_there(sandbox: UUID, node: str) -> bool:
    return Machine.objects.filter(sandbox=sandbox, node=node, sandbox__state=State.READY).exists()


async def _own(request: HttpRequest, sandbox: UUID, node: str) -> str:
    user = await request.auser()
    if not user.is_authenticated:
        raise Http404
    return await sync_to_async(_machine)(user.pk, sandbox, node)


def _body(request: HttpRequest) -> dict[str, str]:
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError, RequestDataTooBig) as error:
        raise Refused(_("No se entiende lo que se pide."), 400) from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise Refused(_("No se entiende lo que se pide."), 400)
    return found
