"""Raw streams: an exec's, two-way, by the Engine API's connection upgrade, with its multiplexed frames; and answers without an end.

docker-py's own socket is no use here: the first bytes may stay in http.client's buffer, it carries a 60 s
time-out and it can't be written to. Protocol: Engine API reference, "Attach to a container", stream format.
"""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import urlsplit

from sandboxes.engine import EngineError, EngineUnreachable

HEADER = 8
"""Bytes before each frame of a stream without TTY: stream number, three zeros, length (4, big endian)."""


def _request(exec_id: str) -> bytes:
    body = b'{"Detach":false,"Tty":false}'
    return (
        f"POST /exec/{exec_id}/start HTTP/1.1\r\nHost: engine\r\nContent-Type: application/json\r\n"
        f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _check_status(head: bytes, wanted: bytes = b" 101 ") -> None:
    status = head.split(b"\r\n", 1)[0]
    if wanted not in status + b" ":
        raise EngineError(f"the engine refused the stream: {status.decode(errors='replace')}")


def open_stream(url: str, exec_id: str, *, seconds: float) -> socket.socket:
    """Start an exec over a fresh, blocking socket; what follows is frames. Close it to end standard input."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "unix":
            stream = socket.socket(socket.AF_UNIX)
            stream.settimeout(seconds)
            stream.connect(parts.path)
        else:
            stream = socket.create_connection((parts.hostname or "", parts.port or 2375), timeout=seconds)
    except OSError as error:
        raise EngineUnreachable(str(error)) from error
    try:
        stream.sendall(_request(exec_id))
        head = b""
        # Byte by byte: whatever follows the blank line belongs to the stream.
        while not head.endswith(b"\r\n\r\n"):
            byte = stream.recv(1)
            if not byte or len(head) > 8192:
                raise EngineError("the engine closed the stream")
            head += byte
        _check_status(head)
    except OSError as error:
        stream.close()
        raise EngineUnreachable(str(error)) from error
    except EngineError:
        stream.close()
        raise
    return stream


async def open_async_stream(url: str, exec_id: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The same for the event loop."""
    return await _open(url, _request(exec_id), status=b" 101 ")


async def open_async_answer(url: str, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Ask for what has no end; what follows is the answer's body, as it comes."""
    # HTTP/1.0: the body comes as it is, without chunks.
    return await _open(url, f"GET {path} HTTP/1.0\r\nHost: engine\r\n\r\n".encode(), status=b" 200 ")


async def _open(url: str, request: bytes, *, status: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    try:
        if parts.scheme == "unix":
            reader, writer = await asyncio.open_unix_connection(parts.path, limit=256 * 1024)
        else:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 2375, limit=256 * 1024)
    except OSError as error:
        raise EngineUnreachable(str(error)) from error
    try:
        writer.write(request)
        _check_status(await reader.readuntil(b"\r\n\r\n"), status)
    except BaseException as error:  # who waits for it may be cancelled
        writer.close()
        if isinstance(error, asyncio.IncompleteReadError | asyncio.LimitOverrunError | OSError):
            raise EngineUnreachable(str(error)) from error
        raise
    return reader, writer


class Demultiplexer:
    """Takes the stream's bytes as they come and gives back those of standard output; the rest is dropped."""

    def __init__(self) -> None:
        self._head = b""
        self._left = 0
        self._wanted = False

    def feed(self, chunk: bytes) -> bytes:
        out = []
        view = memoryview(chunk)
        while view:
            if self._left:
                taken = min(self._left, len(view))
                if self._wanted:
                    out.append(bytes(view[:taken]))
                self._left -= taken
                view = view[taken:]
                continue
            taken = HEADER - len(self._head)
            self._head += bytes(view[:taken])
            view = view[taken:]
            if len(self._head) == HEADER:
                self._wanted = self._head[0] == 1
                self._left = int.from_bytes(self._head[4:], "big")
                self._head = b""
        return out[0] if len(out) == 1 else b"".join(out)
