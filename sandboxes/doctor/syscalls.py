"""The system calls that a sandbox must be refused, with their numbers.

The filter itself is the host's (host/seccomp.py), which the platform does not import; tests/sandboxes/test_doctor.py
compares the names. Numbers: the kernel's asm/unistd_64.h for x86-64, asm-generic/unistd.h for ARM64.
"""

from __future__ import annotations

import platform

FILTERED = 78
"""EREMCHG, the errno of the profile's own denials: no kernel answers it to these calls."""
ABSENT = 38
"""ENOSYS, what the calls of keyrings answer."""

_X86_64 = """
open_by_handle_at 304 bpf 321 perf_event_open 298 userfaultfd 323 fanotify_init 300 init_module 175 finit_module 313
delete_module 176 kexec_load 246 kexec_file_load 320 settimeofday 164 clock_settime 227 iopl 172 ioperm 173 reboot 169
syslog 103 vhangup 153 acct 163 swapon 167 swapoff 168 quotactl 179 quotactl_fd 443 io_uring_setup 425
io_uring_enter 426 io_uring_register 427 kcmp 312 pidfd_getfd 438 process_madvise 440 move_pages 279 migrate_pages 256
mbind 237 get_mempolicy 239 set_mempolicy 238 lookup_dcookie 212 uselib 134 ustat 136 sysfs 139
add_key 248 request_key 249 keyctl 250
"""
_AARCH64 = """
open_by_handle_at 265 bpf 280 perf_event_open 241 userfaultfd 282 fanotify_init 262 init_module 105 finit_module 273
delete_module 106 kexec_load 104 kexec_file_load 294 settimeofday 170 clock_settime 112 reboot 142 syslog 116 vhangup 58
acct 89 swapon 224 swapoff 225 quotactl 60 quotactl_fd 443 io_uring_setup 425 io_uring_enter 426 io_uring_register 427
kcmp 272 pidfd_getfd 438 process_madvise 440 move_pages 239 migrate_pages 238 mbind 235 get_mempolicy 236
set_mempolicy 237 lookup_dcookie 18 add_key 217 request_key 218 keyctl 219
"""
_KEYRINGS = frozenset({"add_key", "request_key", "keyctl"})


def _table(text: str) -> dict[str, int]:
    words = text.split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))


REFUSED = {"x86_64": _table(_X86_64), "aarch64": _table(_AARCH64)}
"""Machine → call → number."""
_OTHERS = {
    "x86_64": "inotify_init1 294 inotify_add_watch 254 io_setup 206 unshare 272 timer_create 222 epoll_create1 291 epoll_ctl 233 prctl 157"
    " setresuid 117 sched_setscheduler 144 ioprio_set 251 mq_open 240 mq_unlink 241 sendmsg 46",
    "aarch64": "inotify_init1 26 inotify_add_watch 27 io_setup 0 unshare 97 timer_create 107 epoll_create1 20 epoll_ctl 21 prctl 167"
    " setresuid 147 sched_setscheduler 119 ioprio_set 30 mq_open 180 mq_unlink 181 sendmsg 211",
}
OTHERS = _table(_OTHERS[platform.machine()])
"""What attempts call by number, on this machine."""


def expected(name: str) -> int:
    """The errno that a refused call answers."""
    return ABSENT if name in _KEYRINGS else FILTERED


def number(name: str) -> int:
    return (refused() | OTHERS)[name]


def refused() -> dict[str, int]:
    """Call → number, on this machine."""
    return REFUSED[platform.machine()]
