"""Cuts fork bombs short: where processes only multiply and fill their sandbox's limit, those of the name that most have are killed.

Every process of the machine that begins or ends waits for locks that the hundreds of a bomb hold while they wait for their turns.
So what is done here must wait for none of those: no cgroup is made or removed, and nothing stands still before it is killed.
A sandbox whose bomb begins again and again is ended; it is kept, like any that stopped, and its student is told.
"""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from host import endings
from host.leftovers import members

FULL = 0.95
"""Of its limit of processes; what more there are is in a moment's birth."""
PATIENCE = 3.0
"""Seconds in which whoever uses the processor may have it full."""
SAMPLE, MOST = 64, 0.5
"""How many of its processes are looked at; a bomb's, of one name, are so much of the limit. If they all run, there is no patience."""
STRIKES, FORGOTTEN = 3, 120.0
"""So often within so many seconds, and the sandbox is ended."""
CGROUPS = Path("/sys/fs/cgroup")


class Process(NamedTuple):
    """What the kernel says of one."""

    name: str
    runs: bool
    """It has a turn, or waits for one, or for a lock."""


@dataclass
class Suspect:
    """What is known of a sandbox that was full once."""

    since: float = 0
    """When it was first seen full of what may be a bomb; 0, not at the last look."""
    struck: tuple[float, ...] = ()
    """When its processes were killed."""


class Bombs:
    """What has been seen of a lab's sandboxes. `told`: where endings are written down."""

    def __init__(self, namespace: str, told: Path) -> None:
        self._namespace, self._told = namespace, told
        self._suspects: dict[str, Suspect] = {}

    def look(self, container: str, now: float) -> bool:
        """At one that uses the processor: whether its processes are a bomb's, or may be. A bomb's are killed."""
        group = group_of(self._namespace, container)
        limit = full(group)
        alike, running = alike_of(group) if limit else (0, 0)
        if not limit or alike < MOST * limit:
            self.pass_over(container)
            return False
        suspect = self._suspects.setdefault(container, Suspect())
        suspect.since = suspect.since or now
        if running >= MOST * limit or now - suspect.since >= PATIENCE:
            suspect.since = 0
            with suppress(OSError):  # gone, and its processes with it
                self._strike(container, suspect, group, now)
        return True

    def pass_over(self, container: str) -> None:
        """One that does nothing, or nothing of the kind."""
        if suspect := self._suspects.get(container):
            suspect.since = 0

    def keep(self, containers: set[str]) -> None:
        """Forget all others."""
        self._suspects = {name: suspect for name, suspect in self._suspects.items() if name in containers}

    def _strike(self, container: str, suspect: Suspect, group: Path, now: float) -> None:
        suspect.struck = (*(at for at in suspect.struck if now - at < FORGOTTEN), now)
        if len(suspect.struck) < STRIKES:
            print(f"killed «{kill_the_most(group)}» in {container}: they only multiplied", flush=True)
            return
        print(f"ended {container}: it filled its processes {STRIKES} times", flush=True)
        endings.note(self._told, container, endings.Ending.PROCESSES)
        _kill(group, lambda _: True)


def group_of(namespace: str, container: str) -> Path:
    """Where its processes are counted, in version 1 or in version 2."""
    first = CGROUPS / "pids" / namespace / container
    return first if first.exists() else CGROUPS / namespace / container


def full(group: Path) -> int:
    """Its limit of processes, threads among them, if it has as many; else 0."""
    with suppress(OSError, ValueError):  # gone, or it has no limit («max»)
        limit = int((group / "pids.max").read_text())
        return limit if int((group / "pids.current").read_text()) >= FULL * limit else 0
    return 0


def alike_of(group: Path) -> tuple[float, float]:
    """How many processes have the name that most have, and how many of one name run at once: about, from a few of them."""
    pids = list(members(group))
    seen = _processes(random.sample(pids, min(SAMPLE, len(pids)))).values()
    each = len(pids) / max(len(seen), 1)
    names, running = Counter(process.name for process in seen), Counter(process.name for process in seen if process.runs)
    return each * max(names.values(), default=0), each * max(running.values(), default=0)


def kill_the_most(group: Path) -> str:
    """Kill all processes of the name that most have, and return it. OSError if the container goes meanwhile."""
    ((name, _),) = Counter(process.name for process in _processes(members(group)).values()).most_common(1) or [("", 0)]
    _kill(group, lambda process: process.name == name)
    return name


def _kill(group: Path, chosen: Callable[[Process], bool]) -> None:
    killed: set[int] = set()
    with _without_births(group):
        # Who was being born is there at the second look; who is killed has no more children.
        while alive := {pid for pid, process in _processes(members(group)).items() if chosen(process)} - killed:
            for pid in alive:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            killed |= alive


@contextmanager
def _without_births(group: Path) -> Iterator[None]:
    """Or each that is killed would leave its place to a child of another."""
    limit = group / "pids.max"
    given = limit.read_text()
    limit.write_text("0")
    try:
        yield
    finally:
        with suppress(OSError):  # gone
            limit.write_text(given)


def _processes(pids: Iterable[int]) -> dict[int, Process]:
    found = {}
    for pid in pids:
        with suppress(OSError):  # it has ended
            stat = Path(f"/proc/{pid}/stat").read_text()  # «pid (name) state …», and a name may have any character
            found[pid] = Process(stat[stat.index("(") + 1 : stat.rindex(")")], stat[stat.rindex(")") + 2] in "RD")
    return found
