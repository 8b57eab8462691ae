"""The ports that a sandbox's engines publish, asked of them on one connection each: containers' and services'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandboxes.engine import LabEngine
from sandboxes.engine.facts import NOT_UNDERSTOOD, CannotObserve, as_list, get
from sandboxes.engine.student import StudentEngine

SECONDS = 5
MOST = 60


@dataclass(frozen=True, order=True)
class Published:
    """A port of a node that leads to a container's, or to a service's."""

    node: str
    host: int
    container: int
    proto: str
    name: str
    """Of the container or the service."""
    local: bool = False
    """Whether only the machine itself can reach it (`-p 127.0.0.1:…`)."""


def published(lab: LabEngine, machines: dict[str, str]) -> list[Published]:
    """`machines`: node → container name. A node whose engine does not answer adds nothing."""
    found: set[Published] = set()
    for node, machine in machines.items():
        try:
            with StudentEngine(lab, machine, seconds=SECONDS) as engine:
                found |= set(_of(node, engine))
        except CannotObserve:
            continue
    return sorted(found)[:MOST]


def _of(node: str, engine: StudentEngine) -> list[Published]:
    found = []
    for row in engine.listed()[:500]:
        names = row.get("Names") or [""]
        for port in as_list(row.get("Ports") or []):
            if port.get("PublicPort"):
                local = str(port.get("IP") or "").startswith("127.")
                found.append(_published(node, port.get("PublicPort"), port.get("PrivatePort"), port.get("Type"), names[0], local=local))
    return found + _of_services(node, engine)


def _of_services(node: str, engine: StudentEngine) -> list[Published]:
    try:
        rows = as_list(engine.services_listed())
    except CannotObserve:
        return []  # no swarm, or a worker of one, which can't list them
    return [
        _published(node, asked.get("PublishedPort"), asked.get("TargetPort"), asked.get("Protocol"), get(get(row, "Spec") or {}, "Name"))
        for row in rows[:100]
        for asked in as_list(get(get(row, "Endpoint") or {}, "Ports") or [])
    ]


def _published(node: str, host: Any, container: Any, proto: Any, name: Any, *, local: bool = False) -> Published:
    if not (isinstance(host, int) and isinstance(container, int) and 0 < host < 65536 and 0 < container < 65536):
        raise CannotObserve(NOT_UNDERSTOOD)
    return Published(node, host, container, str(proto)[:8], str(name or "").lstrip("/")[:80], local)
