"""A lab's disk on a real loop-mounted btrfs."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from host import instance, storage
from host.instance import Instance
from host.shell import sh

pytestmark = pytest.mark.engine
MEGABYTE = b"x" * 1_000_000


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    monkeypatch.setattr(instance, "STATE", tmp_path)
    monkeypatch.setattr(storage, "SIZE", "400M")
    lab = Instance("disco")
    storage.mount(lab)
    yield lab
    storage.unmount(lab)


def fill(folder: Path, *, megabytes: int) -> None:
    with (folder / "lleno").open("ab", buffering=0) as file:
        for _ in range(megabytes):
            file.write(MEGABYTE)
        sh("sync", "-f", str(folder))


def snapshot(lab: Instance, *, limit: str) -> Path:
    """A subvolume with 30 MB, and what Docker's driver makes of it for a sandbox."""
    base, copy = lab.engine_root / "imagen", lab.engine_root / "maquina"
    sh("btrfs", "subvolume", "create", str(base))
    fill(base, megabytes=30)
    sh("btrfs", "subvolume", "snapshot", str(base), str(copy))
    sh("btrfs", "qgroup", "limit", limit, str(copy))
    return copy


def test_a_sandbox_writes_as_much_as_its_size_says_and_no_more(disk: Instance) -> None:
    if storage.quotas(disk) is storage.Quotas.FULL:
        pytest.skip("this kernel has full quotas only, in which the image counts too")
    copy = snapshot(disk, limit="20M")
    fill(copy, megabytes=15)
    with pytest.raises(OSError) as refused:
        fill(copy, megabytes=15)
    assert refused.value.errno == errno.EDQUOT


def test_what_was_written_still_counts_after_the_lab_has_stopped(disk: Instance) -> None:
    copy = snapshot(disk, limit="50M")
    fill(copy, megabytes=15)
    before = storage.quotas(disk)
    storage.unmount(disk)
    storage.mount(disk)
    assert storage.quotas(disk) is before is not storage.Quotas.NONE
    with pytest.raises(OSError) as refused:
        fill(copy, megabytes=40)
    assert refused.value.errno == errno.EDQUOT


def test_full_quotas_of_an_older_lab_become_simple_ones(disk: Instance) -> None:
    if storage.quotas(disk) is storage.Quotas.FULL:
        pytest.skip("this kernel has full quotas only")
    root = str(disk.engine_root)
    sh("btrfs", "quota", "disable", root)
    sh("btrfs", "quota", "enable", root)
    assert storage.quotas(disk) is storage.Quotas.FULL
    storage.enforce_quotas(disk)
    assert storage.quotas(disk) is storage.Quotas.SIMPLE


def test_without_quotas_what_all_push_together_has_a_disk_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "STATE", tmp_path)
    monkeypatch.setattr(storage, "SIZE", "200M")
    monkeypatch.setattr(storage, "REGISTRY_SIZE", "30M")
    monkeypatch.setenv("LAB_STORAGE", "ext4")
    lab = Instance("disco")
    try:
        for _ in range(2):  # a restart finds what there was
            storage.mount(lab)
            storage.ensure_registry_store(lab)
            storage.ensure_registry_store(lab)
            (lab.registry_store / "queda").touch()
            with pytest.raises(OSError) as refused:
                fill(lab.registry_store, megabytes=60)
            assert refused.value.errno == errno.ENOSPC
            fill(lab.engine_root, megabytes=40)
            (lab.engine_root / "lleno").unlink()
            storage.unmount(lab)
            assert not lab.registry_store.exists() or not (lab.registry_store / "queda").exists()
    finally:
        storage.unmount(lab)
