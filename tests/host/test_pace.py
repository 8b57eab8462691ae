"""Who steps back and who comes forward again, on a tree of ordinary folders."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from host import pace

LAB = "docker-intensivo-prueba"
BACK, FORWARD = "64", "1024"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pace, "CGROUPS", tmp_path)
    monkeypatch.setattr("host.bombs.CGROUPS", tmp_path)
    return tmp_path


class Lab:
    """A lab's watcher, and its sandboxes in version 1's hierarchies."""

    def __init__(self, root: Path) -> None:
        self._root, self._used = root, {}  # type: Path, dict[str, float]
        self.pace, self._now = pace.Pace(LAB, root), time.monotonic()

    def work(self, looks: int, **cores: float) -> None:
        """So many seconds in which each uses so many cores."""
        for _ in range(looks):
            for name, used in cores.items():
                self._used[name] = self._used.get(name, 0) + used
                (self._folder("cpuacct", name) / "cpuacct.usage").write_text(f"{int(self._used[name] * 1e9)}\n")
                shares = self._folder("cpu", name) / "cpu.shares"
                shares.exists() or shares.write_text(FORWARD)
            self._now += 1
            self.pace.look(self._now)

    def fill(self, name: str, *pids: int) -> None:
        folder = self._folder("pids", name)
        for file, said in (("pids.current", len(pids)), ("pids.max", len(pids)), ("cgroup.procs", "\n".join(map(str, pids)))):
            (folder / file).write_text(f"{said}")

    def shares(self, name: str) -> str:
        return (self._folder("cpu", name) / "cpu.shares").read_text()

    def _folder(self, hierarchy: str, name: str) -> Path:
        folder = self._root / hierarchy / LAB / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@pytest.fixture
def lab(root: Path) -> Lab:
    return Lab(root)


def test_who_never_pauses_steps_back_and_comes_forward_when_it_does(lab: Lab) -> None:
    lab.work(12, sola=1.0, escribe=0.01)
    assert (lab.shares("sola"), lab.shares("escribe")) == (BACK, FORWARD)
    lab.work(30, sola=0.0, escribe=0.01)
    assert lab.shares("sola") == FORWARD


def test_among_many_each_has_little_and_steps_back_all_the_same(lab: Lab) -> None:
    many = {f"tragona{number}": 0.08 for number in range(25)}
    lab.work(20, **many, escribe=0.01)
    assert {lab.shares(name) for name in many} == {BACK}
    assert lab.shares("escribe") == FORWARD


def test_in_version_two_it_is_another_file(root: Path) -> None:
    folder = root / LAB / "sola"
    folder.mkdir(parents=True)
    (folder / "cpu.weight").write_text("100")
    watcher, now = pace.Pace(LAB, root), time.monotonic()
    for second in range(1, 12):
        (folder / "cpu.stat").write_text(f"usage_usec {second * 1_000_000}\nuser_usec 1\n")
        watcher.look(now + second)
    assert (folder / "cpu.weight").read_text() == "3"


def test_what_may_be_a_bomb_keeps_its_weight(lab: Lab) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        lab.fill("bomba", process.pid)
        lab.work(2, bomba=1.0)
        assert lab.shares("bomba") == FORWARD
        process.kill()
