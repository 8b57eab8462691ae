"""A page's websocket, for tests."""

from __future__ import annotations

from typing import Any

from channels.testing import WebsocketCommunicator

PATIENCE = 20
"""Seconds; what a test waits for comes at once, but on a busy machine that is no promise."""


class PageSocket(WebsocketCommunicator):
    """Waits for what is to come for as long as a busy machine may take; `receive_nothing` is as it was."""

    async def receive_output(self, timeout: float = PATIENCE) -> dict[str, Any]:
        said: dict[str, Any] = await super().receive_output(max(timeout, PATIENCE))
        return said
