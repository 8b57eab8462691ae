"""What an engine holds, as the page draws it: images, containers, networks, volumes, ports, the swarm.

    take      asks a machine and gives the picture of its node (collector)
    picture   pure: from the engine's raw answers

The answers are the student's. Whatever does not fit is left out; every list and text has an end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sandboxes.events import feed, watching

QUESTIONS = ("/images/json", "/containers/json?all=1", "/networks", "/volumes", "/info")
SWARM_QUESTIONS = ("/nodes", "/services?status=true")
ROWS = 100
"""Of each list."""
LAYERS = 127
"""An overlay has no more."""
INSPECTED = 60
"""Images whose layers one round may ask for."""
TEXT = 160
_EXITED = re.compile(r"^Exited \((-?\d{1,5})\)")
_HEALTH = re.compile(r"\((?:health: )?(starting|healthy|unhealthy)\)$")

Layers = dict[str, list[str]]


async def take(machine: str, node: str, layers: Layers) -> dict[str, Any]:
    """The picture of a node. `layers` remembers those of images from one time to the next; raises EngineError."""
    answers = await watching.ask(machine, QUESTIONS)
    images = [_text(row.get("Id"), 80) for row in _rows(answers[0])]
    unknown = [id_ for id_ in dict.fromkeys(images) if re.fullmatch(r"sha256:[0-9a-f]{64}", id_) and id_ not in layers][:INSPECTED]
    manages = _object(_object(answers[4]).get("Swarm")).get("ControlAvailable") is True
    more = (
        await watching.ask(machine, [*(f"/images/{id_}/json" for id_ in unknown), *(SWARM_QUESTIONS if manages else ())])
        if (unknown or manages)
        else []
    )
    for id_, answer in zip(unknown, more, strict=False):
        found = _object(_object(answer).get("RootFS")).get("Layers")
        layers[id_] = [_short(layer) for layer in found[:LAYERS] if isinstance(layer, str)] if isinstance(found, list) else []
    for id_ in set(layers) - set(images):
        del layers[id_]
    swarm = more[len(unknown) :] if manages else []
    return picture(node, answers, layers, swarm)


def fitting(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    """The message with the pictures of all nodes, cut where no page would take it."""
    rows = ROWS
    body: dict[str, Any] = {"nodes": nodes}
    while len(json.dumps(body, ensure_ascii=False)) > feed.LIMIT - 1000 and rows > 1:
        rows //= 2
        body = {"nodes": [{key: value[:rows] if isinstance(value, list) else value for key, value in node.items()} for node in nodes]}
        body["cut"] = True
    return body


def published(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    """The message with every published TCP port of running containers, and of the services of a swarm's manager."""
    holders = [
        (node["name"], holder)
        for node in nodes
        for holder in [*(box for box in node["containers"] if box["state"] == "running"), *(node["swarm"] or {}).get("services", [])]
    ]
    found = {
        (node, port["host"]): {"node": node, "host": port["host"], "container": port["container"], "name": holder["name"]}
        for node, holder in reversed(holders)
        for port in holder["ports"]
        if port["host"] and port["proto"] == "tcp"
    }
    return {"ports": [found[key] for key in sorted(found)]}


def picture(node: str, answers: list[Any], layers: Mapping[str, list[str]], swarm: list[Any]) -> dict[str, Any]:
    """The picture of a node, from the answers to QUESTIONS and, of a swarm's manager, to SWARM_QUESTIONS."""
    images, containers, networks, volumes, info = answers
    return {
        "name": node,
        "images": [_image(row, layers) for row in _rows(images)],
        "containers": _containers(_rows(containers)),
        "networks": [
            {
                "id": _short(row.get("Id")),
                "name": _text(row.get("Name")),
                "driver": _text(row.get("Driver")),
                "scope": _text(row.get("Scope")),
            }
            for row in _oldest_first(networks, "Created")
        ],
        "volumes": [
            {"name": _text(row.get("Name")), "driver": _text(row.get("Driver"))}
            for row in _oldest_first(_object(volumes).get("Volumes"), "CreatedAt")
        ],
        "swarm": _swarm(_object(info).get("Swarm"), swarm),
    }


def _oldest_first(answer: Any, created: str) -> list[dict[str, Any]]:
    """An engine tells them in another order each time: where they are drawn, and in which colour, would change without a cause."""
    return sorted(_rows(answer), key=lambda row: (_text(row.get(created), 40), _text(row.get("Name"))))


