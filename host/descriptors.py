"""Ends the sandbox that holds descriptors under way: sent over a unix socket, and taken by nobody.

    python -m host.descriptors NAMESPACE ENDINGS        as the `descriptors` service does, as root

The kernel counts those by user, and the roots of all sandboxes are one user outside: past anybody's limit of open files nobody of
them may send one more, and no container starts anywhere, for runc sends one ("too many references: cannot splice"). Twenty
thousand are sent in a moment. So a process that is that user, with a small limit of its own, sends itself one now and then: if
it may not, whoever holds the most is ended. It is kept, like any sandbox that stopped, and its student is told.
"""

from __future__ import annotations

import array
import errno
import os
import resource
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from host import accounts, endings
from host.bombs import group_of
from host.groups import end
from host.instance import Instance
from host.leftovers import members
from host.processes import OUR_PYTHON, ours
from host.supervisor import Service

MOST = 500
"""Of all sandboxes together, at any moment. It is below the smallest limit of open files that a program starts with, 1024."""
LOOKED = 20_000
"""Descriptors of one sandbox that are looked at. Who has more could hide those that hold the others: they all count."""
EVERY = 0.5
"""Seconds between two tries."""
CGROUPS = Path("/sys/fs/cgroup")


def service(lab: Instance) -> Service:
    return Service(
        name="descriptors", argv=ours("host.descriptors", lab.namespace, str(endings.folder(lab))), env=OUR_PYTHON, ready=lambda: True
    )


def refused(user: int) -> bool:
    """Whether this user may send no descriptor, with the limit of this process. Back to root afterwards."""
    there, here = socket.socketpair()
    with there, here:
        os.setresuid(user, user, 0)
        try:
            there.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [here.fileno()]))])
        except OSError as error:
            if error.errno != errno.ETOOMANYREFS:
                raise
            return True
        finally:
            os.setresuid(0, 0, 0)
    return False


def held(pids: Iterator[int], proc: Path = Path("/proc")) -> int:
    """How many descriptors are on their way to those that these processes have open."""
    under_way = looked = 0
    for pid in pids:
        with suppress(OSError), os.scandir(proc / str(pid) / "fdinfo") as opened:  # it has ended
            for entry in opened:
                if (looked := looked + 1) > LOOKED:
                    return under_way + looked
                with suppress(OSError):
                    _, found, rest = Path(entry.path).read_text().partition("scm_fds:")
                    under_way += int(rest.split()[0]) if found else 0
    return under_way


def culprit(namespace: str) -> str | None:
    """The container that holds the most, and still does at a second look."""
    folders = {folder for pattern in (f"pids/{namespace}/*/", f"{namespace}/*/") for folder in CGROUPS.glob(pattern)}
    found = {name: held(members(group_of(namespace, name))) for name in {folder.name for folder in folders}}
    for name in sorted((name for name in found if found[name]), key=lambda name: -found[name]):
        if held(members(group_of(namespace, name))):
            return name
    return None


def watch(namespace: str, told: Path) -> None:
    """For ever."""
    root = accounts.remapped_root()
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    while True:
        if refused(root) and (found := culprit(namespace)):
            print(f"ended {found}: descriptors under way", flush=True)
            endings.note(told, found, endings.Ending.DESCRIPTORS)
            end(namespace, found)
        time.sleep(EVERY)


if __name__ == "__main__":
    watch(sys.argv[1], Path(sys.argv[2]))
