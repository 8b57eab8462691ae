"""The seccomp profiles of sandboxes and, narrower, of the site's own containers.

Sandboxes hold every capability of their own user namespace, and Docker's default profile opens, by capability,
calls that reach the kernel outside it (open_by_handle_at, bpf, perf_event_open, io_uring, modules, the clock…).
Ours is resolved for Docker's default capabilities plus what an engine needs: namespaces, mounts, pivot_root. Containers of
the site (docker-compose.yml) get the same without that: Docker's own default leaves them vsock and, where Docker is old, io_uring.

Every listed denial answers an errno of its own, so that a test tells the filter from the kernel.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

EREMCHG = 78
"""The errno of our denials; no call on a local file or socket gives it."""
ENOSYS = 38
ENOTTY = 25

REFUSED = {
    "reaches files by handle, past mounts": ("open_by_handle_at",),
    "kernel programs and probes": ("bpf", "perf_event_open", "userfaultfd", "fanotify_init"),
    "kernel modules and other kernels": ("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load"),
    "the machine's clock, ports, power, log": (
        "settimeofday",
        "clock_settime",
        "iopl",
        "ioperm",
        "reboot",
        "syslog",
        "vhangup",
        "acct",
        "swapon",
        "swapoff",
    ),
    "disk quotas": ("quotactl", "quotactl_fd"),
    "rings that bypass this very filter": ("io_uring_setup", "io_uring_enter", "io_uring_register"),
    "other processes' descriptors and memory policy": (
        "kcmp",
        "pidfd_getfd",
        "process_madvise",
        "move_pages",
        "migrate_pages",
        "mbind",
        "get_mempolicy",
        "set_mempolicy",
    ),
    "relics": ("lookup_dcookie", "uselib", "ustat", "sysfs"),
}
"""Why → calls."""

WITHOUT_KEYRINGS = ("add_key", "keyctl", "request_key")
"""All sandboxes' roots share one uid outside, and with it 200 keys. ENOSYS makes runc go on without a keyring."""

BTRFS_IOCTL_TYPE = 0x94
"""A nested subvolume has no quota: linux/btrfs.h. All btrfs ioctls are refused; the inner engine uses none."""

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
FAMILIES = (AF_UNIX, AF_INET, AF_INET6, AF_NETLINK)
"""Of sockets; all an engine needs. Others load modules of the host's (TIPC, RDS…), reach its hypervisor (vsock), or, raw frames
(packet), keep rings of memory that counts for nobody's limit."""
ENGINES_ALONE = {
    "mounts, roots and devices": (
        *("mount", "umount", "umount2", "mount_setattr", "move_mount", "open_tree", "fsconfig", "fsmount", "fsopen", "fspick"),
        *("chroot", "pivot_root", "mknod", "mknodat"),
    ),
    "namespaces": ("setns", "unshare", "clone", "clone3"),
    "other processes": ("ptrace", "process_vm_readv", "process_vm_writev"),
    "names, clock, files by handle": ("sethostname", "setdomainname", "clock_adjtime", "fanotify_mark", "name_to_handle_at"),
}
"""What the site's containers have no use for. They may clone, but into no other namespace."""
NEW_NAMESPACES = 0x7E02_0000
"""The flags of clone for them."""
PERSONALITIES = (0x0, 0x0008, 0x20000, 0x20008, 0xFFFFFFFF)


def profile() -> dict[str, Any]:
    """A sandbox's, as Docker reads it."""
    return _profile(_allow(*_allowed()))


def confined() -> dict[str, Any]:
    """That of the site's own containers."""
    engines = {name for names in ENGINES_ALONE.values() for name in names}
    return _profile(
        _allow(*(name for name in _allowed() if name not in engines)),
        _allow("clone", arg=(0, "SCMP_CMP_MASKED_EQ", NEW_NAMESPACES, 0)),
        # Its flags are where no filter can read them; who is told that there is no such call makes the other one.
        _refuse(ENOSYS, "clone3"),
    )


def _profile(*own: dict[str, Any]) -> dict[str, Any]:
    rules = [*own, *(_refuse(EREMCHG, *names) for names in REFUSED.values()), _refuse(ENOSYS, *WITHOUT_KEYRINGS)]
    rules += [_allow("socket", arg=(0, "SCMP_CMP_EQ", family)) for family in FAMILIES]
    rules.append(_allow("socketpair", arg=(0, "SCMP_CMP_EQ", AF_UNIX)))
    rules += [_allow("personality", arg=(0, "SCMP_CMP_EQ", value)) for value in PERSONALITIES]
    rules += _allow_unless("ioctl", argument=1, bits=range(8, 16), value=BTRFS_IOCTL_TYPE << 8)
    rules.append(
        {
            **_refuse(ENOTTY, "ioctl"),
            "args": [{"index": 1, "value": 0xFF00, "valueTwo": BTRFS_IOCTL_TYPE << 8, "op": "SCMP_CMP_MASKED_EQ"}],
        }
    )
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "architectures": [{"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}[platform.machine()]],
        "syscalls": rules,
    }


def write(path: Path) -> None:
    path.write_text(json.dumps(profile()))


def _allowed() -> list[str]:
    lines = (Path(__file__).parent / "syscalls.txt").read_text().splitlines()
    return " ".join(line for line in lines if not line.startswith("#")).split()


def _allow(*names: str, arg: tuple[int, str, int] | tuple[int, str, int, int] | None = None) -> dict[str, Any]:
    args = [{"index": arg[0], "op": arg[1], "value": arg[2], "valueTwo": arg[3] if len(arg) > 3 else 0}] if arg else []
    return {"names": list(names), "action": "SCMP_ACT_ALLOW", "args": args}


def _allow_unless(name: str, *, argument: int, bits: range, value: int) -> list[dict[str, Any]]:
    """Admit a call unless these bits of an argument are those of `value`: one rule for each bit that may differ.

    The kernel reads 32 bits of what seccomp compares as 64, so a plain "not equal" could be passed by."""
    return [_allow(name, arg=(argument, "SCMP_CMP_MASKED_EQ", 1 << bit, ~value & 1 << bit)) for bit in bits]


def _refuse(errno: int, *names: str) -> dict[str, Any]:
    return {"names": list(names), "action": "SCMP_ACT_ERRNO", "errnoRet": errno, "args": []}
