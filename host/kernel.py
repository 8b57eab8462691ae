"""The kernel's counters that all sandboxes share: raised until a sandbox's own memory is what ends first.

All sandboxes' roots are one uid outside, and some counters are the whole machine's; with Debian's figures one
student takes the last inotify instance, pseudoterminal or asynchronous request from everybody, and two hundred open
terminals the last key (seen). What they count is kernel memory, charged to whoever takes it; so a high figure
leaves each sandbox to its own limit.
`manage.py lab_doctor` tries each from a neighbour. They stay raised when the lab is lowered: another may be up.
"""

from __future__ import annotations

from pathlib import Path

SHARED = {
    "fs/inotify/max_user_instances": 1 << 20,
    "fs/inotify/max_user_watches": 1 << 26,
    "kernel/pty/max": 1 << 20,  # the kernel's own ceiling, NR_UNIX98_PTY_MAX
    "fs/aio-max-nr": 1 << 28,
    "fs/epoll/max_user_watches": 1 << 30,
    "fs/pipe-user-pages-soft": 1 << 30,  # above it every new pipe is a twentieth of its size
    "fs/file-max": 1 << 30,
    "kernel/pid_max": 1 << 22,  # a hundred sandboxes of 400 processes are more than Debian's 32768
    # Neighbours (ARP) are the whole machine's too, whatever network namespace they are in.
    "net/ipv4/neigh/default/gc_thresh3": 1 << 20,
    "net/ipv4/neigh/default/gc_thresh2": 1 << 15,
    # Each container and each exec that runs has a session keyring of its own; students' calls of keyctl are refused.
    "kernel/keys/maxkeys": 1 << 20,
    "kernel/keys/maxbytes": 1 << 28,
}
"""File under /proc/sys → the least it must be."""


def raise_shared(sysctls: Path = Path("/proc/sys")) -> None:
    """Raise what is lower; what this machine does not let us raise is left, for the doctor to find."""
    for name, least in SHARED.items():
        file = sysctls / name
        try:
            if int(file.read_text()) < least:
                file.write_text(str(least))
        except OSError:
            continue
