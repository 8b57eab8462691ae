"""What machines asked the image mirror for in vain: the only trace that a mistyped image leaves.

Reads the end of the mirror's access log (host/services.py) and nothing else of it. Where there is none, nothing is known.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

from django.conf import settings

from sandboxes.engine import EngineError, lab_engine
from sandboxes.models import Sandbox

END = 512 << 10
"""Bytes of the log that are read."""
_LINE = re.compile(r'^(\S+) - - \[([^\]]+)\] "(?:GET|HEAD) /v2/([a-z0-9._/-]{1,200})/manifests/([\w.-]{1,128})(?:\?\S*)? HTTP/[\d.]+" 404 ')


def missed_by(sandbox: Sandbox) -> Callable[[str], list[str]]:
    """For a node of a sandbox: `busibox:1.37`…, the last one first."""
    machines = {machine.node: machine.name for machine in sandbox.machines.all()}

    def of(node: str) -> list[str]:
        try:
            addresses = lab_engine().addresses(machines[node])
        except (EngineError, KeyError):
            return []
        return missed(_end(settings.ENV.mirror_log), addresses, since=sandbox.ready)

    return of


def missed(log: str, addresses: Collection[str], *, since: datetime | None) -> list[str]:
    """Names that one of the addresses asked for and the mirror has not, each once, the last one first."""
    found: dict[str, None] = {}
    for line in reversed(log.splitlines()):
        said = _LINE.match(line)
        if not said or said[1] not in addresses:
            continue
        if since and datetime.strptime(said[2], "%d/%b/%Y:%H:%M:%S %z") < since.replace(microsecond=0):
            break
        found[f"{said[3].removeprefix('library/')}:{said[4]}"] = None
    return list(found)


def _end(path: str) -> str:
    try:
        with Path(path).open("rb") as log:
            log.seek(-min(END, log.seek(0, os.SEEK_END)), os.SEEK_END)
            return log.read(END).decode(errors="replace")
    except OSError:
        return ""
