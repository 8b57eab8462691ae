"""Refuses requests whose body is larger than anything the pages send, before Django keeps it on disk.

Counts what really comes: a length may be missing or a lie. Websockets have a limit of their own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


class _TooLarge(Exception):
    """More has come than is taken."""


class BodyLimit:
    """ASGI middleware: 413 past `limit` bytes."""

    def __init__(self, application: Application, *, limit: int) -> None:
        self._application = application
        self._limit = limit

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        came = 0
        answered = False

        async def counted() -> Any:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self._limit:
                raise _TooLarge
            return message

        async def watched(message: Any) -> None:
            nonlocal answered
            answered = True
            await send(message)

        declared = dict(scope["headers"]).get(b"content-length", b"0")
        try:
            if declared.isdigit() and int(declared) > self._limit:
                raise _TooLarge
            await self._application(scope, counted, watched)
        except _TooLarge:
            if not answered:
                await send(
                    {
                        "type": "http.response.start",
                        "status": 413,
                        "headers": [(b"content-type", b"application/json"), (b"connection", b"close")],
                    }
                )
                await send({"type": "http.response.body", "body": b'{"error": "es demasiado grande"}'})
