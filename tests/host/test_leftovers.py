"""What a killed lab left is ended, also what it had paused."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host import leftovers
from host.instance import Instance

pytestmark = pytest.mark.engine
CGROUPS = Path("/sys/fs/cgroup")
LAB = Instance("restos")


@pytest.fixture
def frozen() -> Iterator[subprocess.Popen[bytes]]:
    """A process as a warm machine's are: in a cgroup of the lab's, frozen."""
    old = (CGROUPS / "freezer").is_dir()
    group = CGROUPS / ("freezer" if old else "") / LAB.namespace / "maquina"
    group.mkdir(parents=True)
    sleeper = subprocess.Popen(["sleep", "600"])
    (group / "cgroup.procs").write_text(str(sleeper.pid))
    state, word = (group / "freezer.state", "FROZEN") if old else (group / "cgroup.freeze", "1")
    state.write_text(word)
    yield sleeper
    if group.exists():
        state.write_text("THAWED" if old else "0")
    sleeper.kill()
    sleeper.wait(timeout=10)


def test_paused_machines_and_the_keepers_of_containers_of_a_killed_lab_are_ended_at_once(
    frozen: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_SUBNET_OCTET", "99")  # not that of the lab in which this runs: its routes would go too
    shim = tmp_path / "containerd-shim-runc-v2"
    shim.symlink_to("/bin/bash")
    ours, another = (
        subprocess.Popen([str(shim), "-c", "sleep 600; true", "-address", f"/run/docker-intensivo/{name}/exec/containerd.sock"])
        for name in (LAB.name, "restosotro")
    )
    began = time.monotonic()
    leftovers.clear(LAB)
    try:
        assert time.monotonic() - began < 8
        assert frozen.wait(timeout=5) == -9
        assert ours.wait(timeout=5) == -9
        assert another.poll() is None
        assert not list(CGROUPS.glob(f"**/{LAB.namespace}"))
    finally:
        for process in (ours, another):
            process.kill()
            process.wait(timeout=5)


def test_containers_of_compose_whose_engine_was_killed_are_ended_but_not_who_has_their_number_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_SUBNET_OCTET", "99")
    first, stranger = (subprocess.Popen(["sleep", "600"]) for _ in range(2))
    group = CGROUPS / ("pids" if (CGROUPS / "pids").is_dir() else "") / "restos-basededatos"
    group.mkdir()
    (group / "cgroup.procs").write_text(str(first.pid))
    for process, name in ((first, group.name), (stranger, "restos-acabado")):
        bundle = LAB.rundir("compose-exec", "containerd", "daemon", "io.containerd.runtime.v2.task", "moby", name)
        bundle.mkdir(parents=True)
        (bundle / "init.pid").write_text(str(process.pid))
    leftovers.clear(LAB)
    try:
        assert first.wait(timeout=5) == -9
        assert stranger.poll() is None
        assert not LAB.rundir("compose-exec").exists()
    finally:
        for process in (first, stranger):
            process.kill()
            process.wait(timeout=5)
        group.rmdir()
        shutil.rmtree(LAB.run)
