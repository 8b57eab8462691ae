"""The disk under the lab engine: btrfs, whose snapshots make sandboxes cheap and whose quotas keep them small.

Where the kernel knows no btrfs it is ext4, without quotas: each sandbox's own engine then keeps its images in a volume,
and host/disks.py watches (docs/adr/0021-sin-btrfs.md).

Quotas are btrfs's *simple* ones where the kernel has them (6.7): each extent counts for who wrote it, and for
nobody else. Full ones follow who shares each extent, and then deleting a sandbox, which shares the whole image,
keeps the machine busy for minutes: see docs/adr/0004-almacenamiento-btrfs.md.
"""

from __future__ import annotations

import fcntl
import os
import struct
from enum import StrEnum
from pathlib import Path

from host.instance import HostError, Instance
from host.shell import sh, succeeds

SIZE = os.environ.get("LAB_DISK", "40G")
"""How large the (sparse) file may grow."""
NODE = "4096"
"""Bytes of a node of btrfs's trees. Each sandbox writes its own copy of the few that it changes, twice, and with the usual 16 KiB
an untouched one takes twice the disk (docs/rendimiento.md)."""
REGISTRY_SIZE = os.environ.get("LAB_REGISTRY_DISK", "10G")
"""What the class registry may hold, all students together."""


class Kind(StrEnum):
    """What the lab's disk is."""

    BTRFS = "btrfs"
    EXT4 = "ext4"

    @property
    def driver(self) -> str:
        """The engine's storage driver on it."""
        return "btrfs" if self is Kind.BTRFS else "overlay2"


def kind(lab: Instance) -> Kind:
    """What the lab's disk is or, before its first start, will be: what LAB_STORAGE says, else btrfs where the kernel can."""
    if lab.disk.exists():
        return Kind(sh("blkid", "-p", "-o", "value", "-s", "TYPE", str(lab.disk)).strip())
    asked = os.environ.get("LAB_STORAGE", "")
    if asked:
        try:
            return Kind(asked)
        except ValueError as error:
            raise HostError(f"LAB_STORAGE es «{asked}» y debe ser btrfs o ext4.") from error
    return Kind.BTRFS if _known(Kind.BTRFS) else Kind.EXT4


def _known(name: Kind) -> bool:
    return succeeds("grep", "-qw", name, "/proc/filesystems") or succeeds("modprobe", name)


def mounted(lab: Instance) -> bool:
    return succeeds("mountpoint", "-q", str(lab.engine_root))


def mount(lab: Instance) -> None:
    """Make the file system at first, mount it, and see that its quotas are on."""
    lab.engine_root.mkdir(parents=True, exist_ok=True)
    disk = kind(lab)
    if not _known(disk):
        raise HostError(f"el núcleo no conoce {disk}: instala su módulo (en Debian viene con linux-image).")
    if not lab.disk.exists():
        if not succeeds("which", f"mkfs.{disk}"):
            raise HostError(f"falta mkfs.{disk}: instala {'btrfs-progs' if disk is Kind.BTRFS else 'e2fsprogs'}.")
        draft = lab.disk.with_suffix(".new")
        draft.unlink(missing_ok=True)
        sh("truncate", "-s", SIZE, str(draft))
        sh(f"mkfs.{disk}", "-q", *(("-n", NODE) if disk is Kind.BTRFS else ()), str(draft))
        draft.rename(lab.disk)
    if not mounted(lab):
        _mount_file(lab.disk, lab.engine_root)
    enforce_quotas(lab)


def _mount_file(file: Path, place: Path) -> None:
    sh("mount", "-o", "loop,noatime", str(file), str(place))
    # Past the host's own cache, where the host's file system can: what sandboxes write would lie there a second time, and the
    # site's database would wait for gigabytes of it at each commit.
    succeeds("losetup", "--direct-io=on", sh("findmnt", "-no", "SOURCE", "-M", str(place)).strip())


class Quotas(StrEnum):
    """How a btrfs counts, in the kernel's own words (`/sys/fs/btrfs/<uuid>/qgroups/mode`)."""

    NONE = "disabled"
    FULL = "qgroup"
    SIMPLE = "squota"


_QUOTA_CTL = 0xC010_9428
"""BTRFS_IOC_QUOTA_CTL of linux/btrfs.h, with a `struct btrfs_ioctl_quota_ctl_args` of two u64: command, status."""
_ENABLE_SIMPLE = 4
"""BTRFS_QUOTA_CTL_ENABLE_SIMPLE_QUOTA; Debian 12's btrfs-progs have no option for it."""


def quotas(lab: Instance) -> Quotas:
    """How the mounted disk of the lab counts today."""
    uuid = sh("findmnt", "-no", "UUID", "-M", str(lab.engine_root)).strip()
    group = Path("/sys/fs/btrfs") / uuid / "qgroups"
    try:
        return Quotas((group / "mode").read_text().strip())
    except FileNotFoundError:
        # Kernels before 6.7 have no mode: whatever is on is full.
        return Quotas.FULL if group.exists() else Quotas.NONE


def enforce_quotas(lab: Instance) -> None:
    """Turn quotas on, simple ones if the kernel can. Docker's btrfs driver turns them off when its engine ends in
    order, so this comes before each start: a sandbox made while they are off would have no limit."""
    root = str(lab.engine_root)
    if kind(lab) is Kind.EXT4:
        return
    found = quotas(lab)
    if found is not Quotas.SIMPLE:
        if found is Quotas.FULL:
            sh("btrfs", "quota", "disable", root)
        if not _enable_simple(lab.engine_root):
            sh("btrfs", "quota", "enable", root)
            succeeds("btrfs", "quota", "rescan", "-w", root)
    if lab.registry_store.exists():
        sh("btrfs", "qgroup", "limit", REGISTRY_SIZE, str(lab.registry_store))


def _enable_simple(root: Path) -> bool:
    """Whether the kernel took them; an older one answers that it knows no such command."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(descriptor, _QUOTA_CTL, struct.pack("QQ", _ENABLE_SIMPLE, 0))
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def ensure_registry_store(lab: Instance) -> None:
    """A subvolume with a limit (on ext4, a disk of its own): what students push fills neither the host's disk nor the sandboxes'."""
    if kind(lab) is Kind.EXT4:
        _mount_registry(lab)
    elif not lab.registry_store.exists():
        sh("btrfs", "subvolume", "create", str(lab.registry_store))
    enforce_quotas(lab)


def _mount_registry(lab: Instance) -> None:
    """Nothing of ext4's limits a folder that root writes in; the size of a file system does."""
    if succeeds("mountpoint", "-q", str(lab.registry_store)):
        return
    if not lab.registry_disk.exists():
        draft = lab.registry_disk.with_suffix(".new")
        draft.unlink(missing_ok=True)
        sh("truncate", "-s", REGISTRY_SIZE, str(draft))
        sh("mkfs.ext4", "-q", str(draft))
        draft.rename(lab.registry_disk)
    lab.registry_store.mkdir(exist_ok=True)
    _mount_file(lab.registry_disk, lab.registry_store)


def unmount(lab: Instance) -> None:
    while mounted(lab):
        # Inner mounts of a killed engine first.
        for line in reversed(sh("findmnt", "-rno", "TARGET", "-R", str(lab.engine_root)).splitlines()):
            if not succeeds("umount", line) and not succeeds("umount", "-l", line):
                raise HostError(f"no se pudo desmontar {line}: mira quién lo usa con «fuser -vm {line}».")
