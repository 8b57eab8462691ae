"""The collector on a real engine: what happens is kept, a step turns green by itself, and what left nothing is proven."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from lessons import catalog, kinds
from lessons.models import CheckRun
from sandboxes import engine, grading, lifecycle, tasks, watch
from sandboxes.engine.nodes import Nodes
from sandboxes.events import feed, store
from sandboxes.events.collector import Collector
from sandboxes.models import EngineEvent, Machine, Sandbox, State
from tests.conftest import work

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sandbox(ana: Any, real_lab: Any, sent: Any) -> Iterator[Sandbox]:
    engine.use(real_lab)
    try:
        made = lifecycle.start(ana, catalog.course().exercises["docker-intensivo/hello-world/hello-world"])
        work(sent)
        found = Sandbox.objects.get(pk=made.pk)
        assert found.state == State.READY, found.reason
        yield found
    finally:
        for machine in Machine.objects.all():
            real_lab.remove(machine.name)
        engine.use(None)


@asynccontextmanager
async def collecting() -> AsyncIterator[None]:
    task = asyncio.create_task(Collector().run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)  # its streams close


async def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait for what the database says; fails after `seconds`."""
    end = asyncio.get_running_loop().time() + seconds
    while not (found := await sync_to_async(condition)()):
        assert asyncio.get_running_loop().time() < end, condition
        await asyncio.sleep(0.05)
    return found


def as_student(lab: Any, sandbox: Sandbox, command: str) -> None:
    machine = sandbox.machines.first()
    assert machine
    done = lab.run(machine.name, ["su", "-", "alumno", "-c", command], seconds=60)
    assert done.code == 0, done.output.decode()


def verdict(sandbox: Sandbox, lab: Any, **raw: Any) -> tuple[str, str]:
    spec = kinds.parse({"id": "x", "titulo": "x", "tipo": "event", **raw})
    machines = {machine.node: machine.name for machine in sandbox.machines.all()}
    with Nodes(lab, machines, seconds=30, past=store.past(sandbox)) as nodes:
        found = grading.grade([spec], nodes.engine)[0][0][1]
    return found.status, f"{found.observed} | {found.hint}"


def shown(sandbox: Sandbox) -> dict[str, str]:
    found: dict[str, str] = (feed.last(sandbox.pk, feed.CHECK) or {}).get("checks", {})
    return found


async def test_a_step_turns_green_by_itself_and_the_last_one_asks_for_a_check(sandbox: Sandbox, real_lab: Any, sent: Any) -> None:
    async with collecting():
        await feed.attend(sandbox.pk)
        await until(lambda: shown(sandbox))
        assert set(shown(sandbox).values()) == {"failed"}
        await sync_to_async(as_student)(real_lab, sandbox, "docker run busybox:1.37 echo 'hello world'")
        await until(lambda: shown(sandbox).get("hello") == "passed")
        assert shown(sandbox)["saludo"] == "failed"
        assert sent == [], "the exercise is not done: nothing is asked for"
        await sync_to_async(as_student)(real_lab, sandbox, "docker run --name saludo busybox:1.37 echo hola")
        await until(lambda: set(shown(sandbox).values()) == {"passed"})
        await until(lambda: [name for name, _ in sent] == ["run_check"])
    noted = await sync_to_async(lambda: list(EngineEvent.objects.filter(kind=store.CHECK).values_list("actor", flat=True)))()
    assert sorted(noted) == ["hello", "imagen", "saludo"]
    sent[:] = sent[:1]
    name, args = sent[0]
    await sync_to_async(getattr(tasks, name).run)(*args)
    run = await sync_to_async(CheckRun.objects.get)()
    assert run.passed
    said = json.loads(await feed.alast(sandbox.pk, feed.RESULT) or "{}")
    assert said["run"] == run.pk, "its page is told"


async def test_what_was_run_and_removed_is_proven_by_what_was_collected(sandbox: Sandbox, real_lab: Any) -> None:
    async with collecting():
        await sync_to_async(as_student)(real_lab, sandbox, "docker run --rm --name fugaz busybox:1.37 sh -c 'exit 3'; true")
        await sync_to_async(as_student)(
            real_lab, sandbox, "docker run -d --name web busybox:1.37 sleep 1000; docker exec web date; docker exec web bash; true"
        )
        gone = EngineEvent.objects.filter(action="destroy", attributes__name="fugaz")
        await until(gone.exists)
        await until(EngineEvent.objects.filter(action__startswith="exec_die").exists)
    judged = sync_to_async(verdict)
    fugaz = {"nombre": "fugaz", "acciones": ["start", "die", "destroy"]}
    assert (await judged(sandbox, real_lab, **fugaz, imagen="busybox:1.37", codigo=3))[0] == "passed"
    status, said = await judged(sandbox, real_lab, **fugaz, codigo=0)
    assert (status, "con el código 3, y no 0" in said) == ("failed", True), said
    assert (await judged(sandbox, real_lab, nombre="web", acciones=["exec_create", "exec_die"], orden="date", codigo=0))[0] == "passed"
    status, said = await judged(sandbox, real_lab, nombre="web", acciones=["start", "die", "destroy"])
    assert (status, "sigue en marcha" in said or "está en marcha" in said) == ("failed", True), said
    # The engine's own memory holds 256 events: what it has forgotten, the collector has not.
    await sync_to_async(as_student)(real_lab, sandbox, "for i in $(seq 130); do docker exec web true; done")
    assert (await judged(sandbox, real_lab, **fugaz, codigo=3))[0] == "passed"


async def test_a_collector_that_was_away_tells_what_happened_meanwhile_once(sandbox: Sandbox, real_lab: Any) -> None:
    async with collecting():
        await sync_to_async(as_student)(real_lab, sandbox, "docker volume create uno")
        await until(EngineEvent.objects.filter(kind="volume", actor="uno").exists)
    await sync_to_async(as_student)(real_lab, sandbox, "docker volume create dos")
    async with collecting():
        await until(EngineEvent.objects.filter(kind="volume", actor="dos").exists)
    made = EngineEvent.objects.filter(kind="volume", action="create").order_by("nano").values_list("actor", flat=True)
    assert await sync_to_async(list)(made) == ["uno", "dos"]


def told(sandbox: Sandbox) -> tuple[str, str, str]:
    found = Sandbox.objects.get(pk=sandbox.pk)
    return found.state, found.notice, found.reason


HOG = """perl -e 'push @a, "x" x 8000000 while 1'; true"""
BOMB = "perl -e 'while (1) { my $p = fork // last; if (!$p) { sleep 1; exit } }'; true"


async def test_who_takes_too_much_between_two_looks_is_told_of_it(sandbox: Sandbox, real_lab: Any, machine: str) -> None:
    await sync_to_async(watch.watch)()
    async with collecting():
        await sync_to_async(as_student)(real_lab, sandbox, HOG)
        await until(lambda: "agotó su memoria (512 MiB)" in told(sandbox)[1])
        await sync_to_async(as_student)(real_lab, sandbox, BOMB)
        await sync_to_async(watch.watch)()
        assert "límite de procesos (400)" in (await sync_to_async(told)(sandbox))[1]
        name = await sync_to_async(lambda: sandbox.machines.get().name)()
        await sync_to_async(real_lab._api.kill)(name)
        await until(lambda: told(sandbox)[0] == State.LOST)
    assert "de golpe" in (await sync_to_async(told)(sandbox))[2], "somebody else's machine goes on: it was not all of the lab"
