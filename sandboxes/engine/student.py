"""A grader's view of a student's machine: its engine, asked by docker-py, and commands, all by the one way of inside.py.

The engine belongs to the student, who may forge, hang or flood it. Everything it says is checked against a
model, has a deadline and a budget of bytes, and ends in CannotObserve rather than in a guess.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException, NotFound
from pydantic import TypeAdapter

from sandboxes.engine import EngineError, ExecResult, LabEngine, probes
from sandboxes.engine.events import EventFacts, parse_event, unsettled
from sandboxes.engine.facts import (
    NOT_UNDERSTOOD,
    TOO_MUCH,
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
from sandboxes.engine.inside import Budget, Inside
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
from sandboxes.engine.tunnel import TunnelAdapter

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

BYTE_BUDGET = 16 << 20
"""What one check run may read from a student's engine, in all."""
VALUES = 200_000
"""Values of one answer."""
SETTLES = 0.5
"""Seconds in which an engine tells that a container has ended that it said was stopped."""
_BASE = "http://student:80"
_ABSENT = object()


@dataclass(frozen=True)
class Past:
    """What is known of an engine's past by others than itself: the collector (sandboxes/events/)."""

    since: int = 0
    """When it was handed over, in nanoseconds since 1970: what happened before was not the student's doing."""
    events: tuple[EventFacts, ...] = ()
    cut: bool = False
    """Whether there were more of them once."""


class _Api(docker.APIClient):
    def _result(self, response: requests.Response, json: bool = False, binary: bool = False) -> Any:
        """As docker-py, but for JSON of more values than any engine has to tell: each takes a hundred times its bytes in memory."""
        if json and response.content.count(b",") > VALUES:
            raise CannotObserve(TOO_MUCH)
        return super()._result(response, json, binary)  # type: ignore[misc]  # docker's stubs leave it out

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere: the engine may say that its answer is at another address, of this host's say."""


class StudentEngine:
    """One check run's connection; a context manager, for several threads. Answers are remembered: each question is asked once."""

    def __init__(
        self, lab: LabEngine, container: str, *, seconds: float, past: Callable[[], Past] = Past, missed: Callable[[], list[str]] = list
    ) -> None:
        """`past` and `missed` (images that the machine asked the mirror for in vain) are asked for only where they are wanted."""
        self._budget = Budget(BYTE_BUDGET, time.monotonic() + seconds)
        self._inside = Inside(lab, container, self._budget)
        self._past, self.missed = cache(past), cache(missed)
        self._known: dict[tuple[str, ...], Any] = {}
        self._asking: dict[tuple[str, ...], threading.Lock] = {}

    def __enter__(self) -> StudentEngine:
        self._api: Any = _Api(_BASE, version="1.41", timeout=20)
        self._api.trust_env = False  # neither proxies nor .netrc, which it would look for at each question
        self._api.adapters.clear()  # the way in is the only one there is
        self._api.mount(_BASE, TunnelAdapter(self._inside, self._budget))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._api.close()
        self._inside.close()

    def tags(self) -> dict[str, str]:
        """Every tag → the id of its image: one question, for what does not need to be certain."""
        rows = as_list(self._ask(("images",), lambda: self._api.images()))
        if len(rows) > 500:
            raise CannotObserve("hay demasiadas imágenes en el motor")
        found = parse(TypeAdapter(list[ListedImage]), rows)
        return {tag: image.id for image in found for tag in image.tags or [] if tag != "<none>:<none>"}

    def image(self, reference: str) -> ImageFacts | None:
        """The image of that name, or None. Answers that contradict the name are not believed."""
        raw = self._ask(("image", reference), lambda: self._if_there(lambda: self._api.inspect_image(reference)))
        found = image_facts(raw) if raw is not _ABSENT else None
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
        if unsettled(told):
            time.sleep(SETTLES)  # it ends a moment after `docker stop` has been answered
            told = self._told(again=True)
        known = {(event.nano, event.kind, event.action, event.actor): event for event in (*told, *past.events)}
        return sorted(known.values(), key=lambda event: event.nano)

    def _told(self, *, again: bool = False) -> list[EventFacts]:
        since, until = self._past().since, time.time_ns()
        query = {name: f"{nano // 10**9}.{nano % 10**9:09d}" for name, nano in (("since", since), ("until", until))}
        answer = self._ask(("events", str(again)), lambda: self._api.get(f"{_BASE}/v1.41/events", params=query))
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

    def run(self, argv: list[str], *, user: str = "root", seconds: float = 20) -> tuple[int, bytes]:
        """Run a command in the sandbox itself: exit code (124 if it took too long) and output, both streams."""
        # su takes two seconds to end its shell; killed before, it would hide that time was up.
        limit = ["timeout", "-k", "4", f"{seconds:.0f}", *argv]
        done: ExecResult = self._ask(("run", user, *argv), lambda: self._inside.run(limit, user=user, seconds=seconds + 6))
        return done.code, done.output

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

    def _if_there(self, question: Any) -> Any:
        try:
            return question()
        except NotFound:
            return _ABSENT

    def _ask(self, key: tuple[str, ...], question: Any) -> Any:
        with self._asking.setdefault(key, threading.Lock()):
            if key not in self._known:
                try:
                    with _untrusted():
                        self._known[key] = question()
                except CannotObserve as error:
                    self._known[key] = error  # who hangs is not waited for again
            found = self._known[key]
            if isinstance(found, CannotObserve):
                raise CannotObserve(str(found))
            return found


@contextmanager
def _untrusted() -> Iterator[None]:
    try:
        yield
    except CannotObserve:
        raise
    except requests.JSONDecodeError as error:
        raise CannotObserve(NOT_UNDERSTOOD) from error
    except NotFound:
        raise CannotObserve("algo cambió en el motor mientras se comprobaba; vuelve a intentarlo") from None
    except APIError as error:
        raise CannotObserve(f"el motor contestó con un error: {str(error.explanation or error)[:200]}") from error
    except (EngineError, DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise CannotObserve("tu motor de Docker no contesta; mira si está en marcha") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, json.JSONDecodeError) as error:
        raise CannotObserve(NOT_UNDERSTOOD) from error


def _normal(reference: str) -> str:
    return reference if ":" in reference.rsplit("/", 1)[-1] else f"{reference}:latest"
