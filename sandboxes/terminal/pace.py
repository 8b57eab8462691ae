"""How fast a page may talk: a bucket of messages that fills again by itself. Pure; the consumer decides what follows."""

from __future__ import annotations


class Pace:
    """`rate` messages a second on the long run, twice as many in a burst."""

    def __init__(self, rate: int, *, now: float) -> None:
        self._rate = rate
        self._left = 2.0 * rate
        self._seen = now

    def allows(self, now: float) -> bool:
        """Count a message that came at `now` (seconds, monotonic)."""
        self._left = min(2.0 * self._rate, self._left + (now - self._seen) * self._rate) - 1
        self._seen = now
        return self._left >= 0
