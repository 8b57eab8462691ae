"""What every page shows: the course's title, the reader's progress and the looks they chose."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from lessons import catalog, progress

THEME_COOKIE = "aspecto"
THEMES = ("light", "dark", "contrast")
"""What a reader may choose in place of what their system says (static/js/themes.js)."""


def course(request: HttpRequest) -> dict[str, Any]:
    current = catalog.course()
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "course": current,
        "course_url": reverse("course", args=[current.slug]),
        "progress": progress.progress_of(request.user, current),
        "theme": chosen if chosen in THEMES else "",
    }
