"""What the lab's own engine tells, the moment it happens, of containers that end or lack memory.

The one word of an OOM kill that cannot be missed: the kernel's counts of it are, in cgroups v1, those of each group apart, and
go with a student's container.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from urllib.parse import urlencode

from sandboxes.engine import Alarm
from sandboxes.engine.events import Lines, parse_event
from sandboxes.engine.stream import open_async_answer


async def follow(url: str, lab: str, since: float) -> AsyncGenerator[Alarm]:
    """Of the containers of a lab; raises EngineError or OSError, and ends when the engine does."""
    filters = {"type": ["container"], "event": ["oom", "die"], "label": [f"lab.id={lab}"]}
    query = urlencode({"since": f"{since:.9f}", "filters": json.dumps(filters, separators=(",", ":"))})
    reader, writer = await open_async_answer(url, f"/events?{query}")
    lines = Lines()
    try:
        while chunk := await reader.read(65536):
            for line in lines.feed(chunk):
                if event := parse_event(line):
                    yield Alarm(event.name, starved=event.verb == "oom", at=event.nano / 1e9)
    finally:
        writer.close()
