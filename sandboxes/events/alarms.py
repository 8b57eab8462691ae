"""What the lab engine's alarms lead to: who ran out of memory is told, and whose machine has ended, at once.

Part of the collector. It goes on where it was, so that of a gap only what the engine itself has forgotten is lost; the reaper's
round finds what has ended anyway.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

import structlog
from channels.db import database_sync_to_async
from django.core.cache import cache
from django.db import DatabaseError

from sandboxes import reaper, watch
from sandboxes.engine import Alarm, EngineError, lab_engine

log = structlog.get_logger()

RETRY = 1.0
BEFORE = 60.0
"""Seconds before its own start from which a collector hears that knows of none before it."""
ONCE_IN = 5.0
"""Seconds in which a machine's want of memory counts once: what is killed is often begun again at once."""
_HEARD, _KEPT = "alarms-heard", 24 * 3600


async def heed() -> None:
    """Until cancelled."""
    since = 0.0
    told: dict[str, float] = {}
    while True:
        try:
            since = since or await cache.aget(_HEARD) or time.time() - BEFORE
            async with aclosing(lab_engine().alarms(since=since)) as stream:
                async for alarm in stream:
                    since = alarm.at + 1e-6
                    await cache.aset(_HEARD, since, _KEPT)
                    if not alarm.starved or alarm.at > told.get(alarm.name, 0.0) + ONCE_IN:
                        told = {name: at for name, at in told.items() if at > alarm.at - ONCE_IN} | {alarm.name: alarm.at}
                        await database_sync_to_async(_answer)(alarm)
        except (EngineError, OSError, DatabaseError) as error:
            log.info("the lab engine's alarms were lost sight of", error=str(error))
        except Exception:
            # A fault of ours with one must not silence the next: `since` is past it.
            log.exception("an alarm could not be answered")
        await asyncio.sleep(RETRY)


def _answer(alarm: Alarm) -> None:
    if alarm.starved:
        watch.starved(alarm.name)
    else:
        reaper.look_at(alarm.name)
