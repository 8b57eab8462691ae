"""SQLite's LIKE, made to ignore the case of every letter: its own knows only ASCII's, and «Ángel» would not find «ÁNGEL».

So `icontains`, `iexact` and their kin mean the same as on PostgreSQL. `contains` and `startswith`, which SQLite cannot
tell from them, are not to be used.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from django.db.backends.signals import connection_created


def install() -> None:
    """Have every new connection to SQLite know it."""
    connection_created.connect(_teach, dispatch_uid="like-of-every-letter")


def _teach(connection: Any, **_: object) -> None:
    if connection.vendor == "sqlite":
        connection.connection.create_function("like", 3, like, deterministic=True)


def like(pattern: str | None, text: object, escape: str) -> bool | None:
    """What `text LIKE pattern ESCAPE escape` is; None, as in SQL, if one of them is."""
    if pattern is None or text is None:
        return None
    return _compiled(pattern, escape).fullmatch(str(text)) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str, escape: str) -> re.Pattern[str]:
    pieces = []
    letters = iter(pattern)
    for letter in letters:
        if letter == escape:
            pieces.append(re.escape(next(letters, escape)))
        else:
            pieces.append({"%": ".*", "_": "."}.get(letter) or re.escape(letter))
    return re.compile("".join(pieces), re.IGNORECASE | re.DOTALL)
