"""The websocket of a sandbox's page, /ws/laboratorio/<sandbox>/: what happens in the laboratory, as JSON messages.

Says only what feed.py keeps: on opening, the last message of each type; then each as it changes. Listens to nothing:
what a page sends is ignored. Refusals and close codes are the terminal's (docs/terminal-protocol.md). Of a visitor it is
also the sign that their page is there.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any
from uuid import UUID

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from django.utils import timezone

from sandboxes import visits
from sandboxes.events import feed
from sandboxes.models import Sandbox
from sandboxes.terminal.protocol import CODES

VISITS = "visits"
PAGES_MAX = 8
"""Pages of one user that may follow their laboratory at once, in this process."""
RENEW = feed.LEASE / 2.5
PAUSE = 0.1
"""Seconds between two messages of one type: of several within it, the last counts."""

SEEN_EVERY = 8
"""Seconds between two signs of a visitor's page: less than visits.GRACE."""

_open_pages: Counter[int] = Counter()
_farewells: set[asyncio.Task[None]] = set()
"""Visitors that have gone, for all we know, until that is sure."""


class LiveConsumer(AsyncConsumer):
    """One page's view of its sandbox."""

    _counted: int | None = None
    _sender: asyncio.Task[None] | None = None
    _presence: asyncio.Task[None] | None = None
    """Of a visitor."""

    async def websocket_connect(self, _message: dict[str, Any]) -> None:
        self._groups: list[str] = []
        self._fresh: dict[str, None] = dict.fromkeys(feed.TYPES)
        self._news = asyncio.Event()
        await self.send({"type": "websocket.accept"})
        user, self._sandbox = self.scope["user"], self.scope["url_route"]["kwargs"]["sandbox"]
        self._user = user.pk
        refusal = await _refusal(user.pk, self._sandbox) if user.is_authenticated else "no-session"
        visits_it = refusal == VISITS
        refusal = "" if visits_it else refusal
        if not refusal and _open_pages[user.pk] >= PAGES_MAX:
            refusal = "too-many"
        if refusal:
            await self._close_with(CODES[refusal])
            return
        _open_pages[user.pk] += 1
        self._counted = user.pk
        for group in (f"user-{user.pk}", f"sandbox-{self._sandbox}", feed.group(self._sandbox), visits.group_of(user.pk, self._sandbox)):
            await self.channel_layer.group_add(group, self.channel_name)
            self._groups.append(group)
        if visits_it:
            self._presence = asyncio.create_task(self._be_seen())
            await self.visit_changed({})
        self._sender = asyncio.create_task(self._send_news())

    async def websocket_receive(self, _message: dict[str, Any]) -> None:
        """Nothing is asked of a page."""

    async def websocket_disconnect(self, _message: dict[str, Any]) -> None:
        await self._leave()
        raise StopConsumer

    async def feed_fresh(self, event: dict[str, Any]) -> None:
        self._fresh[str(event["kind"])] = None
        self._news.set()

    async def terminal_close(self, event: dict[str, Any]) -> None:
        """From the channel layer: the sandbox ended, or the user logged out."""
        await self._close_with(int(event["code"]))

    async def visit_changed(self, _event: dict[str, Any]) -> None:
        """From the channel layer: what this visitor may do has changed, or it is over."""
        if self._presence and await database_sync_to_async(visits.mode_of)(self._user, self._sandbox) is None:
            await self._close_with(CODES["visit-over"])

    async def _be_seen(self) -> None:
        while True:
            await database_sync_to_async(visits.note_seen)(self._user, self._sandbox)
            await asyncio.sleep(SEEN_EVERY)

    async def _send_news(self) -> None:
        await feed.attend(self._sandbox)
        while True:
            fresh, self._fresh = self._fresh, {}
            self._news.clear()
            for kind in fresh:
                if text := await feed.alast(self._sandbox, kind):
                    await self.send({"type": "websocket.send", "text": text})
            await asyncio.sleep(PAUSE)
            while not self._fresh:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), RENEW)
                    continue
                await feed.attend(self._sandbox, again=True)

    async def _close_with(self, code: int) -> None:
        await self._leave()
        await self.send({"type": "websocket.close", "code": code})

    async def _leave(self) -> None:
        """Let go of everything. Safe to call twice."""
        if self._counted is not None:
            _open_pages[self._counted] -= 1
            self._counted = None
        groups, self._groups = self._groups, []
        for group in groups:
            await self.channel_layer.group_discard(group, self.channel_name)
        for task in (self._sender, self._presence):
            if task and task is not asyncio.current_task():
                task.cancel()
        if self._presence:
            self._presence = None
            farewell = asyncio.create_task(_see_off(self._user, self._sandbox))
            _farewells.add(farewell)
            farewell.add_done_callback(_farewells.discard)


async def _see_off(user: int, sandbox: UUID) -> None:
    """End the visit of a page that has gone, unless it comes back: a reload, a short cut."""
    left = timezone.now()
    await asyncio.sleep(visits.GRACE)
    await database_sync_to_async(visits.end_unseen)(user, sandbox, since=left)


@database_sync_to_async
def _refusal(user: int, sandbox_id: UUID) -> str:
    """Why a page may not follow the sandbox; "" if it is its owner's, VISITS if it is a visitor's."""
    sandbox = Sandbox.objects.filter(pk=sandbox_id).first()
    if sandbox is None:
        return "not-found"
    if sandbox.user_id != user:
        return "not-yours" if visits.mode_of(user, sandbox_id) is None else VISITS
    return "" if sandbox.live else "ended"
