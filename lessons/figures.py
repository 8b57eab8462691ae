"""Figures of the course: files of a lesson's (or an exercise's) folder `figuras/`, served so that nothing in them runs.

What may be in an SVG is looked over by lint; what holds even so is that a page shows it as an image, where scripts do not
run and nothing is fetched, and that opened by itself it is in a sandbox of its own.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override
from django.views.decorators.http import condition

from lessons import catalog

FOLDER = "figuras"
TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg"}
LIMIT = 512 << 10
"""Bytes of a figure."""
_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
_VIEW_BOX = re.compile(rf'<svg\b[^>]*?\bviewBox\s*=\s*["\']\s*[-0-9.]+[ ,]+[-0-9.]+[ ,]+{_NUMBER}[ ,]+{_NUMBER}', re.DOTALL)
_SIZES = re.compile(rf'<svg\b[^>]*?\bwidth\s*=\s*["\']{_NUMBER}(?:px)?["\'][^>]*?\bheight\s*=\s*["\']{_NUMBER}', re.DOTALL)
_HARMFUL = (
    (re.compile(r"<\s*script", re.IGNORECASE), "un guion (<script>)"),
    (re.compile(r"\son[a-z]+\s*=", re.IGNORECASE), "un atributo que ejecuta algo (on…=)"),
    (re.compile(r"<\s*foreignObject", re.IGNORECASE), "HTML dentro (<foreignObject>)"),
    (re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE), "un DOCTYPE"),
    (re.compile(r"href\s*=\s*[\"'](?!#|data:image/)", re.IGNORECASE), "un enlace a otro sitio (href)"),
    (re.compile(r"url\(\s*[\"']?(?!#)[a-z/]|@import", re.IGNORECASE), "algo de fuera (url o @import)"),
)


@dataclass(frozen=True)
class Figure:
    """What a page has to know of a figure before it is there: its size in CSS pixels, and whether it has a dark dress."""

    width: int
    height: int
    adapts: bool


def measure(path: Path) -> Figure | None:
    """The size of a figure; None if it is not there or does not say."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if path.suffix == ".svg":
        text = data.decode(errors="replace")
        found = _VIEW_BOX.search(text) or _SIZES.search(text)
        return Figure(round(float(found[1])), round(float(found[2])), "prefers-color-scheme" in text) if found else None
    if path.suffix == ".png" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return Figure(width, height, adapts=False)
    return None


def faults(path: Path) -> list[str]:
    """What a figure may not hold, as an author reads it."""
    if path.suffix not in TYPES:
        return [f"«{path.name}»: las figuras son {', '.join(TYPES)}."]
    if path.stat().st_size > LIMIT:
        return [f"«{path.name}» pesa {path.stat().st_size >> 10} kB; como mucho, {LIMIT >> 10}."]
    if path.suffix != ".svg":
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    said = [f"«{path.name}» lleva {what}: no se mostraría." for pattern, what in _HARMFUL if pattern.search(text)]
    return said if measure(path) else [*said, f"«{path.name}» no dice su tamaño: le falta viewBox."]


def _path(course_slug: str, lesson_slug: str, exercise_slug: str, name: str) -> Path | None:
    """Where a figure is; None for what is none. Names come from an address: they lead nowhere but into the folder."""
    course = catalog.course()
    lesson = course.lesson(lesson_slug) if course.slug == course_slug else None
    if lesson is None or "\0" in name or (exercise_slug and f"{course_slug}/{lesson_slug}/{exercise_slug}" not in course.exercises):
        return None
    folder = (lesson.folder / "ejercicios" / exercise_slug if exercise_slug else lesson.folder) / FOLDER
    path = folder / name
    inside = path.suffix in TYPES and path.resolve().is_relative_to(folder.resolve()) and path.is_file()
    return path if inside else None


def _etag(_request: HttpRequest, course_slug: str, lesson_slug: str, name: str, exercise_slug: str = "") -> str | None:
    path = _path(course_slug, lesson_slug, exercise_slug, name)
    return f'"{path.stat().st_mtime_ns:x}-{path.stat().st_size:x}"' if path else None


@csp_override({"default-src": [CSP.NONE], "frame-ancestors": [CSP.NONE], "sandbox": [""]})
@condition(etag_func=_etag)
def figure(_request: HttpRequest, course_slug: str, lesson_slug: str, name: str, exercise_slug: str = "") -> HttpResponse:
    """One figure. Its policy lets it do nothing, should somebody open it by itself."""
    path = _path(course_slug, lesson_slug, exercise_slug, name)
    if path is None:
        raise Http404
    answer = HttpResponse(path.read_bytes(), content_type=TYPES[path.suffix])
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    patch_cache_control(answer, public=True, max_age=300)
    return answer
