"""What the gate admits: the platform's verbs on the lab engine, and create bodies that match our template.

A pure function, `refuse`, so that every rule is a line of its test. The raw engine is root on the host in one
call; hence an allowlist, by exact key: Go matches JSON keys in any case and merges duplicates, so a key that
is not exactly one of ours, or comes twice, is refused unless its value is empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"
LABEL_PREFIX = "lab."
SECURITY_OPTIONS = frozenset({"apparmor=unconfined"})
STORAGE_SIZES = frozenset({"1G", "3G", "8G"})
ENGINE_VOLUME = {"Type": "volume", "Target": "/var/lib/docker"}
"""The one mount that may be, and it to the letter: with options the local driver mounts whatever it is told."""
MAX_MEMORY = 8 << 30
MAX_NANO_CPUS = 8 * 10**9
MAX_PIDS = 4096

_READS = re.compile(
    rf"/(_ping|version|info|events|system/df|containers/json|images/json|networks"
    rf"|containers/{NAME}/(json|stats|top|changes|logs)|networks/{NAME}|exec/[0-9a-f]{{64}}/json"
    rf"|images/[a-z0-9/._-]{{1,200}}(:[A-Za-z0-9._-]+)?/json)"
)
_ARCHIVE = re.compile(rf"/containers/{NAME}/archive")
_LIFE = re.compile(rf"/containers/{NAME}/(start|stop|kill|pause|unpause|wait|rename)")
_REMOVALS = re.compile(rf"/(containers/{NAME}|networks/lab-[A-Za-z0-9_.-]+)")
_URI = re.compile(r"/[A-Za-z0-9_][A-Za-z0-9._:/-]*(\?[!$-~]*)?")
"""What the engine and urlsplit read the same way: no escapes, no fragment, no host, nothing invisible."""
_VERSION = re.compile(r"^/v1\.(2[4-9]|[3-9]\d)(?=/)")
"""Below 1.24 a container's start takes a HostConfig that plugins are not shown."""
_SAYS_BY_BEING_EMPTY = frozenset({"maskedpaths", "readonlypaths"})
LAB_NETWORK = r"lab-[A-Za-z0-9_.-]{1,100}"


@dataclass(frozen=True)
class Template:
    """What differs between labs: the images a sandbox may be made from."""

    lab: str
    images: frozenset[str]
    volumes: bool = False
    """Whether the engine of a sandbox keeps its data in a volume (where the lab's disk is no btrfs)."""

    @property
    def checkpoints(self) -> str:
        """The repository of what the platform commits of its sandboxes; a machine may be made from it again."""
        return f"docker-intensivo/checkpoint-{self.lab}"

    def is_checkpoint(self, reference: str) -> bool:
        return re.fullmatch(rf"{self.checkpoints}:[0-9a-f]{{32}}", reference) is not None


class Refused(Exception):
    """Why a request is refused."""


def refuse(method: str, uri: str, body: bytes, template: Template) -> str | None:
    """The reason to refuse a request to the lab engine, or None to admit it.

    `uri` is the request's path and query as it came; `body` what the engine shows its plugins (JSON bodies
    under 1 MiB; others are empty)."""
    try:
        _check(method, uri, body, template)
    except Refused as reason:
        return str(reason)
    except (TypeError, ValueError, AttributeError, RecursionError):
        return "a body of odd types"
    return None


