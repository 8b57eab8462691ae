"""What a student's engine says of its swarm, as models. Anything that does not fit raises CannotObserve."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from sandboxes.engine.facts import Facts, as_list, get, parse

STACK = "com.docker.stack.namespace"


class SwarmFacts(Facts):
    """The engine's own place in a swarm."""

    state: str
    manager: bool


class SwarmNodeFacts(Facts):
    id: str
    name: str
    role: str
    state: str
    availability: str


class ServiceFacts(Facts):
    id: str
    name: str
    image: str
    replicas: int | None
    """Asked for; None for one on every node."""
    constraints: list[str]
    ports: list[str]
    """`8080:80`."""
    stack: str
    update: str
    """How the last update goes: completed, updating, paused…; empty if there was none."""


class TaskFacts(Facts):
    service: str
    node: str
    state: str
    desired: str
    error: str

    @property
    def running(self) -> bool:
        return self.state == "running" and self.desired == "running"


def swarm_facts(info: Any) -> SwarmFacts:
    swarm = get(info, "Swarm") or {}
    raw = {"state": get(swarm, "LocalNodeState") or "inactive", "manager": bool(get(swarm, "ControlAvailable"))}
    return parse(TypeAdapter(SwarmFacts), raw)


def node_facts(raw: Any) -> SwarmNodeFacts:
    spec = get(raw, "Spec") or {}
    return parse(
        TypeAdapter(SwarmNodeFacts),
        {
            "id": get(raw, "ID"),
            "name": get(get(raw, "Description") or {}, "Hostname") or "",
            "role": get(spec, "Role") or "",
            "state": get(get(raw, "Status") or {}, "State") or "",
            "availability": get(spec, "Availability") or "",
        },
    )


def service_facts(raw: Any) -> ServiceFacts:
    spec = get(raw, "Spec") or {}
    template = get(spec, "TaskTemplate") or {}
    replicated = get(get(spec, "Mode") or {}, "Replicated")
    ports = as_list(get(get(spec, "EndpointSpec") or {}, "Ports") or [])
    return parse(
        TypeAdapter(ServiceFacts),
        {
            "id": get(raw, "ID"),
            "name": get(spec, "Name"),
            "image": get(get(template, "ContainerSpec") or {}, "Image") or "",
            "replicas": None if replicated is None else get(replicated, "Replicas") or 0,
            "constraints": get(get(template, "Placement") or {}, "Constraints") or [],
            "ports": [f"{port.get('PublishedPort') or ''}:{port.get('TargetPort') or ''}" for port in ports],
            "stack": get(get(spec, "Labels") or {}, STACK) or "",
            "update": get(get(raw, "UpdateStatus") or {}, "State") or "",
        },
    )


def task_facts(raw: Any) -> TaskFacts:
    status = get(raw, "Status") or {}
    return parse(
        TypeAdapter(TaskFacts),
        {
            "service": get(raw, "ServiceID") or "",
            "node": get(raw, "NodeID") or "",
            "state": get(status, "State") or "",
            "desired": get(raw, "DesiredState") or "",
            "error": str(get(status, "Err") or "")[:300],
        },
    )
