"""What an engine's events say, made safe to keep: one line of `/events` becomes an `EventFacts`, trimmed, or nothing.

The engine is the student's: a line may be of any length and shape. Refuses to fetch or to store; see sandboxes/events/.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict

LINE_LIMIT = 64 << 10
"""Bytes of one event. The engine's own have some hundreds, and all the labels of the object."""
TEXT = 200
ATTRIBUTES = 12
KEPT_FIRST = (
    *("name", "image", "exitCode", "signal", "container", "driver", "type", "destination", "oldName", "execID"),
    *("com.docker.compose.project", "com.docker.compose.service"),
)
"""The attributes that count; what is left of ATTRIBUTES goes to others (labels), by their name."""
PROBES = ("exec_create", "exec_start", "exec_die")
"""What each `docker exec` leaves, and each health probe too."""
QUIET = frozenset({*PROBES, "attach", "detach", "resize", "top", "exec_detach", "archive-path", "export", "save"})
"""Actions after which an engine holds what it held before."""


class EventFacts(BaseModel):
    """One event. `nano`: when it happened, in nanoseconds since 1970, as the engine says."""

    model_config = ConfigDict(frozen=True)

    nano: int
    kind: str
    """container, image, network, volume, service, node…"""
    action: str
    """create, start, die… An exec's has its command after a colon: `exec_create: sh -c ls`."""
    actor: str
    """The object's id; an image's, its name, where the engine says so."""
    attributes: dict[str, str] = {}

    @property
    def name(self) -> str:
        return self.attributes.get("name", "")

    @property
    def verb(self) -> str:
        """The action without what follows its colon."""
        return self.action.partition(":")[0]

    @property
    def changes(self) -> bool:
        """Whether the engine may hold something else after it."""
        return self.verb not in QUIET


def parse_event(line: bytes) -> EventFacts | None:
    """An event of an engine, or None for what is none."""
    if not line.strip() or len(line) > LINE_LIMIT:
        return None
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict) or not isinstance(raw.get("Actor"), dict):
        return None
    nano = raw.get("timeNano")
    kind, action, actor = (_plain(raw.get("Type"))[:20], _plain(raw.get("Action"))[:TEXT], _plain(raw["Actor"].get("ID"))[:TEXT])
    if type(nano) is not int or not 0 < nano < 1 << 63 or not (kind and action):
        return None
    return EventFacts(nano=nano, kind=kind, action=action, actor=actor, attributes=_trimmed(raw["Actor"].get("Attributes")))


def unsettled(events: Iterable[EventFacts], running: Callable[[], Collection[str]]) -> bool:
    """Whether the end of some container has not been told, which comes by another way, at times a moment later: it was stopped, or
    was started and is none of the ids that `running` gives."""
    last: dict[str, str] = {}
    for event in events:
        if event.kind != "container" or event.verb not in ("start", "die", "stop", "destroy"):
            continue
        if event.verb != "stop" or last.get(event.actor) != "die":
            last[event.actor] = event.verb
    started = {actor for actor, verb in last.items() if verb == "start"}
    return "stop" in last.values() or bool(started and started.difference(running()))


def _trimmed(attributes: Any) -> dict[str, str]:
    if not isinstance(attributes, dict):
        return {}
    names = [name for name in KEPT_FIRST if name in attributes] + sorted(set(attributes) - set(KEPT_FIRST))[:ATTRIBUTES]
    return {_plain(name)[:TEXT]: _plain(attributes[name])[:TEXT] for name in names[:ATTRIBUTES] if isinstance(attributes[name], str)}


def _plain(text: Any) -> str:
    """Without what no database keeps: NUL and halves of characters. What is no text is empty."""
    return "" if not isinstance(text, str) else text.replace("\x00", "\ufffd").encode(errors="replace").decode()


class Lines:
    """Cuts a stream into lines; what is longer than a line may be is dropped to its end."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._pending = b""
        self._limit = limit
        self._dropping = False

    def feed(self, chunk: bytes) -> list[bytes]:
        *whole, rest = (self._pending + chunk).split(b"\n")
        if whole and self._dropping:
            whole, self._dropping = whole[1:], False
        if len(rest) > self._limit:
            rest, self._dropping = b"", True
        elif self._dropping:
            rest = b""
        self._pending = rest
        return [line for line in whole if len(line) <= self._limit]
