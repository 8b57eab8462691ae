"""An author's view of a course: its pages from a folder, anew at each save, with what is wrong in the place of what is not.

One process, one reader, a database of its own that goes with it. Never part of the site that students use.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from lessons import catalog, markdown
from lessons.lint import Fault, lint

STATE, SCRIPT = "/vista-previa/estado/", "/vista-previa/recarga.js"
AUTHOR = "vista-previa"
AROUND = 3
"""Lines of a file that are shown before and after a fault."""
_RELOAD = """\
// The state that the page was made of: what was saved while it came is not missed.
const seen = document.currentScript.dataset.state;
async function look() {
  try {
    const answer = await fetch("/vista-previa/estado/");
    const now = (await answer.json()).state;
    if (now !== seen) return location.reload();
  } catch {
    // The preview was stopped; it may come back.
  }
  setTimeout(look, 700);
}
look();
"""
_TAG = '<script src="%s" data-state="%s" defer></script></body>'


class Preview:
    """Middleware, the first of all but static files: signs the author in, forgets what changed on disk, shows faults."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._state = ""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == SCRIPT:
            return HttpResponse(_RELOAD, content_type="text/javascript")
        now = state(catalog.home())
        if request.path == STATE:
            return JsonResponse({"state": now})
        if now != self._state:
            catalog.course.cache_clear()
            markdown.forget()
            self._state = now
        request.user = get_user_model().objects.get_or_create(username=AUTHOR)[0]
        if request.method == "POST" and request.path.rstrip("/").endswith(("/iniciar", "/continuar", "/reiniciar")):
            return HttpResponse(_("En la vista previa no hay laboratorios: pruébalo con «make prove»."), status=409)
        faults = lint(catalog.home(), today=timezone.localdate())
        errors = [fault for fault in faults if not fault.warning]
        if errors and not _is_page(request.path):
            return _with_reload(_show(errors), now)
        try:
            catalog.course()
        except catalog.CourseError:
            return _with_reload(_show(errors), now)
        response = self._get_response(request)
        about = [fault for fault in faults if _concerns(fault, request.path)]
        if about and "text/html" in response.get("Content-Type", "") and not response.streaming:
            shown = render(request, "lessons/preview_faults.html", {"faults": [_excerpt(fault) for fault in about]}).content
            response.content = response.content.replace(b"<main", shown + b"<main", 1)
        return _with_reload(response, now)


def _with_reload(response: HttpResponse, now: str) -> HttpResponse:
    """With the script that asks whether the course is still what the page was made of."""
    if not response.streaming and "text/html" in response.get("Content-Type", ""):
        response.content = response.content.replace(b"</body>", (_TAG % (SCRIPT, now)).encode(), 1)
    return response


def state(folder: Path) -> str:
    """Changes when any file of the course does."""
    seen = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found = path.stat()
            seen.update(f"{path} {found.st_mtime_ns} {found.st_size}\n".encode())
    return seen.hexdigest()[:16]


def _is_page(path: str) -> bool:
    return path.startswith("/curso/")


def _concerns(fault: Fault, path: str) -> bool:
    """Whether a fault is of the lesson or exercise that a page shows."""
    parts = path.strip("/").split("/")
    places = fault.path.parts
    if len(parts) == 4:
        return parts[3] in places
    if len(parts) == 3:
        return fault.path.name == "leccion.md" and any(place[3:] == parts[2] for place in places)
    return len(parts) == 2


def _show(faults: Iterable[Fault]) -> HttpResponse:
    """What is wrong, in place of a course that can't be shown."""
    context: dict[str, Any] = {"faults": [_excerpt(fault) for fault in faults]}
    return render(None, "lessons/preview.html", context)  # no context processors: they need the course


def _excerpt(fault: Fault) -> dict[str, Any]:
    """A fault and the lines around it."""
    try:
        lines = fault.path.read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, IsADirectoryError):
        lines = []
    first = max(1, fault.line - AROUND)
    near = lines[first - 1 : fault.line + AROUND]
    return {"fault": fault, "lines": [(number, line, number == fault.line) for number, line in enumerate(near, start=first)]}