def _check(method: str, uri: str, body: bytes, template: Template) -> None:
    if not _URI.fullmatch(uri):
        raise Refused("odd path")
    parts = urlsplit(uri)
    path = _VERSION.sub("", parts.path)
    if ".." in path or "//" in path:
        raise Refused("odd path")
    query = parse_qs(parts.query, keep_blank_values=True)
    match method:
        case "GET" | "HEAD" if _READS.fullmatch(path) or _ARCHIVE.fullmatch(path):
            return
        case "PUT" if _ARCHIVE.fullmatch(path):
            return
        case "DELETE" if _REMOVALS.fullmatch(path):
            if any(value.lower() not in ("", "0", "false") for value in query.get("link", [])):
                raise Refused("links are not ours")
            return
        case "POST" if _LIFE.fullmatch(path):
            # An old engine takes a HostConfig at start: nothing but an empty body.
            if body.strip() not in (b"", b"{}", b"null"):
                raise Refused("a body where none belongs")
            return
        case "DELETE" if path.startswith("/images/") and template.is_checkpoint(path.removeprefix("/images/")):
            if any(value.lower() not in ("", "0", "false") for value in query.get("force", [])):
                raise Refused("machines may stand on it")
            return
        case "POST" if path == "/commit":
            _check_commit(query, body, template)
        case "POST" if path == "/containers/create":
            _check_create(_decode(body), template)
        case "POST" if re.fullmatch(rf"/containers/{NAME}/update", path):
            _check_limits(_decode(body), {"Memory", "MemorySwap", "NanoCpus", "PidsLimit"})
        case "POST" if re.fullmatch(rf"/containers/{NAME}/exec", path):
            _check_exec(_decode(body))
        case "POST" if re.fullmatch(r"/exec/[0-9a-f]{64}/start", path):
            _only(_decode(body), {"Detach": bool, "Tty": bool})
        case "POST" if re.fullmatch(r"/exec/[0-9a-f]{64}/resize", path):
            return
        case "POST" if path == "/networks/create":
            _check_network(_decode(body), template)
        case "POST" if re.fullmatch(rf"/networks/{LAB_NETWORK}/(connect|disconnect)", path):
            _check_connect(_decode(body))
        case _:
            raise Refused(f"{method} {path} is not one of the platform's verbs")


def _decode(body: bytes) -> dict[str, Any]:
    def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        lowered = [key.casefold() for key, _ in pairs]
        if len(set(lowered)) != len(lowered):
            raise Refused("a key comes twice")
        return dict(pairs)

    try:
        decoded = json.loads(body, object_pairs_hook=no_duplicates)
    except ValueError as error:
        raise Refused("a body that cannot be read") from error
    if not isinstance(decoded, dict):
        raise Refused("a body that is no object")
    return decoded


def _empty(value: object) -> bool:
    return value is None or value is False or value in ("", 0) or value == [] or value == {}


def _only(body: Mapping[str, Any], allowed: Mapping[str, type | tuple[type, ...]]) -> None:
    """Every key that says something is in `allowed`, with a value of its type."""
    for key, value in body.items():
        if _empty(value) and (value is None or key.casefold() not in _SAYS_BY_BEING_EMPTY):
            continue
        if key not in allowed or not isinstance(value, allowed[key]):
            raise Refused(f"{key} is not in the template")


def _check_commit(query: dict[str, list[str]], body: bytes, template: Template) -> None:
    """Of one of the lab's machines, to a checkpoint, as it is: nothing of its configuration may change."""
    if body.strip() not in (b"", b"{}", b"null"):
        raise Refused("a configuration where none belongs")
    said = {key: values for key, values in query.items() if any(values)}
    if not said.keys() <= {"container", "repo", "tag", "pause"} or any(len(values) != 1 for values in said.values()):
        raise Refused("an odd commit")
    if not re.fullmatch(LAB_NETWORK, said.get("container", [""])[0]):
        raise Refused("not one of the lab's machines")
    if not template.is_checkpoint(f"{said.get('repo', [''])[0]}:{said.get('tag', [''])[0]}"):
        raise Refused("not a checkpoint")


def _check_create(body: dict[str, Any], template: Template) -> None:
    _only(
        body,
        {
            "Image": str,
            "Hostname": str,
            "Labels": dict,
            "HostConfig": dict,
            "NetworkingConfig": dict,
            "AttachStdout": bool,
            "AttachStderr": bool,
            "Env": list,
        },
    )
    if body.get("Image") not in template.images and not template.is_checkpoint(str(body.get("Image"))):
        raise Refused("not a sandbox image")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", str(body.get("Hostname", ""))):
        raise Refused("a hostname is due")
    if body.get("Env"):
        raise Refused("sandboxes get no environment")
    _check_labels(body.get("Labels"), template)
    _check_host(body.get("HostConfig") or {}, labels=body.get("Labels") or {}, template=template)
    endpoints = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    _only(body.get("NetworkingConfig") or {}, {"EndpointsConfig": dict})
    for network, endpoint in endpoints.items():
        if not re.fullmatch(LAB_NETWORK, network):
            raise Refused("a network of the lab is due")
        _check_endpoint(endpoint)


