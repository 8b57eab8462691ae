"""The seam between the platform and Docker: what a lab engine can do for us, and how it fails.

`LabEngine` is the whole interface; `sandboxes.engine.lab` implements it on a real engine and tests verify a
double against it. Only this package imports docker, and Docker's errors are translated here, once.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Protocol


class EngineError(Exception):
    """The lab engine could not do what was asked; the message is for the log."""


class EngineUnreachable(EngineError):
    """The lab engine does not answer at all."""


class NoSuchContainer(EngineError):
    """There is no such container (any more)."""


@dataclass(frozen=True)
class Limits:
    """What a sandbox may use. Memory in MiB (swap included), CPUs as a fraction of cores, processes by count."""

    memory: int = 512
    cpus: float = 1.0
    pids: int = 400


EMPTY, SEEDED = "vacio", "curso"
"""What a machine begins as: an engine without images (it pulls from the mirror), or one with the course's. Else the
id of a checkpoint, of which it is a copy."""


@dataclass(frozen=True)
class Flavor:
    """What of a machine can't change once it is made: its disk's size and what it begins as."""

    disk: str = "3G"
    images: str = EMPTY


@dataclass(frozen=True)
class Container:
    """A container of this lab as its engine lists it."""

    name: str
    state: str
    """created, running, paused, exited…"""
    created: datetime
    labels: dict[str, str]


@dataclass(frozen=True)
class Death:
    """How a container that has ended did."""

    id: str
    began: datetime
    """Its last start."""
    killed: bool
    """Whether its first program was killed, by the kernel or whoever may."""


@dataclass(frozen=True)
class Usage:
    """What a container uses now. Memory in bytes without reclaimable cache; CPU in nanoseconds since its start."""

    memory: int
    memory_limit: int
    cpu: int
    pids: int
    pids_limit: int


@dataclass(frozen=True)
class PlantedFile:
    """A file to put into a machine. `path` is relative; its folders are made where they are missing, of the same owner."""

    path: str
    content: bytes
    mode: int = 0o644


@dataclass(frozen=True)
class ExecResult:
    """A command's exit code and its standard output and error, together."""

    code: int
    output: bytes


@dataclass(frozen=True)
class Alarm:
    """Something that befell a container: it has ended, or the kernel has killed one of its programs for want of memory."""

    name: str
    starved: bool
    """Else it has ended."""
    at: float
    """Seconds since 1970, by the lab engine's clock."""


class LabEngine(Protocol):
    """What the platform asks of a lab engine. Names are container names; a sandbox's network has the same.

    Every method raises EngineUnreachable, NoSuchContainer or EngineError; `remove` counts "already gone" as done;
    `start` and `stop` wake a paused machine first.
    """

    def create(self, name: str, *, hostname: str, labels: dict[str, str], limits: Limits, flavor: Flavor) -> None: ...
    def start(self, name: str) -> None: ...
    def wait_ready(self, name: str, *, seconds: float) -> None: ...
    def stop(self, name: str) -> None: ...
    def pause(self, name: str) -> None: ...
    def unpause(self, name: str) -> None: ...
    def set_limits(self, name: str, limits: Limits) -> None: ...
    def join(self, name: str, *, network: str, alias: str) -> None: ...
    def commit(self, name: str, checkpoint: str) -> None:
        """Keep a copy of a running machine, which stands still meanwhile (about two seconds)."""
        ...

    def checkpoints(self) -> list[str]:
        """The ids of the copies that this lab keeps."""
        ...

    def remove_checkpoint(self, checkpoint: str) -> None:
        """Gone already is fine; EngineError while a machine that was made from it is there."""
        ...

    def addresses(self, name: str) -> list[str]:
        """A running machine's IPv4 addresses on its session's networks."""
        ...

    def written(self, name: str) -> int:
        """Bytes that a machine has written over what it began as."""
        ...

    def remove(self, name: str) -> None: ...
    def containers(self) -> list[Container]: ...
    def networks(self) -> list[str]:
        """Networks of machines that have a row (label `lab.machine`)."""
        ...

    def remove_network(self, name: str) -> None: ...
    def usage(self, name: str) -> Usage: ...
    def death(self, name: str) -> Death | None:
        """How it ended; None while it has not."""
        ...

    def alarms(self, *, since: float) -> AsyncGenerator[Alarm]:
        """What befalls this lab's containers from that moment on (seconds since 1970), as it does; ends when the engine does."""
        ...

    def security_options(self) -> frozenset[str]:
        """What the lab engine confines with, by name: seccomp, userns, apparmor…"""
        ...

    def gates(self) -> frozenset[str]:
        """The authorisation plugins that the lab engine asks before each request."""
        ...

    def digest(self, name: str, path: str) -> str:
        """SHA-256 of a file of the machine as the lab engine reads it, with nothing of the machine's in between.

        Links are not followed: of what is no regular file, its kind (`symlink /elsewhere`); "" if there is nothing."""
        ...

    def put_files(self, name: str, folder: str, files: Sequence[PlantedFile], *, owner: int) -> None:
        """Write files below a folder of a running machine, of this user and group id."""
        ...

    def run(self, name: str, argv: list[str], *, user: str = "root", seconds: float = 20) -> ExecResult: ...
    def tunnel(self, name: str, argv: list[str]) -> socket.socket: ...
    async def attach(self, name: str, argv: list[str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]: ...


@cache
def lab_engine() -> LabEngine:
    """The configured lab engine. Tests replace it with `use`."""
    from django.conf import settings

    from sandboxes.engine.lab import DockerLabEngine

    return _replacement or DockerLabEngine(
        settings.ENV.engine_url,
        lab=settings.ENV.name,
        images={EMPTY: settings.ENV.sandbox_image, SEEDED: settings.ENV.seeded_image},
        authority=settings.ENV.ca_cert,
        volumes=settings.ENV.storage != "btrfs",
    )


_replacement: LabEngine | None = None


def use(engine: LabEngine | None) -> None:
    """Make `engine` the lab engine from now on; None goes back to the configured one."""
    global _replacement
    _replacement = engine
    lab_engine.cache_clear()
