"""The btrfs under the lab engine: the engine's snapshots make sandboxes cheap, its quotas keep them small."""

from __future__ import annotations

import os

from host.instance import HostError, Instance
from host.shell import sh, succeeds

SIZE = os.environ.get("LAB_DISK", "40G")
"""How large the (sparse) file may grow."""
REGISTRY_SIZE = os.environ.get("LAB_REGISTRY_DISK", "10G")
"""What the class registry may hold, all students together."""


def mounted(lab: Instance) -> bool:
    return succeeds("mountpoint", "-q", str(lab.engine_root))


def mount(lab: Instance) -> None:
    """Make the file system at first, mount it, and see that its quotas are on."""
    lab.engine_root.mkdir(parents=True, exist_ok=True)
    if not lab.disk.exists():
        draft = lab.disk.with_suffix(".new")
        draft.unlink(missing_ok=True)
        sh("truncate", "-s", SIZE, str(draft))
        sh("mkfs.btrfs", "-q", str(draft))
        draft.rename(lab.disk)
    if not mounted(lab):
        if not succeeds("grep", "-qw", "btrfs", "/proc/filesystems") and not succeeds("modprobe", "btrfs"):
            raise HostError("el núcleo no conoce btrfs: instala su módulo (en Debian viene con linux-image).")
        sh("mount", "-o", "loop,noatime", str(lab.disk), str(lab.engine_root))
    enforce_quotas(lab)


def enforce_quotas(lab: Instance) -> None:
    """Turn quotas on. Docker's btrfs driver turns them off each time its engine stops, so this comes
    before each start: a sandbox made while they are off would have no limit."""
    root = str(lab.engine_root)
    sh("btrfs", "quota", "enable", root)
    if lab.registry_store.exists():
        sh("btrfs", "qgroup", "limit", REGISTRY_SIZE, str(lab.registry_store))
    succeeds("btrfs", "quota", "rescan", "-w", root)


def ensure_registry_store(lab: Instance) -> None:
    """A subvolume with a limit of its own: what students push fills neither the host's disk nor the sandboxes'."""
    if not lab.registry_store.exists():
        sh("btrfs", "subvolume", "create", str(lab.registry_store))
    enforce_quotas(lab)


def unmount(lab: Instance) -> None:
    while mounted(lab):
        # Inner mounts of a killed engine first.
        for line in reversed(sh("findmnt", "-rno", "TARGET", "-R", str(lab.engine_root)).splitlines()):
            if not succeeds("umount", line) and not succeeds("umount", "-l", line):
                raise HostError(f"no se pudo desmontar {line}: mira quién lo usa con «fuser -vm {line}».")
