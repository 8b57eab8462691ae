"""The supervisor, with real processes and a clock of the test's own where it waits."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from host import supervisor
from host.instance import HostError
from host.supervisor import RESTART_DELAYS, Service, Supervisor
from tests.conftest import wait_until


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Supervisor]:
    running = Supervisor(tmp_path / "logs")
    yield running
    running.stop_all()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The supervisor's clock, which stands still until the test moves `now`."""
    hands = SimpleNamespace(now=1000.0, sleep=time.sleep)
    hands.monotonic = lambda: hands.now
    monkeypatch.setattr(supervisor, "time", hands)
    return hands


def service(script: str, *, name: str = "one", ready: Callable[[], bool] = lambda: True, seconds: float = 10, stop: float = 10) -> Service:
    return Service(name=name, argv=("sh", "-c", script), ready=ready, start_seconds=seconds, stop_seconds=stop)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has reaped yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def pid_in(path: Path) -> int:
    return int(wait_until(lambda: path.exists() and path.read_text().strip()))


def kill_and_wait(lab: Supervisor, name: str = "one") -> int:
    process = lab._running[name].process
    process.kill()
    process.wait()
    return process.pid


def test_start_waits_until_the_service_answers(lab: Supervisor, tmp_path: Path) -> None:
    go, flag = tmp_path / "go", tmp_path / "ready"
    asked: list[bool] = []

    def ready() -> bool:
        asked.append(flag.exists())
        go.touch()  # only once it was asked may it get ready
        return asked[-1]

    lab.start(service(f"while [ ! -e {go} ]; do :; done; touch {flag}; exec sleep 100", ready=ready))
    assert (asked[0], asked[-1]) == (False, True)
    assert alive(lab._running["one"].process.pid)


def test_a_service_that_ends_at_once_fails_with_its_last_words(lab: Supervisor) -> None:
    with pytest.raises(HostError, match="«one» no arrancó") as error:
        lab.start(service("for n in 1 2 3 4 5 6 7; do echo line $n; done; exit 3", ready=lambda: False))
    assert str(error.value).splitlines()[1:] == [f"  line {number}" for number in (3, 4, 5, 6, 7)]


def test_a_service_that_never_answers_fails_in_its_time(lab: Supervisor) -> None:
    with pytest.raises(HostError, match="«one» no arrancó"):
        lab.start(service("exec sleep 100", ready=lambda: False, seconds=0.05))
    assert alive(lab._running["one"].process.pid), "the caller stops it with the rest"


