"""A grader's view of a student's machine: what is in its engine and its files, and what has happened there.

Everything the engine says is checked against a model (facts.py), and contradictions are not believed; what asking may cost is
bounded in questions.py. What cannot be known ends in CannotObserve rather than in a guess.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from sandboxes.engine import LabEngine, probes
from sandboxes.engine.events import EventFacts, parse_event, unsettled
from sandboxes.engine.facts import (
    NOT_UNDERSTOOD,
    CannotObserve,
    ContainerFacts,
    FileFacts,
    HistoryRow,
    ImageFacts,
    ListedImage,
    MountFacts,
    NetworkFacts,
    ProcessFacts,
    VolumeFacts,
    as_list,
    as_object,
    container_facts,
    get,
    image_facts,
    parse,
)
from sandboxes.engine.questions import ABSENT, API, BASE, Questions
from sandboxes.engine.swarm import (
    ServiceFacts,
    SwarmFacts,
    SwarmNodeFacts,
    TaskFacts,
    node_facts,
    service_facts,
    swarm_facts,
    task_facts,
)

__all__ = [
    "CannotObserve",
    "ContainerFacts",
    "FileFacts",
    "HistoryRow",
    "ImageFacts",
    "MountFacts",
    "NetworkFacts",
    "ProcessFacts",
    "StudentEngine",
    "VolumeFacts",
]

SETTLES = 0.5
"""Seconds in which an engine tells that a container has ended that it said was stopped, or that it lists as ended."""


@dataclass(frozen=True)
class Past:
    """What is known of an engine's past by others than itself: the collector (sandboxes/events/)."""

    since: int = 0
    """When it was handed over, in nanoseconds since 1970: what happened before was not the student's doing."""
    events: tuple[EventFacts, ...] = ()
    cut: bool = False
    """Whether there were more of them once."""


