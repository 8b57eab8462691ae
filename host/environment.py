"""The settings a lab's web and worker start with, written to its env file.

Four sources, the later wins: what follows from where the lab lives, secrets made at first run,
/etc/docker-intensivo/<name>.env, and LAB_* variables of whoever runs it.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

from host import accounts, images, seed, storage
from host.instance import STATE, HostError, Instance
from host.shell import reason

HOST_ONLY = frozenset(
    {
        "LAB_STATE",
        "LAB_SUBNET_OCTET",
        "LAB_DISK",
        "LAB_REGISTRY_DISK",
        "LAB_BASE_IMAGE",
        "LAB_MIN_DISK_MB",
        "LAB_ENV_FILE",
        "LAB_WORKERS",
        "LAB_INTERNET_DNS",
        "LAB_ADMIN",
    }
)
"""Variables of the host scripts, which Django's settings do not know."""
SECRETS = ("LAB_SECRET_KEY", "LAB_DATABASE_PASSWORD", "LAB_REDIS_PASSWORD")
HEEDED = ("DOCKER_HOST", "BUNDLE")
"""Variables that `make compose-up` heeds, besides its own."""


def write(lab: Instance) -> dict[str, str]:
    """Write the env file (mode 0640, readable by the lab's user) and return what it holds."""
    settings = gather(lab)
    lab.env_file.touch(mode=0o640)
    os.chown(lab.env_file, 0, accounts.ids()[1])
    lab.env_file.write_text("".join(f"{name}={value}\n" for name, value in sorted(settings.items())))
    return settings


def gather(lab: Instance, **ours: str) -> dict[str, str]:
    """The settings from their four sources; `ours` are more of the first, that follow from where the lab lives."""
    settings = {
        "LAB_BIND": "127.0.0.1:8000",
        "LAB_DATABASE_URL": f"sqlite:///{lab.data}/lab.sqlite3",
        "LAB_REDIS_URL": f"unix://{lab.redis}",
        "LAB_ENGINE_URL": f"unix://{lab.socket}",
        "LAB_RECORDINGS_DIR": str(lab.data / "recordings"),
        "LAB_EGRESS_SOCKET": str(lab.egress_socket),
        "LAB_SANDBOX_IMAGE": images.sandbox_reference(),
        "LAB_SEEDED_IMAGE": seed.reference() if storage.kind(lab) is storage.Kind.BTRFS else images.sandbox_reference(),
        "LAB_CA_CERT": str(STATE / "ca" / "ca.crt"),
        "LAB_REGISTRY_KEYS": str(lab.home / "registry"),
        "LAB_REGISTRY_STORE": str(lab.registry_store),
        "LAB_MIRROR_LOG": str(lab.logs / "mirror.log"),
        "LAB_ENDINGS_DIR": str(lab.run / "endings"),
        **ours,
        **_secrets(lab),
        **_given(lab),
        "LAB_NAME": lab.name,
    }
    if not re.fullmatch(r".+:\d{1,5}", settings["LAB_BIND"]):
        raise HostError(f"LAB_BIND es «{settings['LAB_BIND']}» y debe ser DIRECCIÓN:PUERTO, como 0.0.0.0:8000.")
    settings["LAB_STORAGE"] = storage.kind(lab)  # the disk that is there decides
    settings.setdefault("LAB_URL", _url(settings, tls=lab.composed))
    return settings


def _given(lab: Instance) -> dict[str, str]:
    """What who configures the site says, with what is in the files of LAB_X_FILE: containers are told their own."""
    found = {
        **read(file(lab)),
        **{name: value for name, value in os.environ.items() if name.startswith("LAB_") and name not in HOST_ONLY},
    }
    for name in [each for each in found if each.endswith("_FILE")]:
        path, base = found.pop(name), name.removesuffix("_FILE")
        if path and base in found:
            raise HostError(f"{base} y {name} dicen lo mismo: quita uno.")
        if path:
            found[base] = read_text(Path(path), name).rstrip("\n")
    return found


def read_text(path: Path, what: str) -> str:
    """A file of who configures the site; raises HostError, that says `what` it is, where it can't be read."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = reason(error) if isinstance(error, OSError) else "no es texto"
        raise HostError(f"no se puede leer {what} («{path}»): {why}.") from error


def file(lab: Instance) -> Path:
    """What who configures the site writes."""
    return Path("/etc/docker-intensivo") / f"{lab.name}.env"


def read(path: Path) -> dict[str, str]:
    """NAME=value lines; blank lines and comments are skipped."""
    if not path.exists():
        return {}
    settings = {}
    for number, line in enumerate(read_text(path, "la configuración").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise HostError(f"{path}, línea {number}: se espera NOMBRE=valor y pone «{line}».")
        settings[name.strip()] = value.strip().strip("\"'")
    return settings


def enabled(settings: Mapping[str, str], name: str, *, default: str = "false") -> bool:
    """A setting that is yes or no, as the site reads it (pydantic's words)."""
    return settings.get(name, default).lower() in ("1", "true", "t", "yes", "y", "on")


def given(lab: Instance) -> Path:
    """The variables of who last started the site, as systemd reads them too."""
    return lab.home / "systemd.env"


def remember(lab: Instance) -> None:
    """Keep this process's: those with which the machine starts the site, and what stops it for a while starts it again."""
    file = given(lab)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    ours = {name: value for name, value in os.environ.items() if name.startswith("LAB_") or name in HEEDED}
    escaped = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in ours.items()}
    file.write_text("".join(f'{name}="{value}"\n' for name, value in sorted(escaped.items())))


def recall(lab: Instance) -> None:
    """Take them for this process's, but for those that it has been given itself."""
    for word in shlex.split(given(lab).read_text()) if given(lab).exists() else ():
        name, _, value = word.partition("=")
        os.environ.setdefault(name, value)


def _secrets(lab: Instance) -> dict[str, str]:
    path = lab.home / "secrets"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(f"LAB_SECRET_KEY={secrets.token_urlsafe(48)}\n")
    return read(path)


def _url(settings: dict[str, str], *, tls: bool) -> str:
    host, port = settings["LAB_BIND"].rsplit(":", 1)
    scheme = "https" if tls or settings.get("LAB_TLS_CERT") else "http"
    return f"{scheme}://{'127.0.0.1' if host in ('0.0.0.0', '[::]') else host}:{port}"