def test_a_service_inherits_no_secrets(lab: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_SECRET_KEY", "secret")
    monkeypatch.setenv("LD_PRELOAD_X", "x")
    seen = tmp_path / "environment"
    lab.start(
        Service(
            name="one", argv=("sh", "-c", f"env > {seen}.new; mv {seen}.new {seen}; exec sleep 100"), ready=seen.exists, env={"OURS": "yes"}
        )
    )
    names = {line.partition("=")[0] for line in seen.read_text().splitlines()}
    assert {"PATH", "OURS"} <= names
    assert not names & {"LAB_SECRET_KEY", "LD_PRELOAD_X", "HOME"}


def test_what_comes_before_the_start_is_done_before_it(lab: Supervisor, tmp_path: Path) -> None:
    config, seen = tmp_path / "config", tmp_path / "seen"
    prepare = Service(
        name="one",
        argv=("sh", "-c", f"cp {config} {seen}; exec sleep 100"),
        ready=lambda: seen.exists() and seen.read_text() == "written",
        before_start=lambda: config.write_text("written") and None,
    )
    lab.start(prepare)
    assert seen.read_text() == "written"


def test_a_dead_service_comes_back_after_its_delay(lab: Supervisor, clock: SimpleNamespace) -> None:
    said: list[str] = []
    lab.start(service("exec sleep 100"))
    first = kill_and_wait(lab)
    lab.tend(said.append)
    assert "«one» terminó solo (-9)" in said[0]
    clock.now += RESTART_DELAYS[0] - 0.01
    lab.tend(said.append)
    assert len(said) == 1
    clock.now += 0.02
    lab.tend(said.append)
    assert said[1:] == ["«one» arranca de nuevo"]
    fresh = lab._running["one"].process.pid
    assert fresh != first
    assert alive(fresh)


def test_a_service_that_keeps_dying_waits_longer_each_time(lab: Supervisor, clock: SimpleNamespace) -> None:
    lab.start(service("exec sleep 100"))
    waits = []
    for _ in range(len(RESTART_DELAYS) + 2):
        kill_and_wait(lab)
        lab.tend(lambda _: None)
        waits.append(lab._running["one"].restart_at - clock.now)
        clock.now = lab._running["one"].restart_at
        lab.tend(lambda _: None)
    assert waits == pytest.approx([*RESTART_DELAYS, RESTART_DELAYS[-1], RESTART_DELAYS[-1]])


def test_a_service_that_lived_a_minute_starts_over(lab: Supervisor, clock: SimpleNamespace) -> None:
    lab.start(service("exec sleep 100"))
    lab._running["one"].failures = 4
    clock.now += 61
    kill_and_wait(lab)
    lab.tend(lambda _: None)
    assert lab._running["one"].restart_at == pytest.approx(clock.now + RESTART_DELAYS[0])


def test_what_lives_is_left_alone(lab: Supervisor) -> None:
    said: list[str] = []
    lab.start(service("exec sleep 100"))
    pid = lab._running["one"].process.pid
    lab.tend(said.append)
    assert said == []
    assert lab._running["one"].process.pid == pid


@pytest.mark.parametrize("last", ["wait", "exit 0"], ids=["parent alive", "parent gone"])
def test_stopping_ends_grandchildren_too(lab: Supervisor, tmp_path: Path, last: str) -> None:
    file = tmp_path / "grandchild"
    lab.start(service(f"sh -c 'echo $$ > {file}; exec sleep 1000' & while [ ! -s {file} ]; do :; done; {last}", ready=file.exists))
    grandchild = pid_in(file)
    assert alive(grandchild)
    lab.stop("one")
    wait_until(lambda: not alive(grandchild))


def test_a_restart_leaves_nothing_of_the_dead_one(lab: Supervisor, tmp_path: Path) -> None:
    file = tmp_path / "grandchild"
    lab.start(service(f"sh -c 'echo $$ > {file}; exec sleep 1000' & wait", ready=file.exists))
    grandchild = pid_in(file)
    kill_and_wait(lab)
    lab.tend(lambda _: None)
    wait_until(lambda: not alive(grandchild))


def test_a_service_may_end_in_order(lab: Supervisor, tmp_path: Path) -> None:
    ready, done = tmp_path / "ready", tmp_path / "done"
    lab.start(service(f"trap 'touch {done}; exit' TERM; touch {ready}; while :; do sleep 0.01; done", ready=ready.exists))
    lab.stop("one")
    assert done.exists()


def test_a_deaf_service_is_killed(lab: Supervisor, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    lab.start(service(f"trap '' TERM; touch {ready}; while :; do sleep 0.01; done", ready=ready.exists, stop=0.05))
    process = lab._running["one"].process
    lab.stop("one")
    assert process.returncode == -signal.SIGKILL


def test_services_stop_in_reverse(lab: Supervisor, tmp_path: Path) -> None:
    order = tmp_path / "order"
    for name in ("first", "second", "third"):
        ready = tmp_path / name
        script = f"trap 'echo {name} >> {order}; exit' TERM; touch {ready}; while :; do sleep 0.01; done"
        lab.start(service(script, name=name, ready=ready.exists))
    lab.stop_all()
    assert order.read_text().split() == ["third", "second", "first"]
    lab.stop_all()  # nothing is left to stop


def test_a_group_of_its_own_spares_it_the_terminals_signals(lab: Supervisor) -> None:
    lab.start(service("exec sleep 100"))
    pid = lab._running["one"].process.pid
    assert os.getpgid(pid) == pid
    assert os.getsid(pid) == pid


def test_a_log_that_grew_too_much_is_put_aside_while_it_is_written(
    lab: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOG_BYTES", 100)
    log, go = tmp_path / "logs" / "one.log", tmp_path / "go"
    lab.start(service(f"seq 100; while [ ! -e {go} ]; do sleep 0.01; done; echo new; exec sleep 100"))
    wait_until(lambda: log.read_text().endswith("100\n"))
    lab.tend(print)
    assert log.read_text() == ""
    assert log.with_suffix(".log.1").read_text().splitlines() == [str(number) for number in range(1, 101)]
    go.touch()
    wait_until(lambda: log.read_text() == "new\n")
