"""The platform's side of previews: what is published, and the way into one of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from sandboxes.engine import lab_engine
from sandboxes.models import Machine, State
from sandboxes.preview import grants
from sandboxes.preview.grants import Grant, NoFreePort
from sandboxes.preview.place import Place, Target, place
from sandboxes.preview.ports import published
from sandboxes.preview.proxy import ENTER


@require_GET
@login_required
@never_cache
def ports(request: HttpRequest, sandbox: UUID) -> JsonResponse:
    """What the owner's engines publish now. The page asks only while nothing tells it (static/js/ports.js)."""
    machines = Machine.objects.filter(sandbox=sandbox, sandbox__user=request.user.pk, sandbox__state=State.READY)
    names = {machine.node: machine.name for machine in machines}
    if not names:
        raise Http404
    return JsonResponse({"ports": [asdict(port) for port in published(lab_engine(), names)]})


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
def open_preview(request: HttpRequest, sandbox: UUID, node: str, port: int) -> HttpResponse:
    """The way in, good for one use: as JSON for a frame (POST), or by going there, for a window of its own (GET)."""
    target = Target(str(sandbox), node, port)
    if not 0 < port < 65536 or grants.machine_of(request.user.pk, target) is None:
        raise Http404
    where = place()
    if where is None:
        return _refused(request, _("En esta aula no hay vistas previas: quien la administra puede activarlas con LAB_PREVIEW."))
    try:
        url = _way_in(request, where, target)
    except NoFreePort:
        return _refused(request, _("No queda ningún puerto libre para vistas previas. Vuelve a intentarlo dentro de un rato."))
    if request.method == "POST":
        return JsonResponse({"url": url, "embeds": where.embeds})
    return redirect(url)


def _way_in(request: HttpRequest, where: Place, target: Target) -> str:
    slot = grants.slot_for(where, target)
    user: Any = request.user.pk
    grant = Grant(slot, user, request.session.session_key or "", target.sandbox, target.node, target.port)
    path = (request.GET or request.POST).get("ruta", "/")
    return f"{where.origin(slot)}{ENTER}?{urlencode({'billete': grants.issue_ticket(grant), 'ruta': path})}"


def _refused(request: HttpRequest, why: str) -> HttpResponse:
    if request.method == "POST":
        return JsonResponse({"error": why}, status=409)
    return HttpResponse(why, status=409, content_type="text/plain; charset=utf-8")


def embeds() -> bool:
    """Whether previews can be shown inside the page."""
    where = place()
    return where is not None and where.embeds


def available() -> bool:
    return place() is not None
