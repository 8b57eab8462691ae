"""Makes room for who types: a sandbox that works without pause steps back, and fork bombs are cut short (host/bombs.py).

    python -m host.pace NAMESPACE ENDINGS        as the `pace` service does, as root

The kernel shares the processor among sandboxes evenly, so that beside a dozen that never pause a key waits for a dozen turns.
Those count for little here while they go on so: all the time that nobody else wants is still theirs.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from host import endings
from host.bombs import Bombs
from host.instance import Instance
from host.processes import OUR_PYTHON, ours
from host.supervisor import Service

EVERY, MEMORY = 0.5, 5.0
"""Seconds between two looks, and those that an average is of, more or less."""
LEAST, MOST = 0.02, 0.3
"""Cores. A sandbox that uses more than half of what those that do anything use on average steps back, from the one on, and from
the other on whatever they use; below half as much it comes forward again."""
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


class Pace:
    """What is known of a lab's sandboxes."""

    def __init__(self, namespace: str, told: Path) -> None:
        self._namespace, self._bombs = namespace, Bombs(namespace, told)
        self._seen: dict[str, Sandbox] = {}
        self._looked = time.monotonic()

    def look(self, moment: float) -> None:
        """Once, at a moment of the monotonic clock."""
        seconds, self._looked = max(moment - self._looked, 0.001), moment
        now = dict(used(self._namespace))
        self._bombs.keep(set(now))
        self._seen = {name: self._seen.get(name) or Sandbox(used=work) for name, work in now.items()}
        full = set()
        for name, sandbox in self._seen.items():
            share = (now[name] - sandbox.used) / seconds
            sandbox.used = now[name]
            sandbox.busy += (share - sandbox.busy) * min(1.0, seconds / MEMORY)
            if share < LEAST:
                self._bombs.pass_over(name)
            elif self._bombs.look(name, moment):
                full.add(name)
        stirring = [sandbox.busy for sandbox in self._seen.values() if sandbox.busy > LEAST]
        much = max(LEAST, min(MOST, sum(stirring) / max(len(stirring), 1) / 2))
        for name, sandbox in self._seen.items():
            busy = sandbox.busy > (much / 2 if sandbox.back else much)
            # Hundreds that wait for their turn would hold the kernel's locks meanwhile: a bomb keeps its own.
            self._weigh(name, sandbox, back=busy and name not in full)

    def _weigh(self, name: str, sandbox: Sandbox, *, back: bool) -> None:
        if back != sandbox.back:
            sandbox.back = back
            weigh(self._namespace, name, BACK if back else FORWARD)


def watch(namespace: str, told: Path) -> None:
    """For ever."""
    os.nice(-10)  # it is late when it is needed, else
    pace = Pace(namespace, told)
    while True:
        time.sleep(EVERY)
        pace.look(time.monotonic())


if __name__ == "__main__":
    watch(sys.argv[1], Path(sys.argv[2]))
