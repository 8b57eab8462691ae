"""Who waits for room in a full lab, in the order in which they came. Starts nobody itself: it sends the task that does."""

from __future__ import annotations

from django.conf import settings

from sandboxes import tasks
from sandboxes.models import Sandbox, State


def place(sandbox: Sandbox) -> int:
    """1 for the next one."""
    return 1 + Sandbox.objects.filter(state=State.REQUESTED, changed__lt=sandbox.changed).count()


def has_room() -> bool:
    return _room() > 0


def serve() -> None:
    """Start whoever is next, as many as there is room for; also those whose task was lost."""
    for sandbox in Sandbox.objects.filter(state=State.REQUESTED).order_by("changed")[: _room()]:
        tasks.enqueue(tasks.bring_up, str(sandbox.pk))


def _room() -> int:
    return max(0, settings.ENV.sandboxes_max - Sandbox.objects.filter(state__in=(State.STARTING, State.READY)).count())
