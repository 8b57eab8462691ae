"""A visitor's way to another's terminal: how long they may be there, what they may send, and what they see while there is no shell.

Who may visit at all is visits.py's; the socket, its relay and its end are the consumer's, which asks here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

from channels.db import database_sync_to_async
from django.db import DatabaseError

from sandboxes import visits
from sandboxes.terminal import line, protocol

ASK_EVERY = 10.0
"""Seconds between two questions whether a visitor may still be here, for the channel layer may lose the word that it is over."""


class Guest:
    """One page of a visitor, on one shell of the sandbox that is visited."""

    def __init__(self, user: int, sandbox: UUID) -> None:
        self._user, self._sandbox = user, sandbox
        self._mode: str | None = None
        self._stirred = asyncio.Event()
        self.groups = (visits.group_of(user, sandbox), f"shells-{sandbox}")
        """Where it is told that the visit changed, and that a shell has begun."""

    async def is_welcome(self) -> bool:
        """Whether the visit goes on. What they may do now is as it was found."""
        self._mode = await database_sync_to_async(visits.mode_of)(self._user, self._sandbox)
        self.stir()
        return self._mode is not None

    async def until_unwelcome(self) -> None:
        while True:
            await asyncio.sleep(ASK_EVERY)
            with suppress(DatabaseError):  # it is asked again
                if not await self.is_welcome():
                    return

    def may_send(self, kind: bytes) -> bool:
        """Who looks touches nothing; who types along, neither size nor end."""
        return self._mode == visits.TYPE and kind == protocol.INPUT

    def stir(self) -> None:
        """The shell may be there now, or they may now open it."""
        self._stirred.set()

    async def look_on(
        self,
        watch: Callable[[], Awaitable[bytes]],
        start: Callable[[], Awaitable[None]],
        wait: Callable[[], Awaitable[None]],
    ) -> bytes:
        """See the shell that is there or, while there is none, the next that begins, until a last word that ends it for good.

        `watch` carries one to its last word, `start` has one begin, `wait` tells the page that there is none. Who may type starts
        it themselves, but not again at once after its end."""
        may_start = True
        while True:
            self._stirred.clear()
            last = await watch()
            if last == protocol.NO_SHELL:
                if self._stirred.is_set():
                    continue
                if may_start and self._mode == visits.TYPE:
                    may_start = False
                    await start()
                    continue
                await wait()
            elif last[:1] == protocol.EXIT:
                may_start = False
            else:
                return last
            await self._stirred.wait()


async def start_shell(container: str, opening: bytes) -> None:
    """Have a shell begin, and leave it at once to its owner."""
    channel = await line.open_channel(container)
    await channel.send(protocol.OPEN, opening)
    channel.close()
