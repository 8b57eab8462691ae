"""Who steps back, who comes forward again and whose processes are cut short, on a tree of ordinary folders."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from host import pace

LAB = "docker-intensivo-prueba"
BACK, FORWARD = "64", "1024"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pace, "CGROUPS", tmp_path)
    monkeypatch.setattr("host.uncounted.CGROUPS", tmp_path)
    monkeypatch.setattr("host.groups.CGROUPS", tmp_path)
    return tmp_path


class Lab:
    """A lab's watcher, and its sandboxes in version 1's hierarchies."""

    def __init__(self, root: Path) -> None:
        self._root, self._used = root, {}  # type: Path, dict[str, float]
        self.told = root / "told"
        self.told.mkdir()
        self.pace = pace.Pace(LAB, self.told)

    def work(self, looks: int, **cores: float) -> None:
        """So many seconds in which each uses so many cores."""
        for _ in range(looks):
            for name, used in cores.items():
                self._used[name] = self._used.get(name, 0) + used
                (self._folder("cpuacct", name) / "cpuacct.usage").write_text(f"{int(self._used[name] * 1e9)}\n")
                shares = self._folder("cpu", name) / "cpu.shares"
                shares.exists() or shares.write_text(FORWARD)
            self.pace.look(1.0)

    def full(self, name: str, *pids: int) -> None:
        folder = self._folder("pids", name)
        for file, said in (("pids.current", 400), ("pids.max", 400), ("cgroup.procs", "\n".join(map(str, pids)))):
            (folder / file).write_text(f"{said}\n")

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
    watcher = pace.Pace(LAB, root)
    for second in range(1, 12):
        (folder / "cpu.stat").write_text(f"usage_usec {second * 1_000_000}\nuser_usec 1\n")
        watcher.look(1.0)
    assert (folder / "cpu.weight").read_text() == "3"


def test_what_multiplies_is_killed_and_the_rest_lives(lab: Lab) -> None:
    bomb = [subprocess.Popen(["sleep", "60"]) for _ in range(3)]
    other = subprocess.Popen(["tail", "-f", "/dev/null"])
    try:
        lab.full("bomba", other.pid, *(each.pid for each in bomb))
        lab.work(6, bomba=1.0)
        assert [each.wait(5) for each in bomb] == [-9, -9, -9]
        assert other.poll() is None
        assert not list(lab.told.iterdir())
    finally:
        for each in (*bomb, other):
            each.kill()
            each.wait()


def test_a_bomb_that_comes_back_is_ended_and_written_down(lab: Lab) -> None:
    lab.full("bomba")
    lab.work(20, bomba=1.0)
    assert (lab.told / "bomba").read_text() == "processes\n"


def test_many_processes_that_only_wait_are_left_alone(lab: Lab) -> None:
    waiting = subprocess.Popen(["sleep", "60"])
    try:
        lab.full("llena", waiting.pid)
        lab.work(20, llena=0.001, otra=0.5)
        assert waiting.poll() is None
    finally:
        waiting.kill()
        waiting.wait()
