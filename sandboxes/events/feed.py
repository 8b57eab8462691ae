"""What the pages of a sandbox should know now: the last message of each type is kept, and a word is sent that it is there.

The message itself waits in the cache, so that a page that comes later gets it, two in a row become one, and nothing of
any size crosses the channel layer.
"""

from __future__ import annotations

import json
import time
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.cache import cache

SNAPSHOT, CHECK, PORTS, TOGETHER, RESULT, NOTICE = "snapshot", "check", "ports", "together", "result", "notice"
TYPES = (SNAPSHOT, CHECK, PORTS, TOGETHER, RESULT, NOTICE)
LIMIT = 256 << 10
"""Characters of one message."""
KEPT = 24 * 3600
LEASE = 60
"""Seconds that a page counts as there after it last said so."""
COLLECTOR = "collector"
"""The group in which the collector hears of pages that open and of sandboxes that come and go."""


class TooLarge(Exception):
    """A message that no page would take."""


def group(sandbox_id: object) -> str:
    return f"feed-{sandbox_id}"


def _key(sandbox_id: object, kind: str) -> str:
    return f"feed:{kind}:{sandbox_id}"


def publish(sandbox_id: object, kind: str, body: dict[str, Any]) -> None:
    """Make `body` the sandbox's message of this type; raises TooLarge."""
    keep(sandbox_id, kind, body)
    async_to_sync(get_channel_layer().group_send)(group(sandbox_id), {"type": "feed.fresh", "kind": kind})


async def apublish(sandbox_id: object, kind: str, body: dict[str, Any]) -> None:
    """The same on the event loop."""
    text = _text(kind, body)
    await cache.aset(_key(sandbox_id, kind), text, KEPT)
    await get_channel_layer().group_send(group(sandbox_id), {"type": "feed.fresh", "kind": kind})


def keep(sandbox_id: object, kind: str, body: dict[str, Any]) -> None:
    cache.set(_key(sandbox_id, kind), _text(kind, body), KEPT)


def last(sandbox_id: object, kind: str) -> dict[str, Any] | None:
    text = cache.get(_key(sandbox_id, kind))
    found: dict[str, Any] | None = json.loads(text) if text else None
    return found


async def alast(sandbox_id: object, kind: str) -> str | None:
    """The last message, as JSON."""
    found: str | None = await cache.aget(_key(sandbox_id, kind))
    return found


def forget(sandbox_id: object) -> None:
    """Its machines are new or gone: what was seen of the former ones is not so any more."""
    cache.delete_many([_key(sandbox_id, kind) for kind in TYPES])


async def attend(sandbox_id: object, *, again: bool = False) -> None:
    """Note that a page is there, or still is; tell the collector that it has come."""
    await cache.aset(f"feed:attended:{sandbox_id}", time.time(), LEASE)
    if not again:
        await get_channel_layer().group_send(COLLECTOR, {"type": "feed.wanted", "sandbox": str(sandbox_id)})


async def attended(sandbox_id: object) -> bool:
    """Whether somebody looks at the sandbox's page."""
    return await cache.aget(f"feed:attended:{sandbox_id}") is not None


def stir(sandbox_id: object) -> None:
    """Tell the collector that a sandbox has come, gone or been given other machines; it would find out by itself, later."""
    async_to_sync(get_channel_layer().group_send)(COLLECTOR, {"type": "feed.stirred", "sandbox": str(sandbox_id)})


def _text(kind: str, body: dict[str, Any]) -> str:
    text = json.dumps({"type": kind, **body}, ensure_ascii=False, separators=(",", ":"))
    if len(text) > LIMIT:
        raise TooLarge(f"{kind}: {len(text)} characters")
    return text
