"""Whose processes are killed, when, and who is ended, on an ordinary folder with real processes in its list."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host import bombs
from tests.conftest import wait_until

LAB = "docker-intensivo-prueba"
SLEEPS, WAITS = ["sleep", "60"], ["tail", "-f", "/dev/null"]
RUNS = [sys.executable, "-c", "while True: pass"]
Spawn = Callable[..., list[subprocess.Popen[bytes]]]


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bombs, "CGROUPS", tmp_path)
    folder = tmp_path / "pids" / LAB / "bomba"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def watcher(tmp_path: Path) -> bombs.Bombs:
    return bombs.Bombs(LAB, tmp_path)


@pytest.fixture
def spawn(group: Path) -> Iterator[Spawn]:
    """Processes in the group, which has as many as it may."""
    made: list[subprocess.Popen[bytes]] = []

    def spawn(*commands: list[str]) -> list[subprocess.Popen[bytes]]:
        these = [subprocess.Popen(command) for command in commands]
        made.extend(these)
        fill(group, *(process.pid for process in made))
        running = 3 if RUNS in commands else 0
        wait_until(lambda: bombs.alike_of(group)[1] == running, seconds=10)  # who begins runs
        return these

    yield spawn
    for process in made:
        process.kill()
        process.wait()


def fill(group: Path, *pids: int, limit: int = 0) -> None:
    for file, said in (("pids.current", limit or len(pids)), ("pids.max", limit or len(pids)), ("cgroup.procs", "\n".join(map(str, pids)))):
        (group / file).write_text(f"{said}")


def test_what_multiplies_is_killed_when_patience_ends_and_the_rest_lives(group: Path, watcher: bombs.Bombs, spawn: Spawn) -> None:
    *bomb, other = spawn(SLEEPS, SLEEPS, SLEEPS, WAITS)
    assert watcher.look("bomba", 100)
    assert watcher.look("bomba", 100 + bombs.PATIENCE - 0.1)
    assert all(process.poll() is None for process in bomb)
    assert watcher.look("bomba", 100 + bombs.PATIENCE)
    assert [process.wait(5) for process in bomb] == [-9, -9, -9]
    assert other.poll() is None
    assert (group / "pids.max").read_text() == "4"


def test_hundreds_of_one_name_that_all_run_are_killed_at_once(group: Path, watcher: bombs.Bombs, spawn: Spawn) -> None:
    *running, other = spawn(RUNS, RUNS, RUNS, WAITS)
    assert watcher.look("bomba", 100)
    assert [process.wait(5) for process in running] == [-9, -9, -9]
    assert other.poll() is None


def test_who_makes_room_meanwhile_is_no_bomb(group: Path, watcher: bombs.Bombs, spawn: Spawn) -> None:
    (process,) = spawn(SLEEPS)
    for now in range(100, 130, 2):
        assert watcher.look("bomba", now)
        watcher.pass_over("bomba")
    (group / "pids.current").write_text("0")
    assert not watcher.look("bomba", 140)
    assert process.poll() is None


def test_a_bomb_that_comes_back_is_ended_and_written_down(tmp_path: Path, watcher: bombs.Bombs, spawn: Spawn) -> None:
    (process,) = spawn(WAITS)
    for start in (100, 110):
        for now in (start, start + bombs.PATIENCE):
            watcher.look("bomba", now)
    assert process.wait(5) == -9
    (process,) = spawn(WAITS)
    assert not (tmp_path / "bomba").exists()
    for now in (120, 120 + bombs.PATIENCE):
        watcher.look("bomba", now)
    assert (tmp_path / "bomba").read_text() == "processes\n"
    assert process.wait(5) == -9


def test_many_that_are_few_of_those_there_may_be_are_no_bomb(group: Path, watcher: bombs.Bombs, spawn: Spawn) -> None:
    """Three dozen containers that start: their keepers have most threads, and are few."""
    keepers = spawn(SLEEPS, SLEEPS)
    fill(group, *(process.pid for process in keepers), limit=400)
    for now in range(100, 130):
        assert not watcher.look("bomba", now)
    assert [process.poll() for process in keepers] == [None, None]


def test_what_was_long_ago_is_forgotten(tmp_path: Path, watcher: bombs.Bombs, spawn: Spawn) -> None:
    for start in range(0, 600, int(bombs.FORGOTTEN)):
        spawn(WAITS)
        for now in (start + 1, start + 1 + bombs.PATIENCE):
            watcher.look("bomba", now)
    assert not (tmp_path / "bomba").exists()


def test_a_sandbox_without_limit_or_that_is_gone_is_not_full(tmp_path: Path, group: Path) -> None:
    fill(group, limit=400)
    assert bombs.full(group) == 400
    (group / "pids.max").write_text("max\n")
    assert not bombs.full(group)
    assert not bombs.full(tmp_path / "no")
