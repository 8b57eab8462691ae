"""What the lab's own engine tells of its machines reaches their students at once, and nobody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from lessons import catalog
from sandboxes import lifecycle
from sandboxes.engine import Alarm
from sandboxes.events import alarms, feed
from sandboxes.models import Sandbox, State
from tests.conftest import work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sandbox(ana: Any, bruno: Any, lab: Any, sent: Any, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    monkeypatch.setattr(alarms, "RETRY", 0.02)
    for user in (bruno, ana):
        made = lifecycle.start(user, catalog.course().exercises["docker-intensivo/hello-world/hello-world"])
        work(sent)
    return Sandbox.objects.get(pk=made.pk)


@asynccontextmanager
async def heeding() -> AsyncIterator[None]:
    task = asyncio.create_task(alarms.heed())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Any]) -> Any:
    for _ in range(500):
        if found := await sync_to_async(condition)():
            return found
        await asyncio.sleep(0.02)
    pytest.fail("not within ten seconds")


def fresh(sandbox: Sandbox) -> Sandbox:
    return Sandbox.objects.get(pk=sandbox.pk)


@sync_to_async
def machine_of(sandbox: Sandbox) -> str:
    return sandbox.machines.get().name


async def test_who_runs_out_of_memory_is_told_and_their_page_hears_of_it(sandbox: Sandbox, lab: Any) -> None:
    async with heeding():
        lab.sounding.append(Alarm(await machine_of(sandbox), starved=True, at=time.time()))
        assert "agotó su memoria" in await until(lambda: fresh(sandbox).notice)
        assert await until(lambda: feed.last(sandbox.pk, feed.NOTICE))
    others = [row.notice async for row in Sandbox.objects.exclude(pk=sandbox.pk)]
    assert others == [""]


async def test_whose_machine_ends_hears_of_it_before_the_next_round(sandbox: Sandbox, lab: Any) -> None:
    name = await machine_of(sandbox)
    lab.boxes[name].state = "exited"
    async with heeding():
        lab.sounding.append(Alarm(name, starved=False, at=time.time()))
        await until(lambda: fresh(sandbox).state == State.LOST)
    assert "desde dentro" in (await sync_to_async(fresh)(sandbox)).reason
    assert await Sandbox.objects.filter(state=State.READY).acount() == 1


async def test_what_happens_while_the_engine_is_away_or_a_machine_hangs_is_told_afterwards(sandbox: Sandbox, lab: Any) -> None:
    name = await machine_of(sandbox)
    lab.down = True
    async with heeding():
        await until(lambda: [call for call in lab.calls if call[0] == "alarms"][3:])
        lab.down = False
        lab.broken.add("death")
        lab.sounding += [Alarm("lab-de-nadie", starved=True, at=time.time()), Alarm(name, starved=True, at=time.time())]
        assert "memoria" in await until(lambda: fresh(sandbox).notice)
