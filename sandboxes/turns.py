"""One worker at a time on a sandbox's machines: stopping, starting, copying and checking them must not overlap.

State is claimed by conditional updates (lifecycle.move); this is for the seconds in which containers really
stop and start. A turn is a lease that its holder renews: that of a worker that was killed is over in seconds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from threading import Event, Thread

import redis
import structlog
from django.conf import settings
from redis.exceptions import LockNotOwnedError, RedisError
from redis.lock import Lock

log = structlog.get_logger()

LEASE = 10
"""Seconds for which a turn is held without being renewed: what the next one waits for after a kill."""
LONGEST = 180
"""Seconds after which a turn is taken for lost, and no longer renewed: several times what stopping and starting may take."""


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url)


@contextmanager
def turn(sandbox_id: object) -> Iterator[None]:
    """Wait for the turn on a sandbox and hold it. Raises redis.exceptions.LockError after LONGEST."""
    lock = _client(settings.ENV.redis_url).lock(
        f"{settings.ENV.name}:turn:{sandbox_id}", timeout=LEASE, blocking_timeout=LONGEST, sleep=0.05, thread_local=False
    )
    lock.acquire()
    over = Event()
    renewal = Thread(target=_renew, args=(lock, over), name="turn", daemon=True)
    renewal.start()
    try:
        yield
    finally:
        over.set()
        renewal.join()
        with suppress(LockNotOwnedError):  # it lasted too long, and the next one has begun
            lock.release()


def _renew(lock: Lock, over: Event) -> None:
    end = time.monotonic() + LONGEST
    while not over.wait(LEASE / 4) and time.monotonic() < end:
        try:
            lock.reacquire()
        except LockNotOwnedError:
            return
        except RedisError as error:  # the next try may find it again
            log.warning("turn not renewed", error=str(error))
