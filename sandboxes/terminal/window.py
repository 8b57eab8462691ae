"""What may be on its way to a page unacknowledged: the brake of who shows less than a program says. Pure but for its waiting."""

from __future__ import annotations

import asyncio

STALL = 120
"""Seconds a page may leave a full window unacknowledged before it counts as dead."""
_WRAP = 1 << 32
"""Acknowledgements count bytes in 32 bits."""


class Window:
    """`size` bytes; both ends count since the connection began."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._sent = self._acked = 0
        self._news = asyncio.Event()

    def sent(self, count: int) -> None:
        self._sent = (self._sent + count) % _WRAP

    def acknowledged(self, so_far: int) -> None:
        self._acked = so_far
        self._news.set()

    async def room(self) -> None:
        """Until something may be sent. Raises TimeoutError after STALL."""
        while (self._sent - self._acked) % _WRAP > self._size:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), STALL)
