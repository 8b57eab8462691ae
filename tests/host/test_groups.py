"""The watcher of cgroups, on a tree of ordinary folders."""

from __future__ import annotations

import subprocess
from pathlib import Path

from host import groups

LAB = "docker-intensivo-prueba"


def tree(root: Path, container: str, *, below: int, hierarchy: str = "memory") -> Path:
    folder = root / hierarchy / LAB / container
    for number in range(below):
        (folder / "docker" / f"{number}").mkdir(parents=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_who_makes_more_than_a_sandbox_may_is_found_in_whatever_hierarchy(tmp_path: Path) -> None:
    tree(tmp_path, "buena", below=40)
    tree(tmp_path, "mala", below=3)
    tree(tmp_path, "mala", below=groups.MOST + 1, hierarchy="pids")
    assert groups.crowded(LAB, tmp_path) == {"mala"}
    assert groups.crowded("docker-intensivo-otro", tmp_path) == set()


def test_nested_groups_count_too(tmp_path: Path) -> None:
    folder = tree(tmp_path, "honda", below=0)
    for _ in range(60):
        folder = folder / "x"
        for number in range(10):
            (folder / f"{number}").mkdir(parents=True)
    assert groups.crowded(LAB, tmp_path) == {"honda"}


def test_the_offender_is_killed_and_nobody_else(tmp_path: Path) -> None:
    offender, other = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    try:
        for container, process in (("mala", offender), ("buena", other)):
            (tree(tmp_path, container, below=1) / "docker" / "0" / "cgroup.procs").write_text(f"{process.pid}\n")
        groups.end(LAB, "mala", tmp_path)
        assert offender.wait(5) == -9
        assert other.poll() is None
    finally:
        for process in (offender, other):
            process.kill()
            process.wait()


def test_version_two_needs_no_watcher(tmp_path: Path) -> None:
    assert groups.needed(tmp_path)
    (tmp_path / "cgroup.controllers").touch()
    assert not groups.needed(tmp_path)


def test_the_fullest_hierarchy_counts(tmp_path: Path) -> None:
    table = tmp_path / "cgroups"
    table.write_text("#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t2\t17\t1\nmemory\t4\t230\t1\n")
    assert groups.total(table) == 230
