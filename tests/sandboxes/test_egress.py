"""Which sandboxes go out: those that live and whose exercise asks, told whole at each change."""

from __future__ import annotations

import dataclasses
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from lessons import catalog
from sandboxes import egress, lifecycle, reaper
from sandboxes.engine import EngineError
from tests.conftest import work

KEY = "docker-intensivo/hello-world/hello-world"
pytestmark = pytest.mark.django_db


@pytest.fixture
def orders(tmp_path: Path, settings: Any) -> Iterator[list[str]]:
    """What the host is told."""
    told: list[str] = []

    class Host(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            told.append(self.rfile.readline().decode().strip())
            self.wfile.write(b"ok\n")

    path = str(tmp_path / "egress.sock")
    settings.ENV = settings.ENV.model_copy(update={"internet": True, "egress_socket": path})
    with socketserver.UnixStreamServer(path, Host) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield told
        server.shutdown()


@pytest.fixture
def exercise(monkeypatch: pytest.MonkeyPatch) -> catalog.Exercise:
    found = catalog.course().exercises[KEY]
    open_ = dataclasses.replace(found, lab=found.lab.model_copy(update={"internet": True}))
    monkeypatch.setitem(catalog.course().exercises, KEY, open_)
    return open_


def test_a_sandbox_is_let_out_while_it_lives(ana: Any, lab: Any, sent: Any, orders: list[str], exercise: Any) -> None:
    sandbox = lifecycle.start(ana, exercise)
    work(sent)
    assert orders == ["set 10.124.0.2"]
    lifecycle.stop(sandbox, reason="")
    work(sent)
    assert orders[-1] == "set"


def test_an_exercise_that_does_not_ask_tells_nothing(ana: Any, lab: Any, sent: Any, orders: list[str]) -> None:
    lifecycle.start(ana, catalog.course().exercises[KEY])
    work(sent)
    assert orders == []


def test_a_sweep_tells_it_again(ana: Any, lab: Any, sent: Any, orders: list[str], exercise: Any) -> None:
    lifecycle.start(ana, exercise)
    work(sent)
    reaper.sweep()
    assert orders == ["set 10.124.0.2"] * 2


def test_where_the_lab_has_no_internet_nothing_is_told_and_the_student_reads_it(
    ana: Any, lab: Any, sent: Any, client: Any, orders: list[str], exercise: Any, settings: Any
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"internet": False})
    lifecycle.start(ana, exercise)
    work(sent)
    assert orders == []
    client.force_login(ana)
    assert "no la tienen" in client.get(reverse("lab-panel", args=KEY.split("/"))).content.decode()


def test_a_host_that_does_not_answer_is_an_error(settings: Any, tmp_path: Path) -> None:
    settings.ENV = settings.ENV.model_copy(update={"internet": True, "egress_socket": str(tmp_path / "nobody.sock")})
    with pytest.raises(EngineError):
        egress.refresh()


def test_a_start_that_failed_leaves_nobody_let_out(ana: Any, lab: Any, sent: Any, orders: list[str], exercise: Any) -> None:
    lab.broken.add("put_files")
    planted = dataclasses.replace(exercise, files={"nota": "x"})
    catalog.course().exercises[KEY] = planted
    sandbox = lifecycle.start(ana, planted)
    work(sent)
    sandbox.refresh_from_db()
    assert sandbox.state == "failed"
    assert orders[0] == "set 10.124.0.2"
    assert orders[-1] == "set"