class StudentEngine(Questions):
    """What a check run sees of a machine."""

    def __init__(
        self, lab: LabEngine, container: str, *, seconds: float, past: Callable[[], Past] = Past, missed: Callable[[], list[str]] = list
    ) -> None:
        """`past` and `missed` (images that the machine asked the mirror for in vain) are asked for only where they are wanted."""
        super().__init__(lab, container, seconds=seconds)
        self._past, self.missed = cache(past), cache(missed)

    def tags(self) -> dict[str, str]:
        """Every tag → the id of its image: one question, for what does not need to be certain."""
        rows = as_list(self._ask(("images",), lambda: self._api.images()))
        if len(rows) > 500:
            raise CannotObserve("hay demasiadas imágenes en el motor")
        found = parse(TypeAdapter(list[ListedImage]), rows)
        return {tag: image.id for image in found for tag in image.tags or [] if tag != "<none>:<none>"}

    def image(self, reference: str) -> ImageFacts | None:
        """The image of that name, or None. Answers that contradict the name are not believed."""
        raw = self._ask_for(("image", reference), lambda: self._api.inspect_image(reference))
        found = image_facts(raw) if raw is not ABSENT else None
        if found and _normal(reference) not in [_normal(tag) for tag in found.tags] and not reference.startswith("sha256:"):
            raise CannotObserve(f"el motor dice dos cosas distintas de la imagen {reference}")
        return found

    def history(self, reference: str) -> list[HistoryRow]:
        rows = self._ask(("history", reference), lambda: self._api.history(reference))
        return parse(TypeAdapter(list[HistoryRow]), rows)

    def containers(self) -> list[ContainerFacts]:
        """Every container, stopped ones too, oldest first."""
        rows = self.listed()
        if len(rows) > 500:
            raise CannotObserve("hay demasiados contenedores en el motor")
        facts = [self._inspect_container(str(row.get("Id"))) for row in reversed(rows)]
        for row, fact in zip(reversed(rows), facts, strict=True):
            if fact.id != row.get("Id") or f"/{fact.name}" not in (row.get("Names") or []):
                raise CannotObserve("el motor se contradice sobre sus contenedores")
        return facts

    def listed(self) -> list[dict[str, Any]]:
        """Every container as `docker ps -a` lists it: one question, for what does not need to be certain."""
        return as_list(self._ask(("containers",), lambda: self._api.containers(all=True)))

    def container(self, name: str) -> ContainerFacts | None:
        return next((found for found in self.containers() if found.name == name), None)

    def logs(self, container: ContainerFacts, *, lines: int = 200) -> str:
        """The end of a container's output, at most 64 KiB."""
        said = self._ask(("logs", container.id), lambda: self._api.logs(container.id, tail=lines))
        if not isinstance(said, bytes):
            raise CannotObserve("el motor no entrega los registros")
        return said[-65536:].decode(errors="replace")

    def volumes(self) -> list[VolumeFacts]:
        rows = get(self._ask(("volumes",), lambda: self._api.volumes()), "Volumes") or []
        return parse(TypeAdapter(list[VolumeFacts]), as_list(rows)[:500])

    def networks(self) -> list[NetworkFacts]:
        rows = self._ask(("networks",), lambda: self._api.networks())
        return parse(TypeAdapter(list[NetworkFacts]), as_list(rows)[:500])

    def events(self) -> list[EventFacts]:
        """What has happened in the engine: what the collector kept, and what the engine itself still remembers."""
        past, told = self._past(), self._told()
        if unsettled(told, self._running):
            time.sleep(SETTLES)  # that it ended is told a moment after `docker stop`, or `docker run`, has been answered
            told = self._told(again=True)
        known = {(event.nano, event.kind, event.action, event.actor): event for event in (*told, *past.events)}
        return sorted(known.values(), key=lambda event: event.nano)

    def _running(self) -> list[str]:
        return [str(row.get("Id")) for row in self.listed() if row.get("State") in ("running", "paused")]

    def _told(self, *, again: bool = False) -> list[EventFacts]:
        since, until = self._past().since, time.time_ns()
        query = {name: f"{nano // 10**9}.{nano % 10**9:09d}" for name, nano in (("since", since), ("until", until))}
        answer = self._ask(("events", str(again)), lambda: self._api.get(f"{BASE}/v{API}/events", params=query))
        if answer.status_code != 200:
            raise CannotObserve(NOT_UNDERSTOOD)
        return [event for line in answer.content.splitlines() if (event := parse_event(line)) and since <= event.nano <= until]

    @property
    def forgot(self) -> bool:
        """Whether `events` may lack the oldest ones."""
        return self._past().cut

    def version(self) -> str:
        """The engine's own, as in `26.1.5`."""
        return str(get(self._ask(("version",), lambda: self._api.version(api_version=False)), "Version") or "")

    def info(self) -> dict[str, Any]:
        """What `docker info` shows, as the engine gives it."""
        return as_object(self._ask(("info",), lambda: self._api.info()))

    def swarm(self) -> SwarmFacts:
        return swarm_facts(self.info())

    def swarm_nodes(self) -> list[SwarmNodeFacts]:
        return [node_facts(row) for row in as_list(self._ask(("nodes",), lambda: self._api.nodes()))[:100]]

    def services(self) -> list[ServiceFacts]:
        return [service_facts(row) for row in self.services_listed()[:200]]

    def services_listed(self) -> list[dict[str, Any]]:
        return as_list(self._ask(("services",), lambda: self._api.services()))

    def tasks(self) -> list[TaskFacts]:
        """Of every service, the oldest first."""
        rows = as_list(self._ask(("tasks",), lambda: self._api.tasks()))[:2000]
        return [task_facts(row) for row in sorted(rows, key=lambda row: str(row.get("CreatedAt")))]

    def file(self, path: str, *, within: ContainerFacts | ImageFacts | VolumeFacts | None = None) -> tuple[FileFacts | None, list[str]]:
        """A file of the sandbox, or of what it holds, if it is there; and the names beside it. Changes nothing."""
        layers: list[str] = []
        match within:
            case None:
                root = "/"
            case VolumeFacts():
                root = within.folder
            case ContainerFacts(pid=pid) if pid:
                root = f"/proc/{pid}/root"
            case _:
                root, layers = "", within.folders
        if not root and not layers:
            raise CannotObserve("este motor no deja ver los ficheros de una imagen")
        _code, output = self.run(probes.look(root, path, layers))
        return probes.looked(output)

    def in_layers(self, image: ImageFacts, paths: list[str], *, over: list[str]) -> list[str]:
        """Which of the paths are a file, or a folder with one, in some layer of the image over those of its base."""
        folders = image.folders[: len(image.layers) - len(over)]
        if not image.folders or len(image.folders) != len(image.layers):
            raise CannotObserve("este motor no deja ver las capas de una imagen")
        code, output = self.run(probes.within([f"{folder}/{path.strip('/')}" for path in paths for folder in folders]))
        found = output.decode(errors="replace").splitlines()
        if code or found[-1:] != ["lab"]:
            raise CannotObserve("no se pueden leer las capas de la imagen")
        return [path for path in paths if any(line.endswith(f"/{path.strip('/')}") for line in found)]

    def processes(self, container: ContainerFacts) -> list[ProcessFacts]:
        """A running container's processes, read from /proc: `docker top` depends on cgroups."""
        code, output = self.run(probes.processes(container.pid))
        if code:
            raise CannotObserve("no se pueden ver los procesos del contenedor")
        return probes.processes_seen(output)

    def resolve(self, container: ContainerFacts, name: str) -> list[str]:
        """The addresses that a name has for a running container, by the engine's name server; none on the default network."""
        code, output = self.run(probes.resolve(container.pid, name))
        return output.decode(errors="replace").split()[1:6] if not code and output.startswith(b"lab") else []

    def answers(self, container: ContainerFacts, address: str, port: int) -> bool:
        """Whether a running container gets a connection to an address's TCP port."""
        code, output = self.run(probes.knock(container.pid, address, port))
        if code or output not in (b"lab yes", b"lab no"):
            raise CannotObserve("no se puede mirar en la red del contenedor")
        return output == b"lab yes"

    def listening(self, container: ContainerFacts) -> dict[int, bool]:
        """TCP ports on which a running container listens → whether others can reach them."""
        return probes.listened(self.run(probes.listening(container.pid))[1])

    def _inspect_container(self, id_: str) -> ContainerFacts:
        return container_facts(self._ask(("container", id_), lambda: self._api.inspect_container(id_)))


def _normal(reference: str) -> str:
    return reference if ":" in reference.rsplit("/", 1)[-1] else f"{reference}:latest"
