"""Lines to the machines' holders: one exec for all the terminals of a machine in this process.

An exec costs the engine some 45 ms and a process; a further terminal on a line that is there costs a message. Each
terminal is a channel. What may wait for one is bounded by a window that the holder keeps to, so that a page which stands
still stops its own shell and nobody else; a holder that does not keep to it loses the channel.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from weakref import WeakKeyDictionary

import structlog

from sandboxes.engine import lab_engine
from sandboxes.engine.stream import Demultiplexer
from sandboxes.terminal import protocol

log = structlog.get_logger()

ATTACH = ["/usr/local/sbin/lab-shells", "attach"]
GRANT = 32 << 10
"""Bytes taken between two words of it to the holder, a quarter of its window."""
MOST_WAITING = 1 << 20
"""Bytes that may wait for a terminal to take them, several times the holder's window."""
LINGER = 60
"""Seconds that a line without terminals is kept: who reloads a page comes back at once."""
CHANNELS = 1 << 16


class Channel:
    """One terminal's part of a line. Its frames are taken one at a time; the holder hears how far that is."""

    def __init__(self, line: Line, number: int) -> None:
        self._line, self._number = line, number
        self._frames: deque[bytes] = deque()
        self._waiting = 0
        self._taken = 0
        self._news = asyncio.Event()
        self._over = False

    async def send(self, kind: bytes, payload: bytes = b"") -> None:
        """To the holder; once the line is over, nowhere."""
        await self._line.send(protocol.encode(kind, payload, channel=self._number))

    async def next(self) -> bytes | None:
        """The next frame, type byte and payload; None when the line or this channel is over."""
        while not self._frames:
            if self._over:
                return None
            self._news.clear()
            await self._news.wait()
        frame = self._frames.popleft()
        self._waiting -= len(frame)
        self._taken += len(frame)
        if self._taken >= GRANT:
            taken, self._taken = self._taken, 0
            await self.send(protocol.ACK, taken.to_bytes(4, "big"))
        return frame

    def close(self) -> None:
        """Leave the shell to itself. Safe to call twice."""
        self.end()
        self._line.leave(self._number)

    def put(self, frame: bytes) -> None:
        """For the line: a frame of the holder."""
        self._frames.append(frame)
        self._waiting += len(frame)
        if self._waiting > MOST_WAITING:
            log.warning("a holder does not keep to its window", channel=self._number)
            self._frames.clear()
            self.close()
        self._news.set()

    def end(self) -> None:
        self._over = True
        self._news.set()


class Line:
    """The exec on one machine, shared by its channels."""

    def __init__(
        self, container: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, when_over: Callable[[], object]
    ) -> None:
        self._container, self._writer, self._when_over = container, writer, when_over
        self._over = False
        self._channels: dict[int, Channel] = {}
        self._numbers = count()
        self._idle: asyncio.TimerHandle | None = None
        self._listening = asyncio.create_task(self._listen(reader))

    def channel(self) -> Channel:
        if self._idle:
            self._idle.cancel()
            self._idle = None
        number = next(free for each in self._numbers if (free := each % CHANNELS) not in self._channels)
        made = self._channels[number] = Channel(self, number)
        if self._over:
            made.end()
        return made

    async def send(self, frame: bytes) -> None:
        if self._over:
            return
        self._writer.write(frame)
        with suppress(OSError):  # who listens notices, and ends the channels
            await self._writer.drain()

    def leave(self, number: int) -> None:
        if self._channels.pop(number, None) is None or self._over:
            return
        self._writer.write(protocol.encode(protocol.LEAVE, channel=number))
        if not self._channels:
            self._idle = asyncio.get_running_loop().call_later(LINGER, self.close)

    def close(self) -> None:
        """End it, and with it its channels; the shells stay. Safe to call twice."""
        self._over = True
        self._when_over()
        self._writer.close()
        self._listening.cancel()
        for channel in self._channels.values():
            channel.end()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        frames, holder = Demultiplexer(), protocol.FrameReader()
        try:
            while chunk := await reader.read(65536):
                for number, frame in holder.feed(frames.feed(chunk)):
                    if channel := self._channels.get(number):
                        channel.put(frame)
        except (OSError, protocol.ProtocolError) as error:
            log.warning("a line to a machine broke", container=self._container, error=str(error))
        finally:
            self.close()


_lines: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Task[Line]]] = WeakKeyDictionary()
"""Of each event loop, by container."""


async def open_channel(container: str) -> Channel:
    """A channel to the holder of this machine, over the line that is there or a new one. Raises EngineError."""
    lines = _lines.setdefault(asyncio.get_running_loop(), {})
    if container not in lines:
        lines[container] = asyncio.create_task(_connect(container, lines))
    # Shielded: one terminal that gives up does not take the line from those that wait for it too.
    return (await asyncio.shield(lines[container])).channel()


async def _connect(container: str, lines: dict[str, asyncio.Task[Line]]) -> Line:
    try:
        reader, writer = await lab_engine().attach(container, ATTACH)
    except BaseException:
        del lines[container]
        raise
    return Line(container, reader, writer, when_over=lambda: lines.pop(container, None))
