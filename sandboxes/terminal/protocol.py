"""The terminal's frames: docs/terminal-protocol.md.

Between page and server each websocket message is a type byte and a payload. Between server and the shell
holder (sandboxes/images/sandbox/shells/) a channel and a length stand between both: one stream carries all the
terminals of a machine, and a stream has no messages.
"""

from __future__ import annotations

from dataclasses import dataclass

DATA, REPLAY, LIVE, EXIT, TAKEN, REFUSED = b"D", b"R", b"L", b"E", b"T", b"F"
BEGIN, ACCEPTED, PONG = b"B", b"K", b"P"
AWAITED = b"W"
"""Said to who visits: there is no such shell yet; it will come by itself."""
NO_SHELL = REFUSED + b"no such shell"
"""The holder's answer to who would look on at it (holder.c)."""
OPEN, NUMBERED, INPUT, SIZE, ACK, PING, END = b"O", b"N", b"I", b"S", b"A", b"P", b"X"
WATCH, NAMES, LEAVE = b"W", b"G", b"Q"
"""Said to the holder alone: look on at a shell, ask for the names of all, be gone."""
LAST = (EXIT, TAKEN, REFUSED)
"""After one of these the holder says no more."""

MAX_INPUT = 64 * 1024
"""Bytes of one input message."""
ACK_WINDOW = 256 * 1024
"""Bytes that may be on their way to the page unacknowledged. Smaller gains nothing (docs/rendimiento.md)."""
CODES = {
    "bye": 1000,
    "no-session": 4401,
    "not-yours": 4403,
    "not-found": 4404,
    "protocol": 4400,
    "ended": 4410,
    "visit-over": 4411,
    "early": 4425,
    "too-big": 4413,
    "too-fast": 4428,
    "too-many": 4429,
    "stalled": 4408,
    "engine": 4502,
}


class ProtocolError(Exception):
    """The other side said something that is not in the protocol. `code` is the reason to close with."""

    def __init__(self, said: str, *, code: str = "protocol") -> None:
        super().__init__(said)
        self.code = code


def encode(kind: bytes, payload: bytes = b"", *, channel: int) -> bytes:
    """A frame for the holder."""
    return kind + channel.to_bytes(2, "big") + len(payload).to_bytes(4, "big") + payload


def encode_size(columns: int, rows: int) -> bytes:
    return columns.to_bytes(2, "big") + rows.to_bytes(2, "big")


class FrameReader:
    """Cuts the holder's stream into frames; bytes may come in any pieces."""

    HEAD = 7
    MAX = 1 << 20

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, chunk: bytes) -> list[tuple[int, bytes]]:
        """The frames completed by `chunk`: its channel, and type byte + payload, which is what the page gets as it is."""
        self._pending += chunk
        frames = []
        at = 0
        while len(self._pending) - at >= self.HEAD:
            channel = int.from_bytes(self._pending[at + 1 : at + 3], "big")
            length = int.from_bytes(self._pending[at + 3 : at + self.HEAD], "big")
            if length > self.MAX:
                raise ProtocolError("a frame too long from the holder")
            end = at + self.HEAD + length
            if len(self._pending) < end:
                break
            frames.append((channel, bytes(self._pending[at : at + 1] + self._pending[at + self.HEAD : end])))
            at = end
        del self._pending[:at]
        return frames


@dataclass(frozen=True)
class Message:
    """A message of the page."""

    kind: bytes
    payload: bytes


def parse(message: bytes) -> Message:
    """A page's message, checked; raises ProtocolError."""
    kind, payload = message[:1], message[1:]
    match kind:
        case b"I" if len(payload) > MAX_INPUT:
            raise ProtocolError(f"{len(payload)} bytes of input at once", code="too-big")
        case b"I" if payload:
            return Message(kind, payload)
        case b"O" | b"S" if len(payload) == 4 and _is_size(payload):
            return Message(kind, payload)
        case b"N" if len(payload) == 28 and _is_size(payload):
            return Message(kind, payload)
        case b"A" if len(payload) == 4:
            return Message(kind, payload)
        case b"P" | b"X" if not payload:
            return Message(kind, payload)
    raise ProtocolError(f"not a message: {kind!r}, {len(payload)} bytes")


def _is_size(payload: bytes) -> bool:
    columns, rows = int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:4], "big")
    return 2 <= columns <= 1000 and 2 <= rows <= 1000
