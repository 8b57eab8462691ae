"""A websocket carried between a browser and a student's program, message by message."""

from __future__ import annotations

import asyncio
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from sandboxes.preview import headers

MAX_MESSAGE = 1 << 20
OPEN_SECONDS = 10


class Refused(Exception):
    """The program does not take the websocket."""


async def carry(scope: dict[str, Any], receive: Any, send: Any, *, address: str, port: int, origin: str) -> None:
    """Until either side closes. Raises Refused or OSError before anything was accepted."""
    passed = headers.inbound(scope["headers"], origin=origin, port=port, websocket=True)
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
    try:
        program = await connect(
            f"ws://localhost:{port}{path}{query}",
            host=address,
            port=port,
            additional_headers=[
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in passed if name not in (b"host", b"user-agent")
            ],
            user_agent_header=None,
            subprotocols=[Subprotocol(name) for name in scope.get("subprotocols", [])] or None,
            compression=None,
            proxy=None,
            open_timeout=OPEN_SECONDS,
            ping_interval=None,
            close_timeout=2,
            max_size=MAX_MESSAGE,
            max_queue=16,
        )
    except (InvalidHandshake, InvalidURI, ConnectionClosed, TimeoutError) as error:
        raise Refused(str(error)) from error
    try:
        await send({"type": "websocket.accept", "subprotocol": program.subprotocol})
        tasks = [asyncio.ensure_future(_from_program(program, send)), asyncio.ensure_future(_from_browser(receive, program))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await program.close()


async def _from_program(program: ClientConnection, send: Any) -> None:
    try:
        async for message in program:
            kind = "text" if isinstance(message, str) else "bytes"
            await send({"type": "websocket.send", kind: message})
    except ConnectionClosed:
        pass
    code = program.close_code or 1011
    # What only an endpoint may say to itself is not said to others.
    await send({"type": "websocket.close", "code": code if code not in (1005, 1006, 1015) else 1000})


async def _from_browser(receive: Any, program: ClientConnection) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        content = message.get("text")
        try:
            await program.send(content if content is not None else message.get("bytes") or b"")
        except ConnectionClosed:
            return
