"""Ends the sandbox that makes cgroups by the thousand, where the kernel has no cap for them: cgroups v1.

    python -m host.groups NAMESPACE ENDINGS        as the `groups` service does, as root

On version 2 the runtime's hook sets `cgroup.max.descendants`. On version 1 a sandbox's root, who must be able to make
groups for containers, could take all the numbers that the kernel has for those of memory (65535), and nobody on the
machine could start a container any more. What is ended is kept, like any sandbox that stopped, and its student is told.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from host import endings
from host.instance import Instance
from host.leftovers import members, thaw
from host.processes import OUR_PYTHON, ours
from host.supervisor import Service

MOST = 500
"""Groups of one sandbox in one hierarchy, as in version 2; a container takes one."""
GROWN = 200
"""How many more there must be on the machine for a look at who made them."""
EVERY = 0.2
ALWAYS = 30.0
"""Seconds between two looks, and between two of whatever grew."""
CGROUPS = Path("/sys/fs/cgroup")


def needed(root: Path = CGROUPS) -> bool:
    """Whether this machine's cgroups are version 1, or both."""
    return not (root / "cgroup.controllers").exists()


def service(lab: Instance) -> Service:
    return Service(
        name="groups",
        argv=ours("host.groups", lab.namespace, str(endings.folder(lab))),
        env=OUR_PYTHON,
        ready=lambda: True,
    )


def total(table: Path = Path("/proc/cgroups")) -> int:
    """How many groups the fullest hierarchy of the machine has."""
    return max(int(line.split()[2]) for line in table.read_text().splitlines() if not line.startswith("#"))


def crowded(namespace: str, root: Path = CGROUPS) -> set[str]:
    """The containers of a lab with more than MOST groups below their own."""
    found = set()
    for folder in root.glob(f"*/{namespace}/*"):
        if folder.name not in found and _has_more(folder, MOST):
            found.add(folder.name)
    return found


def _has_more(folder: Path, most: int) -> bool:
    waiting, seen = [str(folder)], 0
    while waiting and seen <= most:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:  # gone in the meantime
            below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
            seen += len(below)
            waiting += below
    return seen > most


def end(namespace: str, container: str, root: Path = CGROUPS) -> None:
    """Kill all that runs in a container and remove the groups below its own, which its engine does next."""
    groups = [*root.glob(f"*/{namespace}/{container}"), *root.glob(f"{namespace}/{container}")]
    for group in groups:
        for state, still in ((group / "freezer.state", "FROZEN"), (group / "cgroup.freeze", "1")):
            with suppress(OSError):
                state.write_text(still)  # or they would go on making groups meanwhile
    for pid in {pid for group in groups for pid in members(group)}:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    thaw(groups)
    for group in groups:
        for folder, _, _ in os.walk(group, topdown=False):
            with suppress(OSError):
                os.rmdir(folder)


def watch(namespace: str, told: Path) -> None:
    """For ever."""
    seen, looked = total(), time.monotonic()
    while True:
        now = total()
        seen = min(seen, now)
        if now > seen + GROWN or time.monotonic() - looked > ALWAYS:
            for container in crowded(namespace):
                print(f"ended {container}: more than {MOST} cgroups", flush=True)
                endings.note(told, container, endings.Ending.CGROUPS)
                end(namespace, container)
            seen, looked = total(), time.monotonic()
        time.sleep(EVERY)


if __name__ == "__main__":
    watch(sys.argv[1], Path(sys.argv[2]))
