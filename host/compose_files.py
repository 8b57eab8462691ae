"""What the containers of Compose are told: their settings, their secrets, and what docker-compose.yml asks for.

    STATE/<name>/compose/site.env   LAB_* of web, worker and tokens; nothing secret
    STATE/<name>/compose/…          one file per secret, readable by the lab's group, which the containers run as
    STATE/<name>/compose/seccomp-*  which system calls they may make
    .env (in the project)           paths, addresses and ids; nothing secret

Settings come from the same four sources as `make run`'s (host/environment.py). What is secret in them goes into its file.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from host import accounts, certificate, environment, images, seccomp
from host.instance import ROOT, STATE, HostError, Instance

SECRETS = {name: name.removeprefix("LAB_").lower() for name in environment.SECRETS}
"""Setting → its file."""
TLS = ("tls.crt", "tls.key")
OURS = frozenset({"LAB_TLS_CERT", "LAB_TLS_KEY", "LAB_BIND", "LAB_COURSE_DIR"})
"""Settings that mean something on the host, and are handed to containers in another way."""


def dot_env(lab: Instance) -> Path:
    """The project's `.env`, for a lab of the usual name: then `docker compose` finds it by itself."""
    return ROOT / ".env" if lab.name == "lab" else lab.compose / "compose.env"


def settings(lab: Instance) -> dict[str, str]:
    """The site's settings as containers see them; who configures them may name another database, Redis or engine."""
    inside = {
        "LAB_BIND": "127.0.0.1:8443",
        "LAB_DATABASE_URL": "postgres://lab@db:5432/lab",
        "LAB_REDIS_URL": "redis://redis:6379/0",
        "LAB_ENGINE_URL": "unix:///run/lab/engine.sock",
        "LAB_EGRESS_SOCKET": "/run/lab/egress.sock",
        "LAB_ENDINGS_DIR": "/run/lab/endings",
        "LAB_CA_CERT": "/etc/laboratorio/ca.crt",
        "LAB_REGISTRY_KEYS": "",
        "LAB_REGISTRY_STORE": "/srv/registro",
        "LAB_RECORDINGS_DIR": "/srv/grabaciones",
        "LAB_DEMO_ACCOUNTS": "false",
    }
    lab.home.mkdir(parents=True, exist_ok=True)
    found = environment.gather(lab, **inside)
    if found["LAB_URL"].startswith("http://"):
        raise HostError(f"LAB_URL es «{found['LAB_URL']}» y a este sitio se entra siempre con https://.")
    try:
        ipaddress.ip_address(found["LAB_BIND"].rpartition(":")[0].strip("[]"))
    except ValueError as error:
        raise HostError(
            f"LAB_BIND es «{found['LAB_BIND']}» y Docker publica en direcciones, no en nombres: por ejemplo, 0.0.0.0:443."
        ) from error
    return found


def written(lab: Instance) -> dict[Path, str]:
    """What a start writes down, as it is now: for `put_back` after one that failed."""
    files = (environment.given(lab), dot_env(lab), *(lab.compose.iterdir() if lab.compose.exists() else ()))
    return {path: path.read_text() for path in files if path.is_file()}


def put_back(lab: Instance, before: Mapping[Path, str]) -> None:
    """The next start has not to find a password, or an address, that was wrong. What is new stays: data may be sealed with it.

    Nothing comes back of a site that somebody has removed meanwhile."""
    for path, text in before.items() if lab.compose.exists() else ():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def write_secrets(lab: Instance, found: dict[str, str]) -> None:
    """Write them, keeping those that there are; raises HostError for a certificate that can't be read."""
    accounts.ensure()
    lab.compose.mkdir(exist_ok=True)
    lab.compose.chmod(0o750)
    os.chown(lab.compose, 0, accounts.ids()[1])
    for name, file in SECRETS.items():
        _write_secret(lab.compose / file, found.get(name, ""))
    _write_certificate(lab, found)


def write(lab: Instance, found: dict[str, str], *, base: str) -> None:
    """Write what is not secret; raises HostError for what can't be written down."""
    course = Path(found.get("LAB_COURSE_DIR", "") or ROOT / "lessons" / "content" / "docker-intensivo")
    told = {name: value for name, value in found.items() if name not in SECRETS and name not in OURS}
    if found.get("LAB_COURSE_DIR"):
        told["LAB_COURSE_DIR"] = f"/srv/curso/{course.name}"
    for old in lab.compose.glob("seccomp-*.json"):
        old.unlink()
    profile, text = _seccomp(lab)
    profile.write_text(text)
    _write_lines(lab.compose / "site.env", told)
    _write_lines(dot_env(lab), _wanted(lab, found, base=base, course=course))


