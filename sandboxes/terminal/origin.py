"""Refuses websockets from pages that are not ours, comparing scheme, host and port.

Channels' own validator compares names only, so that a preview on another port of the same host would pass.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

FOREIGN_ORIGIN = 4403

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


class ExactOrigin:
    """ASGI middleware. The socket is accepted and closed at once, so that the page gets the code and not a 1006."""

    def __init__(self, application: Application, *, origins: Iterable[str]) -> None:
        self._application = application
        self._origins = frozenset(origin.rstrip("/").lower().encode() for origin in origins)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        sent = [value.lower() for name, value in scope["headers"] if name == b"origin"]
        if len(sent) == 1 and sent[0] in self._origins:
            await self._application(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": FOREIGN_ORIGIN, "reason": "origen ajeno"})
