"""What the terminals ask the site for over HTTP: keeping preferences, and files from and to a machine.

A file is never unpacked nor kept here: it goes through, within LAB_TRANSFER_MAX.
"""

from __future__ import annotations

import posixpath
from collections.abc import AsyncIterator
from urllib.parse import quote
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from pydantic import ValidationError

from sandboxes import activity
from sandboxes.engine import EngineError, PlantedFile, lab_engine
from sandboxes.engine.stream import Demultiplexer
from sandboxes.models import Machine, State
from sandboxes.terminal import preferences

STUDENT = 1000
"""User and group id of `alumno` in a machine."""
_SIZE = 'test -f "$1" && test -r "$1" && stat -Lc %s -- "$1"'


@require_POST
@login_required
def keep_preferences(request: HttpRequest) -> HttpResponse:
    if len(request.body) > preferences.SIZE_MAX:
        return HttpResponse(status=413)
    try:
        assert not request.user.is_anonymous
        preferences.write(request.user, request.body)
    except ValidationError:
        return HttpResponse(status=400)
    return HttpResponse(status=204)


@require_http_methods(["GET", "POST"])
async def file(request: HttpRequest, sandbox: UUID, node: str) -> HttpResponse | StreamingHttpResponse:
    """GET ?ruta= gives a file of the machine; POST ?carpeta=&nombre= puts the body there."""
    machine = await _machine(request, sandbox, node)
    if machine is None:
        return _refused(404, _("Ese laboratorio no está en marcha."))
    await activity.atouch(sandbox)
    try:
        return await (_upload(request, machine) if request.method == "POST" else _download(request, machine))
    except EngineError:
        return _refused(502, _("La máquina no contesta. Vuelve a probar."))


async def _upload(request: HttpRequest, machine: str) -> HttpResponse:
    folder, name = request.GET.get("carpeta", ""), request.GET.get("nombre", "")
    if not folder.startswith("/") or "\0" in folder or name in ("", ".", "..") or "/" in name or "\0" in name:
        return _refused(400, _("Ese nombre no vale."))
    if len(name.encode()) > 255:
        return _refused(400, _("Ese nombre es demasiado largo."))
    limit = settings.ENV.transfer_max << 20
    if int(request.headers.get("Content-Length") or limit + 1) > limit:
        return _refused(413, _("pasa de %(max)s MiB, que es lo que se puede subir.") % {"max": settings.ENV.transfer_max})
    content = await sync_to_async(request.read)()
    writable = await _run(machine, 'test -d "$1" && test -w "$1"', folder)
    if writable is None:
        return _refused(409, _("en %(folder)s no puedes escribir.") % {"folder": folder})
    planted = [PlantedFile(name, content)]
    await sync_to_async(lab_engine().put_files, thread_sensitive=False)(machine, folder, planted, owner=STUDENT)
    return HttpResponse(status=204)


async def _download(request: HttpRequest, machine: str) -> HttpResponse | StreamingHttpResponse:
    path = request.GET.get("ruta", "")
    if not path.startswith("/") or "\0" in path:
        return _refused(400, _("Esa ruta no vale."))
    said = await _run(machine, _SIZE, path)
    if said is None or not said.strip().isdigit():
        return _refused(404, _("Ese fichero no existe, o no lo puedes leer."))
    size, limit = int(said), settings.ENV.transfer_max << 20
    if size > limit:
        return _refused(413, _("El fichero pasa de %(max)s MiB, que es lo que se puede bajar.") % {"max": settings.ENV.transfer_max})
    answer = StreamingHttpResponse(_content(machine, path, size), content_type="application/octet-stream")
    name = posixpath.basename(path)
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


async def _content(machine: str, path: str, size: int) -> AsyncIterator[bytes]:
    """The file's bytes as they come: as many as it had when it was asked for, however it grows."""
    reader, writer = await lab_engine().attach(machine, ["runuser", "-u", "alumno", "--", "head", "-c", str(size), "--", path])
    frames = Demultiplexer()
    try:
        while chunk := await reader.read(65536):
            if piece := frames.feed(chunk):
                yield piece
    finally:
        writer.close()


async def _run(machine: str, script: str, argument: str) -> str | None:
    """What a script of one argument said, run as the student; None if it failed."""
    argv = ["sh", "-c", script, "sh", argument]
    done = await sync_to_async(lab_engine().run, thread_sensitive=False)(machine, argv, user="alumno", seconds=10)
    return None if done.code else done.output.decode(errors="replace")


async def _machine(request: HttpRequest, sandbox: UUID, node: str) -> str | None:
    """The machine's name, if it is this user's and runs."""
    user = await request.auser()
    found = await Machine.objects.filter(sandbox=sandbox, node=node, sandbox__user=user.pk, sandbox__state=State.READY).afirst()
    return found.name if found else None


def _refused(status: int, why: str) -> JsonResponse:
    return JsonResponse({"error": why}, status=status)
