"""`event`: each message from what happened; hostile and forgetful engines."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from pydantic import ValidationError

from lessons import kinds
from lessons.kinds import Status
from sandboxes.engine.events import EventFacts
from sandboxes.engine.student import CannotObserve, Past, StudentEngine
from sandboxes.graders.event_story import tell
from sandboxes.grading import grade
from tests.sandboxes.judging import judge
from tests.sandboxes.lying_engine import LyingEngine

GONE = {"acciones": ["start", "die", "destroy"], "nombre": "uno", "imagen": "busybox:1.37", "codigo": 0}


def story(*actions: str | dict[str, Any], name: str = "uno", image: str = "busybox:1.37") -> dict[str, Any]:
    return {"names": [name], "image": image, "steps": [{"action": action} if isinstance(action, str) else action for action in actions]}


DIED = {"action": "die", "code": 0}


@pytest.mark.parametrize(
    ("spec", "stories", "status", "said"),
    [
        (GONE, [story("create", "attach", "start", DIED, "destroy")], Status.PASSED, "así fue con «uno»"),
        (GONE, [story("create", "start", DIED)], Status.FAILED, "créalo con --rm"),
        (GONE, [story("create", "start")], Status.FAILED, "sigue en marcha"),
        (GONE, [story("create")], Status.FAILED, "no ha arrancado"),
        (GONE, [story("start", {"action": "die", "code": 137}, "destroy")], Status.FAILED, "con el código 137, y no 0"),
        (GONE, [story("start", DIED, "destroy", name="unoo")], Status.FAILED, "¿es una errata?"),
        (GONE, [story("start", DIED, "destroy", image="redis:8.0")], Status.FAILED, "son de «redis:8.0»"),
        (GONE, [], Status.FAILED, "no ha pasado nada"),
        ({"acciones": ["attach", "start"]}, [story("create", "start")], Status.FAILED, "segundo plano"),
        ({"acciones": ["attach", "start"]}, [story("start", "attach")], Status.FAILED, "no en ese orden"),
        ({"acciones": ["die"], "veces": 2}, [story(DIED)], Status.FAILED, "ha pasado una vez"),
        ({"acciones": ["die"], "veces": 2}, [story(DIED), story(DIED, name="dos")], Status.PASSED, "dos"),
        ({"acciones": ["kill"], "senal": 15}, [story({"action": "kill", "signal": 9})], Status.FAILED, "señal 9, y no 15"),
        ({"acciones": ["exec_create"], "orden": "date"}, [story({"action": "exec_create", "command": "sh -c ls"})], Status.FAILED, "ls"),
        ({"acciones": ["exec_create"], "orden": "date"}, [story("start")], Status.FAILED, "docker exec"),
        (
            {"acciones": ["exec_create", "exec_die"], "orden": "date", "codigo": 0},
            [story({"action": "exec_create", "command": "date -u"}, {"action": "exec_die", "code": 0})],
            Status.PASSED,
            "uno",
        ),
        ({"objeto": "image", "acciones": ["pull"], "nombre": "redis"}, [story("pull", name="redis:latest")], Status.PASSED, "redis"),
        ({"objeto": "image", "acciones": ["pull", "untag"]}, [story("pull", name="redis:8.0")], Status.FAILED, "se le quitó el nombre"),
    ],
)
def test_judging(spec: dict[str, Any], stories: list[dict[str, Any]], status: Status, said: str) -> None:
    found, text = judge("event", spec, {"stories": stories})
    assert (found, said in text) == (status, True), text


def test_what_was_forgotten_is_not_held_against_anybody() -> None:
    assert judge("event", GONE, {"stories": [], "forgot": True})[0] == Status.UNKNOWN
    assert judge("event", GONE, {"stories": [story("start", DIED, "destroy")], "forgot": True})[0] == Status.PASSED


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"acciones": ["explota"]}, "explota"),
        ({"acciones": ["pull"]}, "pull"),
        ({"acciones": ["start"], "codigo": 0}, "die"),
        ({"acciones": ["start"], "senal": 9}, "kill"),
        ({"acciones": ["start"], "orden": "ls"}, "exec_create"),
        ({"objeto": "image", "acciones": ["pull"], "imagen": "x"}, "nombre"),
        ({"acciones": []}, "acciones"),
    ],
)
def test_impossible_specifications_are_refused(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        kinds.parse({"id": "x", "tipo": "event", "titulo": "x", **spec})


def line(action: str, nano: int, name: str = "uno") -> bytes:
    attributes = {"name": name, "image": "busybox:1.37", "exitCode": "0"}
    return json.dumps({"Type": "container", "Action": action, "Actor": {"ID": "c1", "Attributes": attributes}, "timeNano": nano}).encode()


def kept(action: str, nano: int) -> EventFacts:
    return EventFacts(nano=nano, kind="container", action=action, actor="c1", attributes={"name": "uno", "image": "busybox:1.37"})


def check(body: bytes, past: Past, **spec: Any) -> Any:
    asked = kinds.parse({"id": "x", "tipo": "event", "titulo": "x", **spec})
    with StudentEngine(LyingEngine(lambda _path: (200, body)), "lab-x", seconds=5, past=lambda: past) as engine:
        return grade([asked], lambda _node: engine)[0][0][1]


def test_what_the_collector_kept_and_what_the_engine_remembers_are_one() -> None:
    now = time.time_ns()
    past = Past(now - 10**10, (kept("create", now - 9 * 10**9), kept("start", now - 8 * 10**9)))
    told = b"\n".join([line("start", now - 8 * 10**9), line("die", now - 7 * 10**9), line("destroy", now - 6 * 10**9)])
    assert check(told, past, **GONE).status == Status.PASSED


def test_what_happened_before_the_hand_over_or_has_not_happened_yet_does_not_count() -> None:
    now = time.time_ns()
    told = b"\n".join([line("start", now - 10**12), line("die", now - 10**12 + 1), line("destroy", now + 10**12)])
    assert check(told, Past(now - 10**9), **GONE).status == Status.FAILED


@pytest.mark.parametrize("body", [b"", b"null", b"[" * 10000, b"\xff" * 1000, b"\n" * 100_000, b'{"Type": 1}\n' * 1000])
def test_nonsense_is_no_event(body: bytes) -> None:
    assert check(body, Past(), **GONE).status == Status.FAILED


def test_an_end_that_is_told_a_moment_after_the_stop_is_not_missed() -> None:
    said = [
        {"Type": "container", "Action": action, "Actor": {"ID": "c1"}, "timeNano": nano} for nano, action in enumerate(("stop", "die"), 1)
    ]
    asked: list[str] = []

    def answer(path: str) -> tuple[int, bytes]:
        asked.append(path)
        return 200, b"\n".join(json.dumps(event).encode() for event in said[: len(asked)])

    with StudentEngine(LyingEngine(answer), "lab-x", seconds=5) as engine:
        assert [event.action for event in engine.events()] == ["stop", "die"]
    assert len(asked) == 2


def test_endless_events_end_in_time() -> None:
    assert check(line("start", 1) * (20 << 10), Past(), **GONE).status in (Status.FAILED, Status.UNKNOWN)


def test_engine_that_does_not_answer_cannot_be_observed() -> None:
    with (
        StudentEngine(LyingEngine(lambda _path: (200, b"x" * (17 << 20))), "lab-x", seconds=5) as engine,
        pytest.raises(CannotObserve),
    ):
        engine.events()


def test_an_object_keeps_the_names_it_had() -> None:
    renamed = EventFacts(nano=1, kind="container", action="rename", actor="c", attributes={"oldName": "/uno", "name": "dos"})
    told = tell([renamed], "c")
    assert told.names == ["uno", "dos"]
    wanted = {"acciones": ["rename"], "nombre": "uno"}
    assert judge("event", wanted, {"stories": [told.model_dump()]})[0] == Status.PASSED


def test_name_of_the_last_object_can_be_kept() -> None:
    kind: Any = kinds.get("event")
    spec = kinds.parse({"id": "x", "tipo": "event", "titulo": "x", "acciones": ["die"]})
    evidence = kind.evidence.model_validate({"stories": [story(DIED), story(DIED, name="dos")]})
    assert kind.captured(spec, evidence)["nombre"] == "dos"
