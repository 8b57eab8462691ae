"""Signs of life of a sandbox: keystrokes, buttons, work. Kept in the cache, so that typing costs no query."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

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
    """The last sign of life."""
    seen = sandbox.active or sandbox.ready or sandbox.created
    cached = cache.get(_key(sandbox.id))
    return max(seen, datetime.fromtimestamp(cached, UTC)) if cached else seen


def _key(sandbox_id: object) -> str:
    return f"active:{sandbox_id}"