def _check_host(host: dict[str, Any], *, labels: dict[str, Any], template: Template) -> None:
    """What of the host a sandbox gets."""
    _only(
        host,
        {
            "CapAdd": list,
            "SecurityOpt": list,
            "StorageOpt": dict,
            "Mounts": list,
            "NetworkMode": str,
            "Memory": int,
            "MemorySwap": int,
            "NanoCpus": int,
            "PidsLimit": int,
            "LogConfig": dict,
            "RestartPolicy": dict,
            "OomScoreAdj": int,
        },
    )
    if host.get("CapAdd") not in (None, [], ["ALL"]):
        raise Refused("capabilities are ALL or none")
    if not set(host.get("SecurityOpt") or ()) <= SECURITY_OPTIONS:
        raise Refused("a security option that is not ours")
    storage = host.get("StorageOpt") or {}
    size = labels.get("lab.disk") if template.volumes else storage.get("size")
    if set(storage) != (set() if template.volumes else {"size"}) or size not in STORAGE_SIZES:
        raise Refused("a disk size is due")
    if (host.get("Mounts") or []) != ([ENGINE_VOLUME] if template.volumes else []):
        raise Refused("not the mounts of a sandbox")
    if not re.fullmatch(LAB_NETWORK, str(host.get("NetworkMode"))):
        raise Refused("a network of the lab is due")
    if host.get("LogConfig") not in (None, {}, {"Type": "none", "Config": {}}, {"Type": "none"}):
        raise Refused("sandboxes keep no log")
    if (host.get("RestartPolicy") or {}).get("Name") not in (None, "", "no"):
        raise Refused("the platform restarts sandboxes itself")
    if int(host.get("OomScoreAdj") or 0) < 0:
        raise Refused("sandboxes die first")
    for key in ("Memory", "MemorySwap", "NanoCpus", "PidsLimit"):
        if not host.get(key):
            raise Refused(f"{key} is due")
    _check_limits({key: host[key] for key in ("Memory", "MemorySwap", "NanoCpus", "PidsLimit") if key in host})


def _check_limits(body: dict[str, Any], allowed: set[str] | None = None) -> None:
    _only(body, dict.fromkeys(allowed or body, int))
    bounds = {"Memory": MAX_MEMORY, "MemorySwap": MAX_MEMORY, "NanoCpus": MAX_NANO_CPUS, "PidsLimit": MAX_PIDS}
    for key, bound in bounds.items():
        value = body.get(key)
        if value is not None and not 0 < value <= bound:
            raise Refused(f"{key} out of bounds")


def _check_labels(labels: object, template: Template) -> None:
    if not isinstance(labels, dict) or labels.get("lab.id") != template.lab:
        raise Refused("the lab's label is due")
    if any(not key.startswith(LABEL_PREFIX) or not isinstance(value, str) for key, value in labels.items()):
        raise Refused("a label that is not ours")


def _check_exec(body: dict[str, Any]) -> None:
    _only(
        body,
        {
            "Cmd": list,
            "AttachStdin": bool,
            "AttachStdout": bool,
            "AttachStderr": bool,
            "Tty": bool,
            "User": str,
            "WorkingDir": str,
            "Env": list,
            "Container": str,
        },
    )
    if not body.get("Cmd"):
        raise Refused("a command is due")


def _check_network(body: dict[str, Any], template: Template) -> None:
    _only(body, {"Name": str, "Driver": str, "CheckDuplicate": bool, "Labels": dict})
    if not re.fullmatch(LAB_NETWORK, str(body.get("Name"))) or body.get("Driver") not in (None, "", "bridge"):
        raise Refused("not a session's network")
    _check_labels(body.get("Labels"), template)


def _check_connect(body: dict[str, Any]) -> None:
    _only(body, {"Container": str, "EndpointConfig": dict, "Force": bool})
    _check_endpoint(body.get("EndpointConfig") or {})


def _check_endpoint(endpoint: object) -> None:
    if endpoint is None:
        return
    if not isinstance(endpoint, dict):
        raise Refused("an endpoint that is no object")
    _only(endpoint, {"Aliases": list})
