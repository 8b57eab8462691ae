"""How an attempt ended."""

import subprocess
from collections.abc import Callable

import psycopg
import redis

Outcome = tuple[bool, str]
"""Whether it was held off, and what was seen."""


def none_of(found: list[str], *, otherwise: str) -> Outcome:
    """Held off if nothing was found."""
    return not found, ", ".join(found[:6]) or otherwise


def refused(attempt: Callable[[], object]) -> Outcome:
    try:
        said = attempt()
    except (OSError, subprocess.SubprocessError, psycopg.Error, redis.RedisError) as error:
        return True, " ".join(str(error).split())[:110] or type(error).__name__
    return False, f"sale bien: {said}"


def all_refused(*attempts: Callable[[], object]) -> Outcome:
    found = [refused(attempt) for attempt in attempts]
    return all(held for held, _ in found), next((said for held, said in found if not held), found[0][1])
