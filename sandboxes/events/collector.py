"""The lab's one collector: listens to the engine of every sandbox in use, keeps what happens and shows it, and to the lab's own.

A process of its own (`manage.py collect`), which the supervisor starts again if it dies: all it must remember is in the
database. It begins where the last kept event was, so that of a gap only what an engine has forgotten itself is lost.

Bounded: one stream a machine, so many events a second, one look at a time for each sandbox and a pause after it that
grows with what the look cost, a few looks at once in all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import DatabaseError

from lessons import progress
from sandboxes.engine import EngineError
from sandboxes.engine.events import EventFacts
from sandboxes.events import alarms, feed, live, snapshot, store, watching
from sandboxes.models import Sandbox, State

log = structlog.get_logger()

ROUND = 5
"""Seconds between two looks at which sandboxes there are, if nobody says that it changed."""
BURST, PER_SECOND = 600, 50
"""Events of one machine that are kept at once, and a second in the long run; what is past that is dropped."""
GATHER = 0.15
"""Seconds in which events are gathered before they are written."""
QUIET, PATIENCE = 0.25, 1.5
"""Seconds without events before a look, and how long it may be put off."""
RETRY = (0.5, 1, 2, 5, 10, 15)
LOOKS = 4
"""Looks at once, of all sandboxes together."""
BUSY, YIELD = 4, 10
"""Check runs under way, of everybody's, at which a look waits, and for how many seconds at most: somebody waits for those."""
REST = 3
"""A sandbox rests after a look for so many times as long as it took."""

Look = Callable[["Watched"], Awaitable[None]]


@dataclass
class Watched:
    """A sandbox in use, and what the collector knows of it."""

    sandbox: Sandbox
    machines: dict[str, str]
    """Node → machine."""
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    layers: dict[str, snapshot.Layers] = field(default_factory=dict)
    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The last message of each type."""
    changed: bool = True
    """Whether its engines may hold something else than at the last check."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def key(self) -> tuple[Any, ...]:
        return self.sandbox.pk, self.sandbox.ready, *sorted(self.machines.items())


class Collector:
    """`run` goes on until it is cancelled. `looks` are what is done after something happened in a sandbox."""

    def __init__(self, looks: tuple[Look, ...] | None = None) -> None:
        self._watched: dict[Any, Watched] = {}
        self._again = asyncio.Event()
        self._at_once = asyncio.Semaphore(LOOKS)
        self._looks = looks or (show, live.check)

    async def run(self) -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(feed.COLLECTOR, channel)
        listener = asyncio.create_task(self._listen(layer, channel))
        heeding = asyncio.create_task(alarms.heed())
        try:
            while not listener.done():
                await self.reconcile()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._again.wait(), ROUND)
                self._again.clear()
            await listener
        finally:
            listener.cancel()
            heeding.cancel()
            tasks = [task for watched in self._watched.values() for task in _cancel(watched)]
            await asyncio.gather(listener, heeding, *tasks, return_exceptions=True)

    async def reconcile(self) -> None:
        """Begin to listen to sandboxes that have come, leave those that have gone."""
        found = {watched.key: watched for watched in await _in_use()}
        for key in set(self._watched) - set(found):
            _cancel(self._watched.pop(key))
        for key in set(found) - set(self._watched):
            watched = self._watched[key] = found[key]
            watched.stirred.set()
            watched.tasks = [asyncio.create_task(self._follow(watched, node)) for node in watched.machines]
            watched.tasks.append(asyncio.create_task(self._tend(watched)))

    async def _listen(self, layer: Any, channel: str) -> None:
        while True:
            message = await layer.receive(channel)
            if message["type"] == "feed.stirred":
                self._again.set()
            for watched in self._watched.values():
                if str(watched.sandbox.pk) == message.get("sandbox"):
                    watched.shown.pop(feed.SNAPSHOT, None)
                    watched.stirred.set()

    async def _follow(self, watched: Watched, node: str) -> None:
        """Keep one machine's events, for as long as it is in use."""
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await _keep_events(watched, node)
            except (EngineError, OSError, DatabaseError) as error:
                log.info("an engine's events were lost sight of", machine=watched.machines[node], error=str(error))
            except Exception:
                # One student's machine must not end everybody's collector.
                log.exception("the collector failed on a machine", machine=watched.machines[node])
            failures = 0 if time.monotonic() - began > 60 else failures + 1
            watched.changed = True
            watched.stirred.set()
            await asyncio.sleep(RETRY[min(failures, len(RETRY)) - 1])

    async def _tend(self, watched: Watched) -> None:
        """Look at a sandbox whenever something has happened in it and it is quiet again."""
        while True:
            await watched.stirred.wait()
            await _quiet(watched)
            await _calm()
            async with self._at_once:
                began = time.monotonic()
                for look in self._looks:
                    try:
                        await look(watched)
                    except (EngineError, OSError, DatabaseError, feed.TooLarge) as error:
                        log.info("a sandbox could not be looked at", sandbox=str(watched.sandbox.pk), error=str(error))
                    except Exception:
                        log.exception("the collector failed on a sandbox", sandbox=str(watched.sandbox.pk))
            await asyncio.sleep(REST * (time.monotonic() - began))


