"""How the cache is written down in Redis: JSON, and numbers as they are.

Django's own way is pickle, which runs what is in it: whoever reached Redis through one process of the site would be in all of them,
and in `tokens`, which has the keys of the class registry. What can't be read is not there.
"""

from __future__ import annotations

import json
from typing import Any


class Serializer:
    """As Django's RedisCache takes it."""

    def dumps(self, value: Any) -> int | bytes:
        """Whole numbers stay numbers: Redis counts with them."""
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, written: bytes) -> Any:
        try:
            return json.loads(written)
        except ValueError:
            return None