def _image(row: dict[str, Any], layers: Mapping[str, list[str]]) -> dict[str, Any]:
    id_ = _text(row.get("Id"), 80)
    return {
        "id": _short(id_),
        "tags": [tag for tag in _texts(row.get("RepoTags")) if tag != "<none>:<none>"],
        "layers": layers.get(id_, []),
        "size": _count(row.get("Size")),
        "created": _count(row.get("Created")),
    }


def _containers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    links: dict[str, list[list[str]]] = {}
    names: list[str] = []
    for row in rows:
        # `/redis` is its own name; `/web/cache`, the one that the container web has for it.
        said = [name.removeprefix("/").split("/") for name in _texts(row.get("Names"))]
        own = next((parts[0] for parts in said if len(parts) == 1), "")
        names.append(own)
        for parts in said:
            if len(parts) == 2:
                links.setdefault(parts[0], []).append([own, parts[1]])
    return [_container(row, name, links.get(name, [])) for row, name in zip(rows, names, strict=True)]


def _container(row: dict[str, Any], name: str, links: list[list[str]]) -> dict[str, Any]:
    exited, health = _EXITED.match(_text(row.get("Status"))), _HEALTH.search(_text(row.get("Status")))
    return {
        "id": _short(row.get("Id")),
        "name": name,
        "image": _short(row.get("Image")) if str(row.get("Image")).startswith("sha256:") else _text(row.get("Image")),
        "image_id": _short(row.get("ImageID")),
        "state": _text(row.get("State"), 20),
        "health": health[1] if health else None,
        "exit_code": int(exited[1]) if exited else None,
        "ports": _ports(row.get("Ports")),
        "networks": [_text(network) for network in list(_object(_object(row.get("NetworkSettings")).get("Networks")))[:20]],
        "mounts": [
            {
                "type": _text(mount.get("Type"), 20),
                "name": _text(mount.get("Name")),
                "source": _text(mount.get("Source")),
                "target": _text(mount.get("Destination")),
            }
            for mount in _rows(row.get("Mounts"))[:20]
        ],
        "links": links[:20],
        "size_rw": None,
    }


def _ports(raw: Any) -> list[dict[str, Any]]:
    """Each once: the engine tells of a published one for IPv4 and for IPv6."""
    found = {
        (_count(row.get("PublicPort")), _count(row.get("PrivatePort")), _text(row.get("Type"), 4))
        for row in _rows(raw)
        if _count(row.get("PrivatePort"))
    }
    return [{"host": host or None, "container": container, "proto": proto} for host, container, proto in sorted(found)[:30]]


def _swarm(state: Any, answers: list[Any]) -> dict[str, Any] | None:
    if _object(state).get("LocalNodeState") != "active":
        return None
    nodes, services = answers if len(answers) == 2 else ([], [])
    return {
        "nodes": [
            {
                "id": _short(row.get("ID")),
                "hostname": _text(_object(row.get("Description")).get("Hostname")),
                "role": _text(_object(row.get("Spec")).get("Role"), 20),
                "state": _text(_object(row.get("Status")).get("State"), 20),
            }
            for row in _rows(nodes)
        ],
        "services": [
            {
                "name": _text(_object(row.get("Spec")).get("Name")),
                "replicas": _count(_object(row.get("ServiceStatus")).get("DesiredTasks")),
                "running": _count(_object(row.get("ServiceStatus")).get("RunningTasks")),
                "ports": [
                    {
                        "host": _count(port.get("PublishedPort")) or None,
                        "container": _count(port.get("TargetPort")),
                        "proto": _text(port.get("Protocol"), 4),
                    }
                    for port in _rows(_object(row.get("Endpoint")).get("Ports"))[:30]
                ],
            }
            for row in _rows(services)
        ],
    }


def _rows(raw: Any) -> list[dict[str, Any]]:
    return [row for row in raw[:ROWS] if isinstance(row, dict)] if isinstance(raw, list) else []


def _object(raw: Any) -> dict[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _texts(raw: Any) -> list[str]:
    return [_text(item) for item in raw[:20] if isinstance(item, str)] if isinstance(raw, list) else []


def _text(raw: Any, limit: int = TEXT) -> str:
    return raw[:limit].encode(errors="replace").decode() if isinstance(raw, str) else ""


def _short(raw: Any) -> str:
    """As `docker` shows ids: twelve figures."""
    text = _text(raw)
    head, colon, rest = text.rpartition(":")
    return f"{head}{colon}{rest[:12]}"


def _count(raw: Any) -> int:
    return raw if type(raw) is int and 0 <= raw < 1 << 53 else 0
