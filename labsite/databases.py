"""Django's settings for the database that LAB_DATABASE_URL names: SQLite, embedded, or PostgreSQL.

Owns what differs between the two, so that a query means the same on both. It connects to nothing: who starts the site
asks whether the database is there (labsite/readiness.py).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import dj_database_url

POSTGRES = ("postgres", "postgresql")
POOL = {"min_size": 0, "max_size": 8, "timeout": 10, "max_idle": 60, "reconnect_timeout": 3}
"""Connections of one process. Channels gives each request a thread of its own: without a pool each would connect anew.

A database that was away is found again soon: its attempts come ever more seldom until it gives up and begins anew."""


def with_password(url: str, password: str) -> str:
    """`url` with `password` in it, unless it has one or there is none to put: secrets come in files of their own."""
    parts = urlsplit(url)
    if not password or parts.password or not parts.netloc:
        return url
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user if at else ''}:{quote(password, safe='')}@{host}"))


def configure(url: str) -> dict[str, Any]:
    """An entry of DATABASES, for a URL that labsite/addresses.py has found good."""
    scheme = urlsplit(url).scheme
    database: dict[str, Any] = dict(dj_database_url.parse(url))
    if scheme in POSTGRES:
        # A pool keeps the connections: Django's own way of keeping them has to be off.
        database["CONN_MAX_AGE"] = 0
        # One that was restarted has ended what the pool keeps: taken without a look, each would fail a request.
        database["CONN_HEALTH_CHECKS"] = True
        database["OPTIONS"] = {**database.get("OPTIONS", {}), "pool": POOL, "connect_timeout": 5}
    else:
        database["CONN_MAX_AGE"] = 60
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    return database
