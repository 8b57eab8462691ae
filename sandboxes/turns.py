"""One worker at a time on a sandbox's machines: stopping them and starting them again must not overlap.

State is claimed by conditional updates (lifecycle.move); this is for the seconds in which containers really
stop and start. A turn whose worker dies ends by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import redis
from django.conf import settings
from redis.exceptions import LockNotOwnedError

LONGEST = 180
"""Seconds after which a turn is taken for lost: several times what stopping and starting may take."""


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url)


@contextmanager
def turn(sandbox_id: object) -> Iterator[None]:
    """Wait for the turn on a sandbox and hold it. Raises redis.exceptions.LockError after LONGEST."""
    lock = _client(settings.ENV.redis_url).lock(
        f"{settings.ENV.name}:turn:{sandbox_id}", timeout=LONGEST, blocking_timeout=LONGEST, sleep=0.05
    )
    lock.acquire()
    try:
        yield
    finally:
        with suppress(LockNotOwnedError):  # it lasted too long, and the next one has begun
            lock.release()
