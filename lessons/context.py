"""What every page shows: the course's title and the reader's progress."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from lessons import catalog, progress


def course(request: HttpRequest) -> dict[str, Any]:
    current = catalog.course()
    return {"course": current, "progress": progress.progress_of(request.user, current)}
