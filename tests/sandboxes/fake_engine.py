"""A lab engine in memory, for fast tests. tests/contract runs the same tests on it and on the real one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.conf import settings

from sandboxes.engine import (
    Alarm,
    Container,
    Death,
    EngineError,
    EngineUnreachable,
    ExecResult,
    Flavor,
    Limits,
    NoSuchContainer,
    PlantedFile,
    Usage,
)


@dataclass
class _Box:
    labels: dict[str, str]
    limits: Limits
    flavor: Flavor
    hostname: str
    state: str = "created"
    network: str = ""
    alias: str = ""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    files: dict[str, str] = field(default_factory=dict)
    """Digests of its files that are not as in every machine."""
    planted: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    written: int = 1 << 20
    death: Death | None = None
    usage: Usage = field(default_factory=lambda: Usage(0, 512 << 20, 0, 10, 400))


class FakeLabEngine:
    """Keeps what was asked of it. `broken` makes calls by these names fail; `after` runs after each call."""

    def __init__(self) -> None:
        self.boxes: dict[str, _Box] = {}
        self.nets: set[str] = set()
        self.copies: dict[str, str] = {}
        self.down = False
        self.options = frozenset({"seccomp", "userns"})
        self.asked = frozenset({f"docker-intensivo-{settings.ENV.name}"})
        self.broken: set[str] = set()
        self.calls: list[tuple[str, str]] = []
        self.sounding: list[Alarm] = []
        self.outputs: dict[str, bytes] = {}
        """What a command says that has these words in it; else nothing."""
        self.streams: list[tuple[asyncio.StreamReader, FakeWriter]] = []

    def _call(self, verb: str, name: str, *, among: tuple[str, ...] = ()) -> _Box | None:
        self.calls.append((verb, name))
        if self.down:
            raise EngineUnreachable("down")
        if verb in self.broken:
            raise EngineError(f"{verb} is broken")
        if not among:
            return None
        box = self.boxes.get(name)
        if box is None:
            raise NoSuchContainer(name)
        if box.state not in among:
            raise EngineError(f"{name} is {box.state}")
        return box

    def create(self, name: str, *, hostname: str, labels: dict[str, str], limits: Limits, flavor: Flavor) -> None:
        self._call("create", name)
        if name in self.boxes:
            raise EngineError(f"{name} is taken")
        self.nets.add(name)
        self.boxes[name] = _Box({"lab.id": "test", **labels}, limits, flavor, hostname, network=name)

    def start(self, name: str) -> None:
        box = self._call("start", name, among=("created", "exited", "running", "paused"))
        assert box
        box.state = "running"

    def wait_ready(self, name: str, *, seconds: float) -> None:
        self._call("wait_ready", name, among=("running",))

    def stop(self, name: str) -> None:
        box = self._call("stop", name, among=("created", "exited", "running", "paused"))
        assert box
        box.state = "exited"

    def pause(self, name: str) -> None:
        box = self._call("pause", name, among=("running",))
        assert box
        box.state = "paused"

    def unpause(self, name: str) -> None:
        box = self._call("unpause", name, among=("paused",))
        assert box
        box.state = "running"

    def set_limits(self, name: str, limits: Limits) -> None:
        box = self._call("set_limits", name, among=("created", "running", "paused", "exited"))
        assert box
        box.limits = limits

    def join(self, name: str, *, network: str, alias: str) -> None:
        box = self._call("join", name, among=("running",))
        assert box
        if name != network:
            self.nets.discard(name)
        box.network, box.alias = network, alias

    def commit(self, name: str, checkpoint: str) -> None:
        box = self._call("commit", name, among=("running",))
        assert box
        self.copies[checkpoint] = name

    def checkpoints(self) -> list[str]:
        self._call("checkpoints", "")
        return list(self.copies)

    def remove_checkpoint(self, checkpoint: str) -> None:
        self._call("remove_checkpoint", checkpoint)
        if any(box.flavor.images == checkpoint for box in self.boxes.values()):
            raise EngineError(f"{checkpoint} is in use")
        self.copies.pop(checkpoint, None)

    def addresses(self, name: str) -> list[str]:
        self._call("addresses", name, among=("running", "paused"))
        return [f"10.124.0.{2 + list(self.boxes).index(name)}"]

    def written(self, name: str) -> int:
        box = self._call("written", name, among=("created", "running", "paused", "exited"))
        assert box
        return box.written

    def remove(self, name: str) -> None:
        self._call("remove", name)
        self.boxes.pop(name, None)
        self.nets.discard(name)

    def security_options(self) -> frozenset[str]:
        self._call("security_options", "")
        return self.options

    def gates(self) -> frozenset[str]:
        self._call("gates", "")
        return self.asked

    def containers(self) -> list[Container]:
        self._call("containers", "")
        return [Container(name, box.state, box.created, box.labels) for name, box in self.boxes.items()]

    def networks(self) -> list[str]:
        self._call("networks", "")
        return sorted(self.nets)

    def remove_network(self, name: str) -> None:
        self._call("remove_network", name)
        self.nets.discard(name)

    def usage(self, name: str) -> Usage:
        box = self._call("usage", name, among=("running", "paused"))
        assert box
        return box.usage

    def death(self, name: str) -> Death | None:
        box = self._call("death", name, among=("created", "running", "paused", "exited"))
        assert box
        return (box.death or Death(name, box.created, killed=False)) if box.state == "exited" else None

    async def alarms(self, *, since: float) -> AsyncGenerator[Alarm]:
        self._call("alarms", "")
        while True:
            if self.sounding:
                yield self.sounding.pop(0)
            await asyncio.sleep(0.01)

    def digest(self, name: str, path: str) -> str:
        box = self._call("digest", name, among=("created", "running", "paused", "exited"))
        assert box
        return box.files.get(path, f"genuine {path}" if not path.startswith("/usr/local") else "")

    def put_files(self, name: str, folder: str, files: Sequence[PlantedFile], *, owner: int) -> None:
        box = self._call("put_files", name, among=("running",))
        assert box
        box.planted |= {f"{folder}/{file.path}": (file.content, file.mode) for file in files}

    def run(self, name: str, argv: list[str], *, user: str = "root", seconds: float = 20) -> ExecResult:
        self._call("run", name, among=("running",))
        return ExecResult(0, next((said for words, said in self.outputs.items() if words in argv[-1]), b""))

    def tunnel(self, name: str, argv: list[str]) -> socket.socket:
        self._call("tunnel", name, among=("running",))
        raise EngineError("a fake sandbox has no engine inside")

    async def attach(self, name: str, argv: list[str]) -> tuple[asyncio.StreamReader, FakeWriter]:
        self._call("attach", name, among=("running",))
        stream = asyncio.StreamReader(), FakeWriter()
        self.streams.append(stream)
        return stream


class FakeWriter:
    """What the consumer writes to the holder."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None:
        await asyncio.sleep(0)

    def close(self) -> None:
        self.closed = True
