"""Continuous checks: what is looked at unasked, when, and what follows from it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from lessons import catalog, kinds
from lessons.models import CheckRun
from sandboxes import engine, lifecycle
from sandboxes.events import feed, live
from sandboxes.events.collector import Watched
from sandboxes.models import EngineEvent, Sandbox
from tests.conftest import work
from tests.sandboxes.lying_engine import LyingEngine
from tests.sandboxes.test_grading import ID, KEY, honest

pytestmark = pytest.mark.django_db(transaction=True)


def parse(tipo: str, **more: Any) -> kinds.Spec:
    return kinds.parse({"id": tipo, "tipo": tipo, "titulo": tipo, **more})


def exercise(*checks: kinds.Spec) -> Any:
    return SimpleNamespace(checks=checks)


def test_cheap_checks_are_live_and_those_that_wait_for_others_are_not() -> None:
    image = parse("image", imagen="x")
    page = parse("http", puerto=80, texto="x")
    after = kinds.parse({"id": "after", "tipo": "image", "titulo": "x", "imagen": "x", "requiere": ["http"]})
    both = parse("all", de=[{"tipo": "image", "imagen": "x"}, {"tipo": "logs", "contenedor": "x"}])
    mixed = kinds.parse(
        {"id": "mixed", "tipo": "any", "titulo": "x", "de": [{"tipo": "image", "imagen": "x"}, {"tipo": "command", "orden": "x"}]}
    )
    assert [spec.id for spec in live.live_checks(exercise(image, page, after, both, mixed))] == ["image", "all"]


def answers(*, done: bool) -> Any:
    """An engine in which hello-world is solved, or half of it."""

    def box(id_: str, name: str, command: list[str]) -> dict[str, Any]:
        return {
            "Id": id_, "Name": f"/{name}", "Image": ID, "Created": "2026-01-01T00:00:00Z", "Path": command[0], "Args": command[1:],
            "State": {"Status": "exited", "ExitCode": 0, "Pid": 0}, "Config": {"Image": "busybox:1.37", "Cmd": command, "Tty": False},
            "HostConfig": {}, "NetworkSettings": {"Networks": {}}, "Mounts": [],
        }  # fmt: skip

    boxes = [box("c" * 64, "uno", ["echo", "hello world"]), box("d" * 64, "saludo", ["echo", "hola"])][: 2 if done else 1]

    def answer(path: str) -> tuple[int, bytes]:
        if "/containers/json" in path:
            return 200, json.dumps([{"Id": each["Id"], "Names": [each["Name"]]} for each in boxes]).encode()
        for each in boxes:
            if f"/containers/{each['Id']}/json" in path:
                return 200, json.dumps(each).encode()
            if f"/containers/{each['Id']}/logs" in path:
                text = each["Args"][0].encode() + b"\n"
                return 200, b"\x01\0\0\0" + len(text).to_bytes(4, "big") + text
        return honest(path)

    return answer


@pytest.fixture
def watched(ana: Any, sent: Any) -> Any:
    lab = LyingEngine(answers(done=False))
    engine.use(lab)
    sandbox = lifecycle.start(ana, catalog.course().exercises[KEY])
    work(sent)
    sandbox = Sandbox.objects.get(pk=sandbox.pk)
    machines = {machine.node: machine.name for machine in sandbox.machines.all()}
    yield Watched(sandbox, machines), lab
    engine.use(None)


async def test_step_is_told_the_moment_it_is_so_and_noted(watched: Any, sent: Any) -> None:
    seen, _lab = watched
    await feed.attend(seen.sandbox.pk)
    await live.check(seen)
    said = json.loads(await feed.alast(seen.sandbox.pk, feed.CHECK) or "{}")
    assert said["checks"] == {"imagen": "passed", "hello": "passed", "saludo": "failed"}
    assert not said["run"]
    assert await sync_to_async(lambda: set(EngineEvent.objects.values_list("kind", "actor")))() == {("check", "imagen"), ("check", "hello")}
    assert sent == []


async def test_all_done_asks_for_a_check_run_once(watched: Any, sent: Any) -> None:
    seen, lab = watched
    await feed.attend(seen.sandbox.pk)
    lab.answer = answers(done=True)
    await live.check(seen)
    assert [name for name, _ in sent] == ["run_check"]
    await sync_to_async(work)(sent)
    assert (await sync_to_async(CheckRun.objects.get)()).passed
    seen.changed = True
    await live.check(seen)
    assert await sync_to_async(CheckRun.objects.count)() == 1


async def test_nothing_is_looked_at_without_a_page_or_a_change(watched: Any) -> None:
    seen, lab = watched
    await live.check(seen)
    assert ("tunnel", seen.machines["lab"]) not in lab.calls
    await feed.attend(seen.sandbox.pk)
    seen.changed = False
    await live.check(seen)
    assert await feed.alast(seen.sandbox.pk, feed.CHECK) is None


async def test_hostile_engine_is_unknown_and_asks_for_nothing(watched: Any, sent: Any) -> None:
    seen, lab = watched
    lab.answer = lambda _path: (200, b"[[[")
    await feed.attend(seen.sandbox.pk)
    await live.check(seen)
    said = json.loads(await feed.alast(seen.sandbox.pk, feed.CHECK) or "{}")
    assert set(said["checks"].values()) == {"unknown"}
    assert sent == []


async def test_no_engine_makes_up_what_the_platform_notes(watched: Any) -> None:
    from sandboxes.engine.events import EventFacts
    from sandboxes.events import store

    seen, _lab = watched
    forged = EventFacts(nano=1, kind="check", action="passed", actor="saludo")
    await sync_to_async(store.add)(seen.sandbox, "lab", [forged])
    assert await sync_to_async(EngineEvent.objects.count)() == 0