def _wanted(lab: Instance, found: dict[str, str], *, base: str, course: Path) -> dict[str, str]:
    uid, gid = accounts.ids()
    ports = re.fullmatch(r".+:(\d+-\d+)", found.get("LAB_PREVIEW", ""))
    return {
        "COMPOSE_PROJECT_NAME": f"docker-intensivo-{lab.name}",
        "COMPOSE_PROFILES": "puertos" if ports else "",
        "LAB_BASE_IMAGE": base,
        "LAB_BIND": found["LAB_BIND"],
        "LAB_CA": str(STATE / "ca" / "ca.crt"),
        "LAB_COMPOSE_NET": lab.compose_net,
        "LAB_COURSE_NAME": course.name,
        "LAB_COURSE_SOURCE": str(course),
        "LAB_GATE": str(lab.gate_folder),
        "LAB_GID": str(gid),
        "LAB_HOST_ADDRESS": lab.host_address,
        "LAB_MIRROR_DATA": str(images.mirror()),
        "LAB_PREVIEW_BIND": found["LAB_BIND"].rpartition(":")[0],
        "LAB_PREVIEW_PORTS": ports[1] if ports else "8100-8139",
        "LAB_REGISTRY_DATA": str(lab.registry_store),
        "LAB_REGISTRY_SECRETS": str(lab.home / "registry"),
        "LAB_SECCOMP": str(_seccomp(lab)[0]),
        "LAB_SECRETS": str(lab.compose),
        "LAB_SECRETS_VERSION": _version(lab, SECRETS.values()),
        "LAB_SITE_ENV": str(lab.compose / "site.env"),
        "LAB_SUBNET_OCTET": lab.subnet_octet,
        "LAB_TLS_VERSION": _version(lab, TLS),
        "LAB_TRANSFER_MAX": found.get("LAB_TRANSFER_MAX", "32"),
        "LAB_UID": str(uid),
        "LAB_VERSION": lab.name,
        "LAB_WORKERS": os.environ.get("LAB_WORKERS", "4"),
    }


def _write_secret(path: Path, given: str) -> None:
    """Keep what there is, unless another is given; make one up at first."""
    _write(path, given or (path.read_text() if path.exists() else secrets.token_urlsafe(32)))


def _write_certificate(lab: Instance, found: dict[str, str]) -> None:
    """The operator's certificate, or one of the lab's own authority for the names that people come by."""
    if found.get("LAB_TLS_CERT"):
        for name, file in (("LAB_TLS_CERT", "tls.crt"), ("LAB_TLS_KEY", "tls.key")):
            _write(lab.compose / file, environment.read_text(Path(found.get(name, "")), name))
        return
    origins = [found["LAB_URL"], *found.get("LAB_ALLOWED_ORIGINS", "").split(",")]
    preview = re.fullmatch(r"(\*\.[^:]+)(?::\d+)?|(.+):\d+-\d+", found.get("LAB_PREVIEW", "") or "*.localhost")
    origins += [f"https://{name}" for name in (preview.groups() if preview else ()) if name]
    names = sorted({urlsplit(origin.strip()).hostname or "" for origin in origins} - {""} | {"localhost", "127.0.0.1"})
    remembered = lab.compose / "tls.names"
    if remembered.exists() and remembered.read_text().split() == names and (lab.compose / "tls.key").exists():
        return
    draft = lab.compose / "tls"
    certificate.issue(names, draft)
    for file, target in (("server.crt", "tls.crt"), ("server.key", "tls.key")):
        _write(lab.compose / target, (draft / file).read_text())
        (draft / file).unlink()
    draft.rmdir()
    remembered.write_text("\n".join(names) + "\n")


def _seccomp(lab: Instance) -> tuple[Path, str]:
    """The profile's file and what it says. Another name when it says anything else: Compose does not look into it."""
    text = json.dumps(seccomp.confined())
    return lab.compose / f"seccomp-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json", text


def _version(lab: Instance, files: Iterable[str]) -> str:
    """Another when one of these is: Compose does not look into them, and would leave who has read the old one."""
    return str(max((path.stat().st_mtime_ns for path in (lab.compose / file for file in files) if path.exists()), default=0))


def _write(path: Path, text: str) -> None:
    """In place, for containers hold the file itself; what says the same already is left as it is, but for who may read it."""
    if not path.exists():
        path.touch(mode=0o640)
    os.chown(path, 0, accounts.ids()[1])
    path.chmod(0o640)
    if path.read_text() != text:
        path.write_text(text)


def _write_lines(path: Path, values: dict[str, str]) -> None:
    """NAME='value': nothing in it is expanded."""
    for name, value in values.items():
        if "'" in value or "\n" in value:
            raise HostError(f"{name} no puede llevar comillas simples ni saltos de línea.")
    path.write_text("# Lo escribe «make compose-up»; los cambios se pierden. Nada de aquí es secreto.\n")
    with path.open("a") as lines:
        lines.writelines(f"{name}='{value}'\n" for name, value in sorted(values.items()))
