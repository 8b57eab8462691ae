"""`runc create` of a sandbox: with the hook that hands over its cgroups, in a user namespace with ceilings above it.

    create.py BUNDLE HOOK runc ARGS…        becomes runc

What the kernel counts by user namespace (namespaces of each kind, inotify) or by user (signals that wait, POSIX timers)
it counts for each user of a namespace apart, and a sandbox's root may be 65536 of them; but all of them count once more
for whoever made their namespace, in the one above. Docker's is the machine's own, where everybody's meet. So there is
one in between, each sandbox's own: its ceilings hold for all that is below, and nobody below can reach them.

Standard library only: it runs on the host's Python. Where the kernel gives no such namespace the sandbox starts
without, and `manage.py lab_doctor` finds that it has no ceilings.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from typing import NoReturn

CEILINGS = {
    **{f"{kind}_namespaces": 600 for kind in ("cgroup", "ipc", "mnt", "pid", "time", "uts")},
    "net_namespaces": 300,
    "user_namespaces": 200,
    "inotify_instances": 4096,
    "inotify_watches": 1 << 18,
}
"""File `max_…` of /proc/sys/user → how many one sandbox may have. A container takes one namespace of most kinds."""
LIMITS = {
    resource.RLIMIT_SIGPENDING: 4096,  # signals that wait to be taken, and POSIX timers
    resource.RLIMIT_MSGQUEUE: 1 << 18,  # bytes of POSIX message queues: three of the usual size
}
"""What all of one sandbox may have of that of which else a user may have so much."""

_NEW_USER = 0x1000_0000
_ON_PARENTS_DEATH = 1
_EVERYBODY = "0 0 4294967295"
_libc = ctypes.CDLL(None, use_errno=True)


def main(bundle: str, hook: str, *command: str) -> NoReturn:
    path = os.path.join(bundle, "config.json")
    with open(path) as source:
        config = json.load(source)
    config.setdefault("hooks", {}).setdefault("createRuntime", []).append({"path": hook})
    linux = config.get("linux", {})
    asked = [one for one in linux.get("namespaces", []) if one["type"] == "user" and not one.get("path")]
    # A container without a mapping is left alone.
    if asked and linux.get("uidMappings") and linux.get("gidMappings"):
        with suppress(OSError):  # the doctor's finding
            asked[0]["path"] = make(linux["uidMappings"], linux["gidMappings"])
    with open(path, "w") as target:
        json.dump(config, target)
    os.execvp(command[0], command)  # noqa: S606  # there is no shell, on purpose


def make(uids: list[dict[str, int]], gids: list[dict[str, int]]) -> str:
    """The path of a new user namespace with these mappings and the ceilings above it, good while this process lives.

    runc becomes this process and joins it; once it has ended, the namespace is its container's alone."""
    answers, say = os.pipe()
    wait, go_on = os.pipe()
    keeper = os.fork()
    if not keeper:
        _keep(say, wait, uids, gids)
    os.close(say)
    if os.read(answers, 1):
        _write(f"/proc/{keeper}/uid_map", _EVERYBODY)
        _write(f"/proc/{keeper}/gid_map", _EVERYBODY)
        os.write(go_on, b".")
    inner = os.read(answers, 32)
    os.close(answers)
    os.close(go_on)
    os.close(wait)
    if not inner:
        os.waitpid(keeper, 0)
        raise OSError("no user namespace with ceilings")
    return f"/proc/{int(inner)}/ns/user"


def _keep(say: int, wait: int, uids: list[dict[str, int]], gids: list[dict[str, int]]) -> NoReturn:
    """In the child: make the namespace with the ceilings, one below it, and hold them. Never returns."""
    try:
        # What a namespace remembers as the most that all below may have is its maker's limit: none here, where all sandboxes meet,
        # or (who lacks CAP_SYS_RESOURCE, in a container) the machine's.
        for what in LIMITS:
            with suppress(ValueError):
                resource.setrlimit(what, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        _leave(os.getppid())
        os.write(say, b".")
        os.read(wait, 1)
        for name, most in CEILINGS.items():
            if os.path.exists(f"/proc/sys/user/max_{name}"):  # a kernel before 5.6 knows no time namespaces
                _write(f"/proc/sys/user/max_{name}", str(most))
        for what, most in LIMITS.items():
            resource.setrlimit(what, (most, most))
        answers, ready = os.pipe()
        me = os.getpid()
        inner = os.fork()
        if not inner:
            _leave(me)
            os.write(ready, b".")
            _hold()
        os.close(ready)
        os.read(answers, 1)
        _write(f"/proc/{inner}/uid_map", _lines(uids))
        _write(f"/proc/{inner}/gid_map", _lines(gids))
        os.write(say, str(inner).encode())
        os.close(say)
        _hold()
    finally:
        os._exit(1)


def _leave(parent: int) -> None:
    """Enter a new user namespace, and end with the parent."""
    if _libc.unshare(_NEW_USER):
        raise OSError(ctypes.get_errno(), "unshare")
    _libc.prctl(_ON_PARENTS_DEATH, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise OSError("nobody is waiting")


def _hold() -> NoReturn:
    """Until the parent's death, and with none of its files: who reads its output would wait for us too."""
    os.closerange(0, 3)
    while True:
        signal.pause()


def _lines(mappings: list[dict[str, int]]) -> str:
    return "".join(f"{one['containerID']} {one['hostID']} {one['size']}\n" for one in mappings)


def _write(path: str, text: str) -> None:
    # At once: the kernel takes a mapping in one write.
    with open(path, "wb", buffering=0) as file:
        file.write(text.encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