async def _quiet(watched: Watched) -> None:
    """Wait until nothing has stirred for a moment, or for long enough."""
    end = time.monotonic() + PATIENCE
    while watched.stirred.is_set() and time.monotonic() < end:
        watched.stirred.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(watched.stirred.wait(), QUIET)
    watched.stirred.clear()


async def _calm() -> None:
    """Wait while many check runs are under way, for so long."""
    end = time.monotonic() + YIELD
    while time.monotonic() < end and await database_sync_to_async(progress.under_way)() >= BUSY:
        await asyncio.sleep(QUIET)


async def _keep_events(watched: Watched, node: str) -> None:
    """Follow one stream to its end."""
    sandbox = watched.sandbox
    ready = int(sandbox.ready.timestamp() * 1e9) if sandbox.ready else 0
    since = max(ready, await database_sync_to_async(store.last_nano)(sandbox.pk, node))
    room, filled = float(BURST), time.monotonic()
    async with aclosing(_gathered(watched.machines[node], since)) as lots:
        async for found in lots:
            now = time.monotonic()
            room, filled = min(BURST, room + PER_SECOND * (now - filled)), now
            kept = found[: int(room)]
            room -= len(kept)
            if len(kept) < len(found):
                log.info("an engine tells too many events", machine=watched.machines[node], dropped=len(found) - len(kept))
            if kept:
                await database_sync_to_async(store.add)(sandbox, node, kept)
            if any(event.changes for event in found):
                watched.changed = True
                watched.stirred.set()


async def _gathered(machine: str, since: int) -> AsyncGenerator[list[EventFacts]]:
    """The engine's events in lots: writing each by itself would cost a transaction each."""
    async with aclosing(watching.events(machine, since=since)) as stream:
        async for found in stream:
            yield found
            # What comes meanwhile waits in the pipe.
            await asyncio.sleep(GATHER)


async def show(watched: Watched) -> None:
    """The picture of a sandbox whose page is open, to that page."""
    if not await feed.attended(watched.sandbox.pk):
        return
    nodes = []
    for node, machine in watched.machines.items():
        nodes.append(await snapshot.take(machine, node, watched.layers.setdefault(node, {})))
    for kind, body in ((feed.SNAPSHOT, snapshot.fitting(nodes)), (feed.PORTS, snapshot.published(nodes))):
        if watched.shown.get(kind) != body:
            watched.shown[kind] = body
            await feed.apublish(watched.sandbox.pk, kind, body)


@database_sync_to_async
def _in_use() -> list[Watched]:
    ready = Sandbox.objects.filter(state=State.READY).prefetch_related("machines")
    found = [Watched(sandbox, {machine.node: machine.name for machine in sandbox.machines.all()}) for sandbox in ready]
    return [watched for watched in found if watched.machines]


def _cancel(watched: Watched) -> list[asyncio.Task[None]]:
    for task in watched.tasks:
        task.cancel()
    return watched.tasks
