"""Where the lab's processes are placed: what they hold of other labs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from host import instance, processes
from host.instance import Instance
from host.shell import sh


@pytest.fixture
def disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Path]]:
    """Two labs' disks, mounted; the folders of all labs are the test's."""
    for module in (instance, processes):
        monkeypatch.setattr(module, "STATE", tmp_path)
    monkeypatch.setattr(instance, "RUN", tmp_path / "run")
    found = {name: Instance(name).engine_root for name in ("nuestro", "otro")}
    for folder in found.values():
        folder.mkdir(parents=True)
        sh("mount", "-t", "tmpfs", "none", str(folder))
    yield found
    for folder in found.values():
        sh("umount", "-l", str(folder))


def test_a_process_holds_no_other_labs_disk(disks: dict[str, Path]) -> None:
    lab = Instance("nuestro")
    for place in ("app", "python"):
        lab.rundir(place).mkdir(parents=True)
    words = processes.project(lab, "-c", "")
    before = words[: words.index("setpriv")]  # as whom it runs is another matter
    seen = subprocess.run((*before, "cat", "/proc/self/mountinfo"), capture_output=True, text=True, check=True).stdout
    assert f" {disks['nuestro']} " in seen
    assert f" {disks['otro']} " not in seen
    assert f" {disks['otro']} " in Path("/proc/self/mountinfo").read_text()
