"""Who makes the kernel take memory that counts for nobody is found among those who merely work."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from host import groups, uncounted
from tests.conftest import wait_until

pytestmark = pytest.mark.engine
LAB = "docker-intensivo-cuenta"
FLOOD = """
import subprocess
subprocess.run("ip link add d0 type veth peer name d1; ip link set d0 up; ip link set d1 up", shell=True, check=True)
batch = subprocess.Popen(["ip", "-batch", "-"], stdin=subprocess.PIPE, text=True)
for number in range(2_000_000):
    batch.stdin.write(f"neigh add 11.{number >> 16}.{number >> 8 & 255}.{number & 255} lladdr 02:00:00:00:00:01 dev d0 nud permanent\\n")
"""
WORK = "while :; do cat /proc/self/status >/dev/null; done"


@pytest.fixture
def lab() -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Two containers' groups, one of somebody who works and one of somebody who floods."""
    roots = [root for root in uncounted.CGROUPS.iterdir() if root.name in ("cpuacct", "freezer", "memory", "cpu,cpuacct")]
    running = {}
    for name, argv in (("obrera", ("sh", "-c", WORK)), ("inundadora", ("unshare", "-n", sys.executable, "-c", FLOOD))):
        for root in roots or [uncounted.CGROUPS]:
            (root / LAB / name).mkdir(parents=True, exist_ok=True)
        # It joins before it is what it is to be: its children are in the group too.
        joins = "; ".join(f"echo $$ >{root / LAB / name}/cgroup.procs" for root in roots or [uncounted.CGROUPS])
        running[name] = subprocess.Popen(["sh", "-c", f'{joins}; exec "$@"', "sh", *argv])
    yield running
    for name, process in running.items():
        groups.end(LAB, name)
        process.wait(timeout=10)
    for root in roots or [uncounted.CGROUPS]:
        for folder in (*(root / LAB).glob("*/"), root / LAB):
            wait_until(lambda folder=folder: _removed(folder), seconds=10)


def _removed(group: Path) -> bool:
    """Removed, or busy still: who is killed takes a moment to leave it."""
    with suppress(OSError):
        group.rmdir()
    return not group.exists()


def test_the_one_who_floods_is_found_and_who_works_goes_on(lab: dict[str, subprocess.Popen[bytes]]) -> None:
    wait_until(lambda: len(uncounted.worked(LAB)) == 2, seconds=5)
    assert wait_until(lambda: uncounted.culprit(LAB), seconds=60) == "inundadora"
    groups.end(LAB, "inundadora")
    assert lab["inundadora"].wait(timeout=10) == -9
    assert lab["obrera"].poll() is None


def test_where_nothing_grows_nobody_is_to_blame(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(uncounted, "taken", lambda _namespace: 5 << 30)
    assert uncounted.culprit(LAB) is None
