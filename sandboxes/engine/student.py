"""A grader's view of a student's engine: docker-py through `docker system dial-stdio`, run inside the sandbox.

The engine belongs to the student, who may forge, hang or flood it. Everything it says is checked against a
model, has a deadline and a budget of bytes, and ends in CannotObserve rather than in a guess.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, cast

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException, NotFound
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sandboxes.engine import EngineError, LabEngine
from sandboxes.engine.tunnel import BYTE_BUDGET, Budget, CannotObserve, TunnelAdapter

__all__ = ["CannotObserve", "ContainerFacts", "HistoryRow", "ImageFacts", "Nodes", "StudentEngine"]
_BASE = "http://student:80"


class _Facts(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class ImageFacts(_Facts):
    """One image, as inspected."""

    id: str = Field(alias="Id", pattern=r"^sha256:[0-9a-f]{64}$")
    tags: list[str] = Field(default=[], alias="RepoTags")
    digests: list[str] = Field(default=[], alias="RepoDigests")
    parent: str = Field(default="", alias="Parent")
    comment: str = Field(default="", alias="Comment")
    size: int = Field(default=0, alias="Size", ge=0)
    layers: list[str] = []
    cmd: list[str] = []
    entrypoint: list[str] = []
    user: str = ""


class HistoryRow(_Facts):
    """One row of `docker history`, newest first."""

    created_by: str = Field(default="", alias="CreatedBy")
    size: int = Field(default=0, alias="Size")
    comment: str = Field(default="", alias="Comment")


class ContainerFacts(_Facts):
    """One container, as inspected."""

    id: str = Field(pattern=r"^[0-9a-f]{64}$")
    name: str
    image: str
    """As the student wrote it."""
    image_id: str
    status: str
    exit_code: int
    error: str = ""
    path: str = ""
    args: list[str] = []
    command: list[str] = []
    tty: bool = False
    links: list[str] = []
    """`/target:/this/alias`, as HostConfig keeps them."""
    addresses: dict[str, str] = {}
    """Network → IPv4 address."""


class StudentEngine:
    """One check run's connection; a context manager. Answers are remembered: each question is asked once."""

    def __init__(self, lab: LabEngine, container: str, *, seconds: float) -> None:
        self._lab = lab
        self._container = container
        self._deadline = time.monotonic() + seconds
        self._budget = Budget(BYTE_BUDGET, self._deadline)
        self._known: dict[tuple[str, ...], Any] = {}

    def __enter__(self) -> StudentEngine:
        self._api: Any = docker.APIClient(_BASE, version="1.41", timeout=20)
        self._api.mount(_BASE, TunnelAdapter(self._lab, self._container, self._budget))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._api.close()

    def images(self) -> list[ImageFacts]:
        """Every tagged image."""
        rows = self._ask(("images",), lambda: self._api.images())
        ids = [row["Id"] for row in _as_list(rows)]
        if len(ids) > 500:
            raise CannotObserve("hay demasiadas imágenes en el motor")
        return [self._inspect_image(id_) for id_ in dict.fromkeys(ids)]

    def image(self, reference: str) -> ImageFacts | None:
        """The image of that name, or None. Answers that contradict the name are not believed."""
        found = (
            self._inspect_image(reference)
            if self._ask(("has", reference), lambda: self._found(lambda: self._api.inspect_image(reference)))
            else None
        )
        if found and _normal(reference) not in [_normal(tag) for tag in found.tags] and not reference.startswith("sha256:"):
            raise CannotObserve(f"el motor dice dos cosas distintas de la imagen {reference}")
        return found

    def history(self, reference: str) -> list[HistoryRow]:
        rows = self._ask(("history", reference), lambda: self._api.history(reference))
        return _parse(TypeAdapter(list[HistoryRow]), rows)

    def containers(self) -> list[ContainerFacts]:
        """Every container, stopped ones too, oldest first."""
        rows = _as_list(self._ask(("containers",), lambda: self._api.containers(all=True)))
        if len(rows) > 500:
            raise CannotObserve("hay demasiados contenedores en el motor")
        facts = [self._inspect_container(str(row.get("Id"))) for row in reversed(rows)]
        for row, fact in zip(reversed(rows), facts, strict=True):
            if fact.id != row.get("Id") or f"/{fact.name}" not in (row.get("Names") or []):
                raise CannotObserve("el motor se contradice sobre sus contenedores")
        return facts

    def container(self, name: str) -> ContainerFacts | None:
        return next((found for found in self.containers() if found.name == name), None)

    def logs(self, container: ContainerFacts, *, lines: int = 200) -> str:
        """The end of a container's output, at most 64 KiB."""
        said = self._ask(("logs", container.id), lambda: self._api.logs(container.id, tail=lines))
        if not isinstance(said, bytes):
            raise CannotObserve("el motor no entrega los registros")
        return said[-65536:].decode(errors="replace")

    def run_in(self, container: ContainerFacts, argv: list[str]) -> tuple[int, str]:
        """Run a command in one of the student's containers: exit code and output. For probes that change nothing."""

        # By the sandbox's own client: docker-py would lose the first bytes of a hijacked stream.
        def run() -> tuple[int, str]:
            done = self._lab.run(self._container, ["docker", "exec", container.id, *argv], seconds=self._budget.seconds())
            return done.code, done.output[:65536].decode(errors="replace")

        return cast("tuple[int, str]", self._ask(("run", container.id, *argv), run))

    def _inspect_image(self, reference: str) -> ImageFacts:
        raw = self._ask(("image", reference), lambda: self._api.inspect_image(reference))
        config = _get(raw, "Config") or {}
        return _parse(
            TypeAdapter(ImageFacts),
            {
                **_as_object(raw),
                "RepoTags": _get(raw, "RepoTags") or [],
                "RepoDigests": _get(raw, "RepoDigests") or [],
                "layers": _get(_get(raw, "RootFS") or {}, "Layers") or [],
                "cmd": _get(config, "Cmd") or [],
                "entrypoint": _get(config, "Entrypoint") or [],
                "user": _get(config, "User") or "",
            },
        )

    def _inspect_container(self, id_: str) -> ContainerFacts:
        raw = self._ask(("container", id_), lambda: self._api.inspect_container(id_))
        config, state, host = _get(raw, "Config") or {}, _get(raw, "State") or {}, _get(raw, "HostConfig") or {}
        networks = _as_object(_get(_get(raw, "NetworkSettings") or {}, "Networks") or {})
        return _parse(
            TypeAdapter(ContainerFacts),
            {
                "id": _get(raw, "Id"),
                "name": str(_get(raw, "Name") or "").lstrip("/"),
                "image": _get(config, "Image"),
                "image_id": _get(raw, "Image"),
                "status": _get(state, "Status"),
                "exit_code": _get(state, "ExitCode"),
                "error": _get(state, "Error") or "",
                "path": _get(raw, "Path") or "",
                "args": _get(raw, "Args") or [],
                "command": _get(config, "Cmd") or [],
                "tty": bool(_get(config, "Tty")),
                "links": _get(host, "Links") or [],
                "addresses": {name: _get(network, "IPAddress") or "" for name, network in networks.items()},
            },
        )

    def _found(self, ask: Any) -> bool:
        try:
            ask()
        except NotFound:
            return False
        return True

    def _ask(self, key: tuple[str, ...], question: Any) -> Any:
        if key not in self._known:
            with _untrusted():
                self._known[key] = question()
        return self._known[key]


