"""Signs of life of a sandbox: keystrokes, buttons, work. Kept in the cache, so that typing costs no query."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

if TYPE_CHECKING:
    from sandboxes.models import Sandbox


def touch(sandbox_id: object) -> None:
    """Note that somebody (or something that works) is there."""
    cache.set(_key(sandbox_id), timezone.now().timestamp(), settings.ENV.sandbox_idle * 2)


async def atouch(sandbox_id: object) -> None:
    await cache.aset(_key(sandbox_id), timezone.now().timestamp(), settings.ENV.sandbox_idle * 2)


def last(sandbox: Sandbox) -> datetime:
    return last_of([sandbox])[sandbox.id]


def last_of(sandboxes: Iterable[Sandbox]) -> dict[UUID, datetime]:
    """The last sign of life of each, in one question."""
    found = {_key(sandbox.id): sandbox for sandbox in sandboxes}
    noted = cache.get_many(found)
    seen = {}
    for key, sandbox in found.items():
        known = sandbox.active or sandbox.ready or sandbox.created
        seen[sandbox.id] = max(known, datetime.fromtimestamp(noted[key], UTC)) if key in noted else known
    return seen


def _key(sandbox_id: object) -> str:
    return f"active:{sandbox_id}"
