"""The one way into a student's machine while a check looks at it: an exec of a program of ours, inside.pl.

It carries connections to the machine's engine and runs commands, side by side: an exec costs a tenth of a second, what it
carries a few thousandths. All that comes back is the student's: it counts in the budget, a message that is not one ends it,
and whoever waits does so until a deadline.
"""

from __future__ import annotations

import itertools
import re
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

import structlog

from sandboxes.engine import ExecResult, LabEngine
from sandboxes.engine.facts import NOT_UNDERSTOOD, TOO_MUCH, CannotObserve
from sandboxes.engine.stream import Demultiplexer

log = structlog.get_logger()

OUTPUT_LIMIT = 4 << 20
"""Bytes that one command may say."""
ENGINE = "/run/docker.sock"
PROGRAM = ["perl", "-e", Path(__file__).with_suffix(".pl").read_text(), ENGINE]
_HEAD = re.compile(rb"(data|end) (\d{1,9}) (\d{1,6})\n")
_LONGEST_HEAD = 24
_LONGEST = 65536
_PATIENCE = 5
"""Seconds in which the machine must take what is said to it."""
_TOO_LONG = "una orden no acabó a tiempo o escribió demasiado"
_GONE = "el laboratorio no contesta"


class Budget:
    """What is left of a check run's time and bytes."""

    def __init__(self, count: int, deadline: float) -> None:
        self._left = count
        self._spending = threading.Lock()
        self._deadline = deadline

    def spend(self, count: int) -> None:
        with self._spending:
            self._left -= count
            spent = self._left < 0
        if spent:
            raise CannotObserve(TOO_MUCH)

    def seconds(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise CannotObserve("el motor tardó demasiado en contestar")
        return min(left, 20)


class Channel:
    """What comes back for one connection or command, in order. One thread reads it."""

    def __init__(self, way: Inside, number: int) -> None:
        self._way, self._number = way, number
        self._arrived: SimpleQueue[bytes | None] = SimpleQueue()
        self._ended = False
        self.last = b""
        """What its end said: a command's exit code."""

    @property
    def silent(self) -> bool:
        """Whether it goes on, and nothing is there to be read."""
        return not self._ended and self._arrived.empty()

    def deliver(self, data: bytes) -> None:
        if data:
            self._arrived.put(data)

    def end(self, last: bytes) -> None:
        self.last = last
        self._arrived.put(b"")

    def lose(self) -> None:
        """Nothing more comes of anything."""
        self._arrived.put(None)

    def send(self, data: bytes) -> None:
        for at in range(0, len(data), _LONGEST):
            self._way.say("data", self._number, data[at : at + _LONGEST])

    def read(self, seconds: float) -> bytes:
        """What has come, a byte at least; none once it has ended. Raises TimeoutError and CannotObserve."""
        if self._ended:
            return b""
        try:
            data = self._arrived.get(timeout=seconds)
        except Empty:
            raise TimeoutError from None
        self._ended = not data
        if data is None:
            raise CannotObserve(self._way.broken)
        return data

    def close(self) -> None:
        self._way.forget(self._number, ended=self._ended)


class Inside:
    """The way into one machine. Opened when something is first asked; for several threads."""

    def __init__(self, lab: LabEngine, machine: str, budget: Budget) -> None:
        self._lab, self._machine, self._budget = lab, machine, budget
        self._stream: socket.socket | None = None
        self._opening, self._saying = threading.Lock(), threading.Lock()
        self._channels: dict[int, Channel] = {}
        self._numbers = itertools.count(1)
        self.broken = ""
        """Why nothing more comes; empty while it does."""

    def dial(self) -> Channel:
        """A connection to the engine: one that ends at once if nobody listens there."""
        return self._begin("engine", b"")

    def run(self, argv: list[str], *, user: str, seconds: float) -> ExecResult:
        """Run a command to its end; raises CannotObserve."""
        words = "\0".join([user, *argv])
        if words.count("\0") != len(argv):
            raise CannotObserve(NOT_UNDERSTOOD)
        deadline = time.monotonic() + min(seconds, self._budget.seconds())
        channel, output = self._begin("run", words.encode()), bytearray()
        try:
            while data := channel.read(max(0.0, deadline - time.monotonic())):
                output += data
                if len(output) > OUTPUT_LIMIT:
                    raise CannotObserve(_TOO_LONG)
        except TimeoutError:
            raise CannotObserve(_TOO_LONG) from None
        finally:
            channel.close()
        if not re.fullmatch(rb"\d{1,3}", channel.last):
            raise CannotObserve(NOT_UNDERSTOOD)
        return ExecResult(int(channel.last), bytes(output))

    def close(self) -> None:
        with self._opening:
            self.broken = self.broken or _GONE
            if self._stream:
                with suppress(OSError):
                    self._stream.shutdown(socket.SHUT_RDWR)

    def say(self, verb: str, number: int, body: bytes) -> None:
        """Raises OSError, also where nobody reads it in time."""
        assert self._stream
        with self._saying:
            self._stream.sendall(f"{verb} {number} {len(body)}\n".encode() + body)

    def forget(self, number: int, *, ended: bool) -> None:
        """Nobody waits for it any more."""
        if self._channels.pop(number, None) and not ended:
            with suppress(OSError):
                self.say("close", number, b"")

    def _begin(self, verb: str, body: bytes) -> Channel:
        with self._opening:
            if self.broken:
                raise CannotObserve(self.broken)
            if self._stream is None:
                self._stream = self._lab.tunnel(self._machine, PROGRAM)
                self._stream.settimeout(_PATIENCE)
                threading.Thread(target=self._listen, args=(self._stream,), name="inside", daemon=True).start()
            number = next(self._numbers)
            channel = self._channels[number] = Channel(self, number)
        try:
            self.say(verb, number, body)
        except OSError as error:
            raise CannotObserve(self.broken or _GONE) from error
        return channel

    def _listen(self, stream: socket.socket) -> None:
        frames, heard, why = Demultiplexer(), b"", _GONE
        try:
            with stream:
                while (chunk := self._hear(stream)) != b"":
                    self._budget.spend(len(chunk or b""))
                    heard = self._deliver(heard + frames.feed(chunk or b""))
        except CannotObserve as error:
            why = str(error)
        except OSError as error:
            log.info("a machine is out of reach", machine=self._machine, error=str(error))
        with self._opening:
            self.broken = self.broken or why
        for channel in list(self._channels.values()):
            channel.lose()

    def _hear(self, stream: socket.socket) -> bytes | None:
        """What comes next; None if nothing has for a while, and there is still time."""
        try:
            return stream.recv(65536)
        except TimeoutError:
            self._budget.seconds()
            return None

    def _deliver(self, heard: bytes) -> bytes:
        """Give each whole message to who waits for it; the rest."""
        while head := _HEAD.match(heard):
            end = head.end() + int(head[3])
            if end - head.end() > _LONGEST:
                raise CannotObserve(NOT_UNDERSTOOD)
            if len(heard) < end:
                return heard
            channel, body, heard = self._channels.get(int(head[2])), heard[head.end() : end], heard[end:]
            if channel:
                (channel.end if head[1] == b"end" else channel.deliver)(body)
        if len(heard) > _LONGEST_HEAD:
            raise CannotObserve(NOT_UNDERSTOOD)
        return heard
