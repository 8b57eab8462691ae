"""Makes room for who types: a sandbox that works without pause steps back, and one whose processes only multiply is cut short.

    python -m host.pace NAMESPACE ENDINGS        as the `pace` service does, as root

The kernel shares the processor among sandboxes evenly, so that beside a dozen that never pause a key waits for a dozen turns.
Those count for little here while they go on so: all the time that nobody else wants is still theirs. A fork bomb is worse than
its share, as every process of the machine that begins or ends waits for locks that its hundreds hold: what multiplies is killed,
and the sandbox that begins again and again is ended. What is ended is kept, like any that stopped, and its student is told.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from host import endings
from host.groups import end
from host.instance import Instance
from host.leftovers import members
from host.processes import OUR_PYTHON, ours
from host.supervisor import Service
from host.uncounted import standing_still

EVERY, PATIENCE = 1.0, 3.0
"""Seconds between two looks, and those in which all of a sandbox comes to stand still."""
MEMORY = 0.2
"""What the last look counts for in an average."""
LEAST, MOST = 0.02, 0.3
"""Cores. A sandbox that uses more than half of what those that do anything use on average steps back, from the one on, and from
the other on whatever they use; below half as much it comes forward again."""
FULL = 0.95
LOOKS, STRIKES, FORGOTTEN = 3, 3, 120.0
"""A bomb has its limit of processes full for so many looks; so often within so many seconds and its sandbox is ended."""
CGROUPS = Path("/sys/fs/cgroup")


def service(lab: Instance) -> Service:
    return Service(name="pace", argv=ours("host.pace", lab.namespace, str(endings.folder(lab))), env=OUR_PYTHON, ready=lambda: True)


class Weight(NamedTuple):
    """What a group counts for beside the others, in version 1 and in version 2."""

    shares: int
    weight: int


BACK, FORWARD = Weight(64, 3), Weight(1024, 100)
"""Of a sandbox that stepped back, and of any other."""


@dataclass
class Sandbox:
    """What has been seen of one."""

    used: float
    """Seconds of processor, at the last look."""
    busy: float = 0
    """Cores, on average."""
    back: bool = False
    full: int = 0
    """Looks in a row with its limit of processes full."""
    struck: tuple[float, ...] = ()
    """When its processes were killed."""


def used(namespace: str) -> Iterator[tuple[str, float]]:
    """Each container of the lab and its seconds of processor."""
    for file in CGROUPS.glob(f"cpuacct/{namespace}/*/cpuacct.usage"):
        with suppress(OSError):
            yield file.parent.name, int(file.read_text()) / 1e9
    for file in CGROUPS.glob(f"{namespace}/*/cpu.stat"):
        with suppress(OSError):
            yield file.parent.name, int(file.read_text().split()[1]) / 1e6


def weigh(namespace: str, container: str, given: Weight) -> None:
    """Give a container its weight."""
    for folder, file, value in (("cpu", "cpu.shares", given.shares), ("", "cpu.weight", given.weight)):
        group = CGROUPS / folder / namespace / container
        with suppress(OSError):  # gone
            if (group / file).exists():
                (group / file).write_text(str(value))


def is_full(namespace: str, container: str) -> bool:
    """Whether it has as many processes as it may."""
    for group in (CGROUPS / "pids" / namespace / container, CGROUPS / namespace / container):
        with suppress(OSError, ValueError):  # no such group, or no limit («max»)
            return int((group / "pids.current").read_text()) >= FULL * int((group / "pids.max").read_text())
    return False


def cut_short(namespace: str, container: str) -> str:
    """Kill all processes of the name that most have, and return it. OSError if the container goes meanwhile."""
    groups = [*CGROUPS.glob(f"pids/{namespace}/{container}"), *CGROUPS.glob(f"{namespace}/{container}")]
    with standing_still(namespace, container):
        _wait_until_still(namespace, container)
        named: dict[int, str] = {}
        for pid in {pid for group in groups for pid in members(group)}:
            with suppress(OSError):
                named[pid] = Path(f"/proc/{pid}/comm").read_text().strip()
        name = max(Counter(named.values()).items(), key=itemgetter(1), default=("", 0))[0]
        for pid in (pid for pid, has in named.items() if has == name):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    return name


def _wait_until_still(namespace: str, container: str) -> None:
    """Version 1 holds one process after another, and what is not held goes on multiplying."""
    deadline = time.monotonic() + PATIENCE
    states = list(CGROUPS.glob(f"freezer/{namespace}/{container}/freezer.state"))
    while time.monotonic() < deadline and any(state.read_text().strip() == "FREEZING" for state in states):
        time.sleep(0.02)


class Pace:
    """What is known of a lab's sandboxes."""

    def __init__(self, namespace: str, told: Path) -> None:
        self._namespace, self._told = namespace, told
        self._seen: dict[str, Sandbox] = {}

    def look(self, seconds: float) -> None:
        """Once, so many seconds after the last time."""
        now = dict(used(self._namespace))
        self._seen = {name: self._seen.get(name) or Sandbox(used=work) for name, work in now.items()}
        for name, sandbox in self._seen.items():
            share = (now[name] - sandbox.used) / seconds
            sandbox.used = now[name]
            sandbox.busy += (share - sandbox.busy) * MEMORY
        stirring = [sandbox.busy for sandbox in self._seen.values() if sandbox.busy > LEAST]
        much = max(LEAST, min(MOST, sum(stirring) / max(len(stirring), 1) / 2))
        for name, sandbox in self._seen.items():
            busy = sandbox.busy > (much / 2 if sandbox.back or sandbox.full else much)
            sandbox.full = sandbox.full + 1 if busy and is_full(self._namespace, name) else 0
            # Hundreds that wait for their turn would hold the kernel's locks meanwhile: a bomb keeps its own.
            self._weigh(name, sandbox, back=busy and not sandbox.full)
            if sandbox.full >= LOOKS:
                sandbox.full = 0
                self._strike(name, sandbox)

    def _weigh(self, name: str, sandbox: Sandbox, *, back: bool) -> None:
        if back != sandbox.back:
            sandbox.back = back
            weigh(self._namespace, name, BACK if back else FORWARD)

    def _strike(self, name: str, sandbox: Sandbox) -> None:
        now = time.monotonic()
        sandbox.struck = (*(at for at in sandbox.struck if now - at < FORGOTTEN), now)
        if len(sandbox.struck) < STRIKES:
            with suppress(OSError):  # gone, and its processes with it
                print(f"killed «{cut_short(self._namespace, name)}» in {name}: they only multiplied", flush=True)
            return
        print(f"ended {name}: it filled its processes {STRIKES} times", flush=True)
        endings.note(self._told, name, endings.Ending.PROCESSES)
        end(self._namespace, name)


def watch(namespace: str, told: Path) -> None:
    """For ever."""
    os.nice(-10)  # it is late when it is needed, else
    pace, looked = Pace(namespace, told), time.monotonic()
    while True:
        time.sleep(EVERY)
        now = time.monotonic()
        pace.look(now - looked)
        looked = now


if __name__ == "__main__":
    watch(sys.argv[1], Path(sys.argv[2]))
