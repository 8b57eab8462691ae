"""Grading: a check ends once, lies and floods never pass, evidence can be judged again."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from lessons import catalog, kinds, progress
from lessons.kinds import Status, Verdict
from lessons.models import CheckRun, Completion
from sandboxes import grading, lifecycle
from sandboxes.engine.student import CannotObserve, StudentEngine
from tests.conftest import work
from tests.sandboxes.fake_engine import FakeLabEngine

KEY = "docker-intensivo/hello-world/hello-world"
ID = "sha256:" + "a" * 64
IMAGE = {"Id": ID, "RepoTags": ["busybox:1.37"], "RootFS": {"Layers": ["sha256:1"]}, "Config": {"Cmd": ["sh"]}, "Size": 1}
Answer = Callable[[str], tuple[int, bytes]]


class LyingEngine(FakeLabEngine):
    """A sandbox whose engine answers what `answer(path)` says, framed as the lab engine frames it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer

    def tunnel(self, name: str, argv: list[str]) -> socket.socket:
        ours, theirs = socket.socketpair()
        threading.Thread(target=self._serve, args=(theirs,), daemon=True).start()
        return ours

    def _serve(self, stream: socket.socket) -> None:
        pending = b""
        with stream:
            while chunk := stream.recv(65536):
                pending += chunk
                while b"\r\n\r\n" in pending:
                    head, pending = pending.split(b"\r\n\r\n", 1)
                    status, body = self.answer(head.split()[1].decode())
                    reply = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
                    try:
                        stream.sendall(b"\x01\0\0\0" + len(reply).to_bytes(4, "big") + reply)
                    except OSError:
                        return


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
        assert [image.id for image in engine.images()] == [ID]


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
        engine.images()


def test_hung_engine_ends_in_time() -> None:
    forever = threading.Event()

    def hang(_path: str) -> tuple[int, bytes]:
        forever.wait(30)
        return 200, b"[]"

    with student(hang, seconds=0.5) as engine, pytest.raises(CannotObserve):
        engine.images()
    forever.set()


def test_engine_that_contradicts_itself_is_not_believed() -> None:
    def lie(path: str) -> tuple[int, bytes]:
        return 200, json.dumps({**IMAGE, "RepoTags": ["otra:1"]}).encode() if "busybox" in path else json.dumps([IMAGE]).encode()

    with student(lie) as engine, pytest.raises(CannotObserve, match="dos cosas distintas"):
        engine.image("busybox:1.37")


def test_server_error_cannot_be_observed() -> None:
    with student(lambda _path: (500, b'{"message":"boom"}')) as engine, pytest.raises(CannotObserve, match="boom"):
        engine.images()


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
    monkeypatch.setattr(grading, "grade", lambda *_: (passed, {}))
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
def test_evidence_is_judged_again_and_missing_evidence_is_said(check: CheckRun) -> None:
    kind = kinds.get("image")
    check.evidence = {"imagen": {"tags": ["busybox:1.37"], "id": ID}}
    verdicts = dict(grading.rejudge(check))
    assert verdicts["imagen"].status == Status.PASSED
    assert verdicts["saludo"].status == Status.UNKNOWN
    assert kind.name == "image"
