"""Grading: a check ends once, lies and floods never pass, evidence can be judged again."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from django.utils import timezone

from lessons import catalog, kinds, progress
from lessons.kinds import Status, Verdict
from lessons.models import CheckRun, Completion
from sandboxes import grading, lifecycle
from sandboxes.engine import ExecResult
from sandboxes.engine.student import CannotObserve, StudentEngine
from tests.conftest import work
from tests.sandboxes.lying_engine import Answer, LyingEngine

KEY = "docker-intensivo/hello-world/hello-world"
ID = "sha256:" + "a" * 64
IMAGE = {"Id": ID, "RepoTags": ["busybox:1.37"], "RootFS": {"Layers": ["sha256:1"]}, "Config": {"Cmd": ["sh"]}, "Size": 1}


@contextmanager
def student(answer: Answer, seconds: float = 5) -> Iterator[StudentEngine]:
    with StudentEngine(LyingEngine(answer), "lab-x", seconds=seconds) as engine:
        yield engine


def honest(path: str) -> tuple[int, bytes]:
    if path.endswith("/images/json") or "/images/json?" in path:
        return 200, json.dumps([IMAGE]).encode()
    if "/images/" in path:
        return (200, json.dumps(IMAGE).encode()) if "busybox" in path or ID in path else (404, b'{"message":"no such image"}')
    return 200, b"[]"


def test_honest_engine_is_read() -> None:
    with student(honest) as engine:
        found = engine.image("busybox:1.37")
        assert found
        assert (found.id, found.tags, found.layers) == (ID, ["busybox:1.37"], ["sha256:1"])
        assert engine.image("redis:8.0") is None
        assert engine.tags() == {"busybox:1.37": ID}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"not json", "no se entiende"),
        (b"{}", "no se entiende"),
        (b'[{"Id": 7}]', "no se entiende"),
        (b"[[[[", "no se entiende"),
        (b'[{"Id": "' + b"9" * (17 << 20) + b'"}]', "demasiados datos"),
    ],
    ids=["text", "object", "wrong type", "cut", "flood"],
)
def test_malformed_or_oversized_answers_cannot_be_observed(body: bytes, said: str) -> None:
    with student(lambda _path: (200, body)) as engine, pytest.raises(CannotObserve, match=said):
        engine.tags()


def test_hung_engine_ends_in_time() -> None:
    forever = threading.Event()

    def hang(_path: str) -> tuple[int, bytes]:
        forever.wait(30)
        return 200, b"[]"

    with student(hang, seconds=0.5) as engine, pytest.raises(CannotObserve):
        engine.tags()
    forever.set()


def test_engine_that_contradicts_itself_is_not_believed() -> None:
    def lie(path: str) -> tuple[int, bytes]:
        return 200, json.dumps({**IMAGE, "RepoTags": ["otra:1"]}).encode() if "busybox" in path else json.dumps([IMAGE]).encode()

    with student(lie) as engine, pytest.raises(CannotObserve, match="dos cosas distintas"):
        engine.image("busybox:1.37")


def test_server_error_cannot_be_observed() -> None:
    with student(lambda _path: (500, b'{"message":"boom"}')) as engine, pytest.raises(CannotObserve, match="boom"):
        engine.tags()


def test_what_cannot_be_observed_is_said_and_does_not_pass() -> None:
    exercise = catalog.course().exercises[KEY]
    with student(lambda _path: (200, b"nonsense")) as engine:
        verdicts, evidence = grading.grade(exercise.checks, lambda _node: engine)
    assert {verdict.status for _, verdict in verdicts} == {Status.UNKNOWN}
    assert all("No se pudo comprobar" in verdict.observed for _, verdict in verdicts)
    assert evidence == {}


@pytest.fixture
def check(ana: Any, lab: Any, sent: Any) -> CheckRun:
    sandbox = lifecycle.start(ana, catalog.course().exercises[KEY])
    work(sent)
    sandbox.refresh_from_db()
    found = grading.request_check(sandbox)
    assert found
    return found


@pytest.mark.django_db
def test_passing_every_check_completes_the_exercise_once(check: CheckRun, monkeypatch: Any, sent: Any) -> None:
    exercise = catalog.course().exercises[KEY]
    passed = [(spec.id, Verdict(Status.PASSED, "e", "o")) for spec in exercise.checks]
    monkeypatch.setattr(grading, "grade", lambda *_, **__: (passed, {}))
    grading.run_check(check.pk)
    grading.run_check(check.pk)
    check.refresh_from_db()
    assert check.passed
    assert Completion.objects.filter(exercise=KEY).count() == 1
    assert not progress.end_check(check, exercise, passed, {})


@pytest.mark.django_db
def test_check_of_a_sandbox_that_ended_says_so(check: CheckRun, sent: Any) -> None:
    from sandboxes.models import Sandbox

    lifecycle.stop(Sandbox.objects.get(), reason="")
    grading.run_check(check.pk)
    check.refresh_from_db()
    assert "ya no está en marcha" in check.error


@pytest.mark.django_db
def test_check_whose_worker_was_killed_ends_once(check: CheckRun, sent: Any) -> None:
    grading.end_lost_checks()
    check.refresh_from_db()
    assert check.finished is None
    CheckRun.objects.update(requested=timezone.now() - timedelta(hours=1))
    grading.end_lost_checks()
    check.refresh_from_db()
    assert check.finished
    assert "vuelve a pulsar" in check.error


@pytest.mark.django_db
def test_a_new_worker_carries_on_with_what_was_under_way(check: CheckRun, sent: Any) -> None:
    sent.clear()
    grading.resume_checks()
    assert sent == [("run_check", (check.pk,))]
    progress.fail_check(check, "")
    sent.clear()
    grading.resume_checks()
    assert sent == []


@pytest.mark.django_db
def test_check_carried_out_while_waiting_for_its_turn_is_not_looked_at_again(
    check: CheckRun, lab: Any, sent: Any, monkeypatch: Any
) -> None:
    @contextmanager
    def late(_sandbox: object) -> Iterator[None]:
        progress.fail_check(check, "otro se adelantó")
        yield

    def looked(*_args: object, **_more: object) -> Any:
        raise AssertionError

    monkeypatch.setattr(grading, "turn", late)
    monkeypatch.setattr(grading, "grade", looked)
    grading.run_check(check.pk)
    check.refresh_from_db()
    assert check.error == "otro se adelantó"


@pytest.mark.django_db
def test_evidence_is_judged_again_and_missing_evidence_is_said(check: CheckRun) -> None:
    kind = kinds.get("image")
    check.evidence = {"imagen": {"tags": ["busybox:1.37"], "id": ID}}
    verdicts = dict(grading.rejudge(check))
    assert verdicts["imagen"].status == Status.PASSED
    assert verdicts["saludo"].status == Status.UNKNOWN
    assert kind.name == "image"


def logs(id_: str, **more: Any) -> kinds.Spec:
    return kinds.parse({"id": id_, "tipo": "logs", "titulo": f"La «{id_}»", "contenedor": "web", **more})


def test_check_whose_requirement_failed_is_not_looked_at() -> None:
    first, second, third = logs("a"), logs("b", requiere=["a"]), logs("c", requiere=["b"])
    with student(honest) as engine:
        verdicts, evidence = grading.grade([first, second, third], lambda _node: engine)
    assert [verdict.status for _, verdict in verdicts] == [Status.FAILED, Status.PENDING, Status.PENDING]
    assert [verdict.observed for _, verdict in verdicts[1:]] == ["Primero: «La “a”».", "Primero: «La “b”»."]
    assert set(evidence) == {"a"}


def test_evidence_that_a_database_cannot_keep_is_made_storable() -> None:
    assert grading.storable({"a\x00": ["b\x00", "\ud800", 7, None]}) == {"a\ufffd": ["b\ufffd", "?", 7, None]}


class SayingEngine(LyingEngine):
    """A sandbox in which every command says the same."""

    def __init__(self, output: bytes) -> None:
        super().__init__()
        self.output = output

    def run(self, name: str, argv: list[str], *, user: str = "root", seconds: float = 20) -> ExecResult:
        return ExecResult(0, self.output)


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"perl: not found",
        b"lab file",
        b"lab file 1 2 3 4",
        b"lab file x 0 0 0 root\n",
        b"lab\xff\x00 file\n",
        b"lab file 9 " + b"9" * 40 + b" 0 0 r\n",
    ],
)
def test_what_a_sandbox_says_of_a_file_is_not_trusted(output: bytes) -> None:
    spec = kinds.parse({"id": "f", "tipo": "file", "titulo": "f", "ruta": "a"})
    with StudentEngine(SayingEngine(output), "lab-x", seconds=5) as engine:
        verdicts, _evidence = grading.grade([spec], lambda _node: engine)
    assert verdicts[0][1].status == Status.UNKNOWN


def test_flood_of_commands_is_over_the_budget() -> None:
    specs = [kinds.parse({"id": str(n), "tipo": "command", "titulo": "x", "orden": f"yes {n}"}) for n in range(6)]
    with StudentEngine(SayingEngine(b"y\n" * (2 << 20)), "lab-x", seconds=5) as engine:
        verdicts, evidence = grading.grade(specs, lambda _node: engine)
    # They are looked at side by side: which of them is one too many is not known.
    over = [verdict.observed for _id, verdict in verdicts if verdict.status == Status.UNKNOWN]
    assert over
    assert all("demasiados datos" in observed for observed in over)
    assert len(json.dumps(evidence)) < 100_000


def test_nothing_that_was_kept_is_in_every_text() -> None:
    first = kinds.parse({"id": "a", "tipo": "command", "titulo": "a", "orden": "true", "guarda": "dicho"})
    second = kinds.parse({"id": "b", "tipo": "command", "titulo": "b", "orden": "ls", "salida": "{{dicho}}"})
    with StudentEngine(SayingEngine(b"\n"), "lab-x", seconds=5) as engine:
        verdicts, _evidence = grading.grade([first, second], lambda _node: engine)
    assert [verdict.status for _, verdict in verdicts] == [Status.PASSED, Status.UNKNOWN]


def test_several_things_are_kept_of_one_check_by_their_names() -> None:
    first = kinds.parse(
        {"id": "a", "tipo": "command", "titulo": "a", "orden": "x", "codigo": None, "guarda": {"dicho": "", "fin": "codigo"}}
    )
    second = kinds.parse({"id": "b", "tipo": "command", "titulo": "b", "orden": "echo {{dicho}} {{fin}}"})
    with StudentEngine(SayingEngine(b"siete\n"), "lab-x", seconds=5) as engine:
        verdicts, _evidence = grading.grade([first, second], lambda _node: engine)
    assert "echo siete 0" in verdicts[1][1].expected


def test_who_waits_for_a_check_is_told_what_there_is_and_no_more_often() -> None:
    told: list[int] = []
    held = threading.Event()

    class Slow(LyingEngine):
        def run(self, name: str, argv: list[str], *, user: str = "root", seconds: float = 20) -> ExecResult:
            if "lento" in argv[-1]:
                held.wait(10)
            return ExecResult(0, b"")

    specs = [kinds.parse({"id": str(n), "tipo": "command", "titulo": "x", "orden": f"{'lento' if n == 3 else 'ya'} {n}"}) for n in range(5)]

    def tell(found: grading.Verdicts) -> None:
        told.append(len(found))
        if len(found) == 3:
            held.set()

    with StudentEngine(Slow(), "lab-x", seconds=9) as engine:
        verdicts, _evidence = grading.grade(specs, lambda _node: engine, tell=tell)
    assert [verdict.status for _, verdict in verdicts] == [Status.PASSED] * 5
    assert 3 in told
    assert told == sorted(set(told))


@pytest.mark.django_db
def test_bonus_gives_points_but_is_not_needed(check: CheckRun) -> None:
    exercise = catalog.course().exercises[KEY]
    bonus = exercise.checks[-1].model_copy(update={"extra": True, "puntos": 5})
    exercise = dataclasses.replace(exercise, checks=(*exercise.checks[:-1], bonus))
    verdicts = [(spec.id, Verdict(Status.FAILED if spec.extra else Status.PASSED, "e", "o")) for spec in exercise.checks]
    progress.end_check(check, exercise, verdicts, {})
    check.refresh_from_db()
    assert check.passed
    without = Completion.objects.get().points
    again = progress.begin_check(check.attempt)
    assert again
    progress.end_check(again, exercise, [(spec.id, Verdict(Status.PASSED, "e", "o")) for spec in exercise.checks], {})
    assert Completion.objects.get().points == without + 5


def test_what_a_check_kept_is_asked_for_by_later_ones() -> None:
    first = kinds.parse({"id": "a", "tipo": "command", "titulo": "El primero", "orden": "echo", "guarda": "dicho"})
    second = kinds.parse({"id": "b", "tipo": "command", "titulo": "b", "orden": "echo {{dicho}}", "salida": "{{dicho}}"})
    with StudentEngine(SayingEngine(b" siete\notra\n"), "lab-x", seconds=5) as engine:
        verdicts, _evidence = grading.grade([first, second], lambda _node: engine)
    assert [verdict.status for _, verdict in verdicts] == [Status.PASSED, Status.PASSED]
    assert "echo siete" in verdicts[1][1].expected
    failing = first.model_copy(update={"salida": "ocho"})
    with StudentEngine(SayingEngine(b"siete"), "lab-x", seconds=5) as engine:
        verdicts, _evidence = grading.grade([failing, second], lambda _node: engine)
    assert [verdict.status for _, verdict in verdicts] == [Status.FAILED, Status.PENDING]
    assert verdicts[1][1].observed == "Primero: «El primero»."


def test_what_was_kept_and_does_not_suit_cannot_be_checked() -> None:
    first = kinds.parse({"id": "a", "tipo": "command", "titulo": "a", "orden": "echo", "guarda": "puerto"})
    second = kinds.parse({"id": "b", "tipo": "http", "titulo": "b", "puerto": "{{puerto}}"})
    with StudentEngine(SayingEngine(b"siete"), "lab-x", seconds=5) as engine:
        verdicts, _evidence = grading.grade([first, second], lambda _node: engine)
    assert verdicts[1][1].status == Status.UNKNOWN


def test_what_is_to_be_found_out_is_not_told_to_who_has_not() -> None:
    first = kinds.parse({"id": "a", "tipo": "command", "titulo": "a", "orden": "echo", "guarda": "pid"})
    second = kinds.parse({"id": "b", "tipo": "file", "titulo": "b", "ruta": "pid.txt", "texto": "{{pid}}"})
    with StudentEngine(SayingEngine(b"4711"), "lab-x", seconds=5) as engine:
        engine.file = lambda *_args, **_more: (None, [])  # type: ignore[method-assign]
        verdicts, _evidence = grading.grade([first, second], lambda _node: engine)
    said = str(verdicts[1][1])
    assert verdicts[1][1].status == Status.FAILED
    assert "lo que se pregunta" in said
    assert "4711" not in said


def test_a_worker_has_read_the_course_before_it_makes_its_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    from labsite.celery import read_ahead

    unread = cache(catalog.course.__wrapped__)
    monkeypatch.setattr(catalog, "course", unread)
    read_ahead()
    assert unread.cache_info().currsize == 1


def test_a_check_does_not_wait_behind_the_machines_of_a_whole_class() -> None:
    from labsite.celery import app

    def queue(task: str) -> str:
        return str(app.amqp.router.route({}, f"sandboxes.tasks.{task}")["queue"].name)

    sent = ["examine_programs", "bring_up", "run_check", "bring_up"]
    with app.connection_for_write() as connection:
        channel = connection.channel()
        queues = [connection.SimpleQueue(name) for name in {queue(task) for task in sent}]
        for each in queues:
            each.clear()
        for task in sent:
            connection.SimpleQueue(queue(task)).put({"task": task})
        got: list[str] = []
        names = [each.name for each in app.amqp.queues.values()]
        consumer = connection.Consumer([app.amqp.queues[name] for name in names], channel=channel, accept=["json"])
        consumer.register_callback(lambda body, message: (got.append(body["task"]), message.ack()))
        consumer.qos(prefetch_count=1)
        with consumer:
            while len(got) < len(sent):
                connection.drain_events(timeout=5)
    assert got == ["run_check", "bring_up", "bring_up", "examine_programs"]
