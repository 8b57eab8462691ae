"""What a student's engine may say: models of its answers, and how raw JSON becomes them.

Anything that does not fit raises CannotObserve. Refuses to know how the answers were fetched: that is student.py.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

NOT_UNDERSTOOD = "el motor contestó algo que no se entiende"
TOO_MUCH = "el motor contestó con demasiados datos"


class CannotObserve(Exception):
    """The state can't be known; the message, in Spanish, follows «no se pudo comprobar:»."""


class Facts(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class ImageFacts(Facts):
    """One image, as inspected."""

    id: str = Field(alias="Id", pattern=r"^sha256:[0-9a-f]{64}$")
    tags: list[str] = Field(default=[], alias="RepoTags")
    digests: list[str] = Field(default=[], alias="RepoDigests")
    parent: str = Field(default="", alias="Parent")
    comment: str = Field(default="", alias="Comment")
    author: str = Field(default="", alias="Author")
    architecture: str = Field(default="", alias="Architecture")
    size: int = Field(default=0, alias="Size", ge=0)
    """Bytes."""
    layers: list[str] = []
    cmd: list[str] = []
    entrypoint: list[str] = []
    user: str = ""
    env: dict[str, str] = {}
    folder: str = ""
    ports: list[str] = []
    """`80/tcp`."""
    labels: dict[str, str] = {}
    healthcheck: bool = False
    folders: list[str] = []
    """The layers' folders in the sandbox, topmost first; empty if the engine doesn't keep them as overlays."""


class ListedImage(Facts):
    """One image, as `docker images` lists it."""

    id: str = Field(alias="Id", pattern=r"^sha256:[0-9a-f]{64}$")
    tags: list[str] | None = Field(default=None, alias="RepoTags")


class HistoryRow(Facts):
    """One row of `docker history`, newest first."""

    created_by: str = Field(default="", alias="CreatedBy")
    size: int = Field(default=0, alias="Size")
    comment: str = Field(default="", alias="Comment")


class MountFacts(Facts):
    """What a container has mounted at a path."""

    type: str = Field(default="", alias="Type")
    name: str = Field(default="", alias="Name")
    source: str = Field(default="", alias="Source")
    path: str = Field(default="", alias="Destination")
    writable: bool = Field(default=True, alias="RW")

    @property
    def origin(self) -> str:
        """What goes before the colon of `-v`: the volume's name or the folder."""
        return self.name if self.type == "volume" else self.source


class ContainerFacts(Facts):
    """One container, as inspected."""

    id: str = Field(pattern=r"^[0-9a-f]{64}$")
    name: str
    image: str
    """As the student wrote it."""
    image_id: str
    status: str
    exit_code: int
    error: str = ""
    pid: int = Field(default=0, ge=0)
    """Of its first process, in the sandbox; 0 if it does not run."""
    path: str = ""
    args: list[str] = []
    command: list[str] = []
    tty: bool = False
    stdin: bool = False
    """Whether it was kept open, with -i."""
    links: list[str] = []
    """`/target:/this/alias`, as HostConfig keeps them."""
    named: dict[str, list[str]] = {}
    """Network of the student's → `target:alias`: what --link is there, a name of that network's."""
    addresses: dict[str, str] = {}
    """Network → IPv4 address."""
    restart: str = ""
    """`no`, `always`, `unless-stopped`, `on-failure` or `on-failure:3`."""
    ports: dict[str, list[str]] = {}
    """`80/tcp` → ports of the sandbox."""
    env: dict[str, str] = {}
    labels: dict[str, str] = {}
    user: str = ""
    memory: int = 0
    """Bytes; 0 is no limit."""
    cpus: float = 0.0
    processes: int = 0
    """The most there may be; 0 is no limit."""
    mounts: list[MountFacts] = []
    health: str = ""
    created: str = ""
    folders: list[str] = []


class VolumeFacts(Facts):
    name: str = Field(alias="Name")
    driver: str = Field(default="", alias="Driver")
    folder: str = Field(default="", alias="Mountpoint")


class NetworkFacts(Facts):
    name: str = Field(alias="Name")
    id: str = Field(alias="Id")
    driver: str = Field(default="", alias="Driver")
    internal: bool = Field(default=False, alias="Internal")


class FileFacts(Facts):
    """One file of the sandbox, a container, an image or a volume."""

    kind: str
    """file, dir or other."""
    mode: int
    uid: int
    owner: str
    """By its passwd; the number if it has no name there."""
    modified: int
    """Milliseconds since 1970."""
    size: int
    text: str
    """The beginning."""


class ProcessFacts(Facts):
    """One process of a container, numbered as inside it."""

    pid: int
    uid: int
    owner: str
    words: list[str]


def image_facts(raw: Any) -> ImageFacts:
    config = get(raw, "Config") or {}
    return parse(
        TypeAdapter(ImageFacts),
        {
            **as_object(raw),
            "RepoTags": get(raw, "RepoTags") or [],
            "RepoDigests": get(raw, "RepoDigests") or [],
            "layers": get(get(raw, "RootFS") or {}, "Layers") or [],
            "cmd": get(config, "Cmd") or [],
            "entrypoint": get(config, "Entrypoint") or [],
            "user": get(config, "User") or "",
            "env": _env(get(config, "Env")),
            "folder": get(config, "WorkingDir") or "",
            "ports": list(as_object(get(config, "ExposedPorts") or {})),
            "labels": get(config, "Labels") or {},
            "healthcheck": (get(get(config, "Healthcheck") or {}, "Test") or ["NONE"]) != ["NONE"],
            "folders": _folders(raw),
        },
    )


def container_facts(raw: Any) -> ContainerFacts:
    config, state, host = get(raw, "Config") or {}, get(raw, "State") or {}, get(raw, "HostConfig") or {}
    settings = get(raw, "NetworkSettings") or {}
    networks = as_object(get(settings, "Networks") or {})
    restart = get(host, "RestartPolicy") or {}
    retries = get(restart, "MaximumRetryCount")
    return parse(
        TypeAdapter(ContainerFacts),
        {
            "id": get(raw, "Id"),
            "name": str(get(raw, "Name") or "").lstrip("/"),
            "image": get(config, "Image"),
            "image_id": get(raw, "Image"),
            "status": get(state, "Status"),
            "exit_code": get(state, "ExitCode"),
            "error": get(state, "Error") or "",
            "pid": get(state, "Pid") or 0,
            "path": get(raw, "Path") or "",
            "args": get(raw, "Args") or [],
            "command": get(config, "Cmd") or [],
            "tty": bool(get(config, "Tty")),
            "stdin": bool(get(config, "OpenStdin")),
            "links": get(host, "Links") or [],
            "named": {name: links for name, network in networks.items() if (links := get(network, "Links"))},
            "addresses": {name: get(network, "IPAddress") or "" for name, network in networks.items()},
            "restart": f"{get(restart, 'Name') or 'no'}:{retries}" if retries else get(restart, "Name") or "no",
            "ports": _ports(get(host, "PortBindings"), get(settings, "Ports")),
            "env": _env(get(config, "Env")),
            "labels": get(config, "Labels") or {},
            "user": get(config, "User") or "",
            "memory": get(host, "Memory") or 0,
            "cpus": (get(host, "NanoCpus") or 0) / 1e9,
            "processes": max(get(host, "PidsLimit") or 0, 0),
            "mounts": get(raw, "Mounts") or [],
            "health": get(get(state, "Health") or {}, "Status") or "",
            "created": get(raw, "Created") or "",
            "folders": _folders(raw),
        },
    )


def _env(raw: Any) -> dict[str, str]:
    if not isinstance(raw or [], list):
        raise CannotObserve(NOT_UNDERSTOOD)
    pairs = (str(entry).partition("=") for entry in raw or [])
    return {name: value for name, _equals, value in pairs}


def _ports(asked: Any, given: Any) -> dict[str, list[str]]:
    """`80/tcp` → host ports: those asked for, and those the engine chose for want of one."""
    found: dict[str, list[str]] = {}
    for table in (as_object(asked or {}), as_object(given or {})):
        for port, bindings in table.items():
            for binding in as_list(bindings or []):
                host = str(binding.get("HostPort") or "")
                if host not in found.setdefault(port, []) and host:
                    found[port].append(host)
    return found


def _folders(raw: Any) -> list[str]:
    driver = get(raw, "GraphDriver") or {}
    data = get(driver, "Data") or {}
    if get(driver, "Name") != "overlay2":
        return []
    upper, lower = str(get(data, "UpperDir") or ""), str(get(data, "LowerDir") or "")
    return [folder for folder in [upper, *lower.split(":")] if folder]


def parse[T](adapter: TypeAdapter[T], raw: Any) -> T:
    try:
        return adapter.validate_python(raw)
    except ValidationError as error:
        raise CannotObserve(NOT_UNDERSTOOD) from error


def get(raw: Any, key: str) -> Any:
    return as_object(raw).get(key)


def as_object(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise CannotObserve(NOT_UNDERSTOOD)
    return raw


def as_list(raw: Any) -> list[dict[str, Any]]:
    if not isinstance(raw, list) or not all(isinstance(row, dict) for row in raw):
        raise CannotObserve(NOT_UNDERSTOOD)
    return raw
