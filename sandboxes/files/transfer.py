"""Files between a student's computer and their machine: dropped on a terminal or on the tree, offered by `lab descargar`.

Each goes through as the student, within LAB_TRANSFER_MAX; nothing is kept or unpacked here, and what is there already is
replaced only if asked. A folder goes down as one archive.
"""

from __future__ import annotations

import posixpath
import secrets
from collections.abc import AsyncIterator
from urllib.parse import quote
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from sandboxes import activity
from sandboxes.engine import EngineError, LabEngine, PlantedFile, lab_engine
from sandboxes.files import streams
from sandboxes.files.workspace import Refused
from sandboxes.models import Machine, State
from sandboxes.planting import STUDENT

SECONDS = 30
_TAKE = (
    'tmp=$1; name=./$2; over=$3; trap \'rm -f -- "$tmp"\' EXIT; cd -- "$4" || exit 7; '
    '[ "$over" = 1 ] || { [ ! -e "$name" ] && [ ! -L "$name" ]; } || exit 5; cat -- "$tmp" >"$name" || exit 8'
)
_WEIGHT = (
    '[ -e "$1" ] || exit 3; if [ -d "$1" ]; then [ -r "$1" ] && [ -x "$1" ] || exit 3; echo d; du -sb -- "$1" | cut -f1; '
    'elif [ -f "$1" ] && [ -r "$1" ]; then echo f; stat -Lc %s -- "$1"; else exit 3; fi'
)


def limit() -> int:
    """Bytes of one file, either way."""
    return int(settings.ENV.transfer_max) << 20


@require_http_methods(["GET", "POST"])
async def transfer(request: HttpRequest, sandbox: UUID, node: str) -> HttpResponse | StreamingHttpResponse:
    """GET ?ruta= gives a file or a folder of the machine; POST ?carpeta=&nombre= puts the body there, with &encima=1 over
    what there is."""
    try:
        machine = await _machine(request, sandbox, node)
        await activity.atouch(sandbox)
        return await (_up(request, machine) if request.method == "POST" else _down(request, machine))
    except Refused as refused:
        return JsonResponse({"error": str(refused)}, status=refused.status)
    except EngineError:
        return JsonResponse({"error": _("La máquina no contesta. Vuelve a intentarlo.")}, status=503)


def put(lab: LabEngine, machine: str, folder: str, name: str, content: bytes, *, replace: bool) -> None:
    """Write a file in a folder, both as the student finds them; raises Refused."""
    # First beside, by a name that nobody knows beforehand: no link of the student's waits there.
    beside = f".subida-{secrets.token_hex(12)}"
    lab.put_files(machine, "/tmp", [PlantedFile(beside, content)], owner=STUDENT)  # noqa: S108  # the machine's
    words = [f"/tmp/{beside}", name, "1" if replace else "0", folder]  # noqa: S108
    match lab.run(machine, ["sh", "-c", f"{{ {_TAKE}; }} 2>/dev/null", "sh", *words], user="alumno", seconds=SECONDS).code:
        case 0:
            return
        case 5:
            raise Refused(_("Ya hay algo que se llama «%(name)s».") % {"name": name}, 409)
        case _:
            raise Refused(_("En %(folder)s no puedes escribir, o ya no queda sitio.") % {"folder": folder}, 422)


async def _up(request: HttpRequest, machine: str) -> HttpResponse:
    folder, name = request.GET.get("carpeta", ""), request.GET.get("nombre", "")
    if not folder.startswith("/") or "\0" in folder or name in ("", ".", "..") or "/" in name or not name.isprintable():
        raise Refused(_("Ese nombre no vale."), 400)
    if len(name.encode()) > 255:
        raise Refused(_("Ese nombre es demasiado largo."), 400)
    length = request.headers.get("Content-Length", "")
    if not length.isdigit() or int(length) > limit():
        raise _too_large()
    content = await sync_to_async(request.read)()
    replace = request.GET.get("encima") == "1"
    await sync_to_async(put, thread_sensitive=False)(lab_engine(), machine, folder, name, content, replace=replace)
    return HttpResponse(status=204)


async def _down(request: HttpRequest, machine: str) -> StreamingHttpResponse:
    path = request.GET.get("ruta", "")
    if not path.startswith("/") or "\0" in path:
        raise Refused(_("Esa ruta no vale."), 400)
    is_folder, size = await sync_to_async(_weigh, thread_sensitive=False)(machine, path)
    if size > limit():
        raise _too_large()
    name = posixpath.basename(path.rstrip("/")) + (".tar.gz" if is_folder else "")
    answer = StreamingHttpResponse(_content(machine, path, None if is_folder else size), content_type="application/octet-stream")
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "no-store"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


def _weigh(machine: str, path: str) -> tuple[bool, int]:
    """Whether it is a folder, and its bytes."""
    done = lab_engine().run(machine, ["sh", "-c", f"{{ {_WEIGHT}; }} 2>/dev/null", "sh", path], user="alumno", seconds=SECONDS)
    kind, _line, size = done.output.decode(errors="replace").strip().partition("\n")
    if done.code or not size.isdigit():
        raise Refused(_("Eso no existe, o no lo puedes leer."), 404)
    return kind == "d", int(size)


async def _content(machine: str, path: str, size: int | None) -> AsyncIterator[bytes]:
    """The bytes as they come: as many as a file had when it was asked for, however it grows. A folder that has grown past
    the limit is broken off, so that the browser does not take a piece for the whole."""
    left = limit()
    async for chunk in streams.content(machine, path, size):
        left -= len(chunk)
        if left < 0:
            raise ConnectionResetError("a folder grew past the limit while it was sent")
        yield chunk


async def _machine(request: HttpRequest, sandbox: UUID, node: str) -> str:
    """The machine's name, if it is this user's and runs."""
    user = await request.auser()
    mine = Machine.objects.filter(sandbox=sandbox, node=node, sandbox__user=user.pk, sandbox__state=State.READY)
    found = await mine.afirst() if user.is_authenticated else None
    if found is None:
        raise Refused(_("Ese laboratorio no está en marcha."), 404)
    return found.name


def _too_large() -> Refused:
    return Refused(_("Es demasiado grande: %(max)d MiB como mucho.") % {"max": settings.ENV.transfer_max}, 413)
