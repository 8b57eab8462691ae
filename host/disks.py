"""Ends the sandbox that writes more than its disk, where the lab's disk has no quotas: ext4 (host/storage.py).

    python -m host.disks SOCKET FOLDER ENDINGS        as the `disks` service does, as root; FOLDER is where the disk is mounted

Measuring walks folders, so it is done when the disk has grown, and seldom otherwise. It comes late by as much as is
written in between; what is ended is kept, like any sandbox that stopped, and its student is told.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from host import endings
from host.instance import Instance
from host.processes import OUR_PYTHON, ours
from host.shell import sh, succeeds
from host.supervisor import Service

GROWN = 200 << 20
"""Bytes more on the disk for a look at who wrote them."""
LITTLE = 1 << 20
"""What a sandbox beyond its disk may still write: it is there to remove files."""
EVERY = 0.5
ALWAYS = 60.0
"""Seconds between two looks, and between two whatever grew."""
SIZES = {"1G": 1 << 30, "3G": 3 << 30, "8G": 8 << 30}
_FACTS = '{{.Id}} {{index .Config.Labels "lab.disk"}} {{.GraphDriver.Data.UpperDir}}{{range .Mounts}} {{.Source}}{{end}}'


@dataclass(frozen=True)
class Writer:
    """A running sandbox, what it may write, and where it does."""

    id: str
    size: int
    folders: tuple[str, ...]


def service(lab: Instance) -> Service:
    return Service(
        name="disks",
        argv=ours("host.disks", str(lab.socket), str(lab.engine_root), str(endings.folder(lab))),
        env=OUR_PYTHON,
        ready=lambda: True,
    )


def occupied(folder: str) -> int:
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def running(docker: tuple[str, ...]) -> Iterator[Writer]:
    ids = sh(*docker, "ps", "-q", "--no-trunc", "--filter", "label=lab.disk", check=False).split()
    for line in sh(*docker, "inspect", "--format", _FACTS, *ids, check=False).splitlines() if ids else ():
        id_, size, *folders = line.split()
        yield Writer(id_, SIZES[size], tuple(folders))


def measured(writer: Writer) -> int:
    """Bytes on the disk; what is gone in the meantime is nothing."""
    said = sh("du", "-sxB1", *writer.folders, check=False)
    return sum(int(line.split("\t")[0]) for line in said.splitlines())


def look(docker: tuple[str, ...], before: Mapping[str, int], told: Path) -> dict[str, int]:
    """End who is beyond their disk and has written since; what each uses, by its id."""
    now = dict(before)
    for writer in running(docker):
        used = measured(writer)
        if used > writer.size and used > before.get(writer.id, 0) + LITTLE:
            print(f"ended {writer.id}: {used >> 20} MiB of {writer.size >> 20}", flush=True)
            endings.note(told, writer.id, endings.Ending.DISK)
            succeeds(*docker, "kill", writer.id)
        now[writer.id] = used
    return now


def watch(socket: str, folder: str, told: Path) -> None:
    """For ever."""
    docker = ("docker", "-H", f"unix://{socket}")
    seen, looked = occupied(folder), time.monotonic()
    known: dict[str, int] = {}
    while True:
        now = occupied(folder)
        seen = min(seen, now)
        if now > seen + GROWN or time.monotonic() - looked > ALWAYS:
            known = look(docker, known, told)
            seen, looked = occupied(folder), time.monotonic()
        time.sleep(EVERY)


if __name__ == "__main__":
    watch(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
