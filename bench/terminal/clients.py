"""One client for every server: the same socket library, with each server's words for output, input and flow control."""

from __future__ import annotations

import asyncio
import json
import secrets
import struct
from typing import Any

import websockets

COLUMNS, ROWS = 80, 24
ACK_EVERY = 32 * 1024


class Client:
    """A terminal on some server. `read` gives output as it comes; b"" for messages that carry none."""

    subprotocol: str | None = None

    def __init__(self, url: str, *, origin: str = "", cookie: str = "") -> None:
        self._url, self._origin, self._cookie = url, origin, cookie
        self._socket: Any = None

    async def open(self) -> None:
        self._socket = await websockets.connect(
            self._url,
            origin=self._origin or None,  # type: ignore[arg-type]
            additional_headers={"Cookie": self._cookie} if self._cookie else None,
            subprotocols=[self.subprotocol] if self.subprotocol else None,  # type: ignore[list-item]
            compression=None,
            max_size=None,
            max_queue=16,
            ping_interval=None,
        )
        await self._greet()

    async def _greet(self) -> None: ...

    async def type(self, data: bytes) -> None:
        await self._socket.send(data)

    async def read(self) -> bytes:
        message = await self._socket.recv()
        return message if isinstance(message, bytes) else message.encode()

    async def until(self, wanted: bytes, *, seconds: float = 60) -> int:
        """Read up to `wanted`; how many bytes that were."""
        tail, count = b"", 0
        async with asyncio.timeout(seconds):
            while True:
                data = await self.read()
                count += len(data)
                tail = (tail + data)[-max(4096, len(data)) :]
                if wanted in tail:
                    return count

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    def stall(self) -> None:
        """Read no more, as a page whose tab is frozen: the transport stops taking what comes."""
        self._socket.transport.pause_reading()

    def drop(self) -> None:
        self._socket.transport.abort()


class Ours(Client):
    """docs/terminal-protocol.md, numbered and with acknowledgements, as the page does it."""

    async def _greet(self) -> None:
        self._received = self._acknowledged = 0
        await self._socket.send(b"N" + struct.pack(">HHQQQ", COLUMNS, ROWS, secrets.randbits(52), 0, 0))

    async def type(self, data: bytes) -> None:
        for at in range(0, len(data), 32768):
            await self._socket.send(b"I" + data[at : at + 32768])

    async def read(self) -> bytes:
        message = await self._socket.recv()
        self._received += len(message)
        if self._received - self._acknowledged >= ACK_EVERY:
            self._acknowledged = self._received
            await self._socket.send(b"A" + struct.pack(">I", self._received & 0xFFFFFFFF))
        return message[1:] if message[:1] in (b"D", b"R") else b""

    async def end(self) -> None:
        """Close the terminal as the page does: its shell ends too."""
        await self._socket.send(b"X")
        while True:
            if (await self._socket.recv())[:1] == b"E":
                return


class Ttyd(Client):
    subprotocol = "tty"

    async def _greet(self) -> None:
        await self._socket.send(json.dumps({"AuthToken": "", "columns": COLUMNS, "rows": ROWS}).encode())

    async def type(self, data: bytes) -> None:
        await self._socket.send(b"0" + data)

    async def read(self) -> bytes:
        message = await super().read()
        return message[1:] if message[:1] == b"0" else b""


class Terminado(Client):
    async def _greet(self) -> None:
        await self._socket.send(json.dumps(["set_size", ROWS, COLUMNS, 600, 800]))

    async def type(self, data: bytes) -> None:
        await self._socket.send(json.dumps(["stdin", data.decode()]))

    async def read(self) -> bytes:
        kind, *rest = json.loads(await self._socket.recv())
        return rest[0].encode() if kind == "stdout" else b""


class Websocketd(Client):
    async def type(self, data: bytes) -> None:
        await self._socket.send(data)


class Wetty(Client):
    """Socket.IO over Engine.IO 4."""

    async def _greet(self) -> None:
        while (message := await self._socket.recv()) and not message.startswith("0"):
            pass
        await self._socket.send("40")
        while not (await self._socket.recv()).startswith("40"):
            pass
        await self._socket.send("42" + json.dumps(["resize", {"cols": COLUMNS, "rows": ROWS}]))

    async def type(self, data: bytes) -> None:
        await self._socket.send("42" + json.dumps(["input", data.decode()]))

    async def read(self) -> bytes:
        message = await self._socket.recv()
        if message == "2":
            await self._socket.send("3")
        if not message.startswith("42"):
            return b""
        kind, *rest = json.loads(message[2:])
        if kind != "data":
            return b""
        await self._socket.send("42" + json.dumps(["commit", len(rest[0])]))
        return str(rest[0]).encode()
