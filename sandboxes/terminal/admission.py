"""Who gets which machine's terminal, and how many at once. Refusals are the reasons of protocol.CODES."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from uuid import UUID

from channels.db import database_sync_to_async
from django.conf import settings

from sandboxes import visits
from sandboxes.models import Machine, Sandbox, State

MAY_COME = ("not-found", "early")
"""Refusals that may be none in a moment."""
WAIT, LOOK_AGAIN = 60, 2.0
"""Seconds that one may wait for a sandbox to be ready, and those between two looks meanwhile."""

_open: Counter[int] = Counter()
"""Terminals per user in this process."""


def count_in(user: int) -> bool:
    """One terminal more of this user. False if they have as many as they may."""
    if _open[user] >= settings.ENV.terminals_max:
        return False
    _open[user] += 1
    return True


def count_out(user: int) -> None:
    _open[user] -= 1


@database_sync_to_async
def find_machine(user: int, sandbox: UUID, node: str) -> Machine | str:
    """The node's machine if it is ready and this user's, or they visit it; else the reason to close."""
    found = Sandbox.objects.filter(pk=sandbox).prefetch_related("machines").first()
    if found is None:
        return "not-found"
    if found.user_id != user and visits.mode_of(user, sandbox) is None:
        return "not-yours"
    if found.state in (State.REQUESTED, State.STARTING):
        return "early"
    machine = next((machine for machine in found.machines.all() if machine.node == node), None)
    if machine is None:
        return "not-found"
    return machine if found.state == State.READY else "ended"


async def await_machine(user: int, sandbox: UUID, node: str, ready: asyncio.Event) -> Machine | str:
    """As find_machine, once the sandbox is ready. Looks when that is told and, as the channel layer may lose a message, now and then;
    who has waited WAIT seconds is told to come again."""
    try:
        async with asyncio.timeout(WAIT):
            while True:
                told = ready.is_set()
                found: Machine | str = await find_machine(user, sandbox, node)
                if told or found not in MAY_COME:
                    return found
                with suppress(TimeoutError):
                    await asyncio.wait_for(ready.wait(), LOOK_AGAIN)
    except TimeoutError:
        return "early"