class Nodes:
    """The engines of a sandbox's nodes, each opened when it is first asked for; a context manager."""

    def __init__(self, lab: LabEngine, containers: Mapping[str, str], *, seconds: float) -> None:
        """`containers`: node → container name, the first node first."""
        self._lab, self._seconds = lab, seconds
        self._containers = dict(containers)
        self._engines: dict[str, StudentEngine] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Nodes:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def engine(self, node: str = "") -> StudentEngine:
        node = node or next(iter(self._containers))
        if node not in self._containers:
            raise CannotObserve(f"el laboratorio no tiene ningún nodo «{node}»")
        if node not in self._engines:
            self._engines[node] = self._stack.enter_context(StudentEngine(self._lab, self._containers[node], seconds=self._seconds))
        return self._engines[node]


@contextmanager
def _untrusted() -> Iterator[None]:
    try:
        yield
    except CannotObserve:
        raise
    except requests.JSONDecodeError as error:
        raise CannotObserve("el motor contestó algo que no se entiende") from error
    except NotFound:
        raise CannotObserve("algo cambió en el motor mientras se comprobaba; vuelve a intentarlo") from None
    except APIError as error:
        raise CannotObserve(f"el motor contestó con un error: {str(error.explanation or error)[:200]}") from error
    except (EngineError, DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise CannotObserve("tu motor de Docker no contesta; ¿está en marcha?") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, json.JSONDecodeError) as error:
        raise CannotObserve("el motor contestó algo que no se entiende") from error


def _parse[T](adapter: TypeAdapter[T], raw: Any) -> T:
    try:
        return adapter.validate_python(raw)
    except ValidationError as error:
        raise CannotObserve("el motor contestó algo que no se entiende") from error


def _get(raw: Any, key: str) -> Any:
    return _as_object(raw).get(key)


def _as_object(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise CannotObserve("el motor contestó algo que no se entiende")
    return raw


def _as_list(raw: Any) -> list[dict[str, Any]]:
    if not isinstance(raw, list) or not all(isinstance(row, dict) for row in raw):
        raise CannotObserve("el motor contestó algo que no se entiende")
    return raw


def _normal(reference: str) -> str:
    return reference if ":" in reference.rsplit("/", 1)[-1] else f"{reference}:latest"
