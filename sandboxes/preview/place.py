"""Where previews are served: never under the platform's host name, and one origin per published port.

Two ways, told apart by LAB_PREVIEW: a name for each (`*.localhost`, `*.vista.aula.es`), or a second name or bare
address with a port for each (`192.168.1.10:8100-8139`), which needs no name server. A *slot* is what tells one
preview from another in its address: the name's first label, or the port.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

LABEL = re.compile(r"[a-z2-7]{26}")
_SETTING = re.compile(
    r"\*\.(?P<base>[a-z0-9.-]+)(?::(?P<port>\d{1,5}))?|(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\]):(?P<first>\d{1,5})-(?P<last>\d{1,5})"
)


@dataclass(frozen=True)
class Target:
    """A published port of one of a sandbox's nodes."""

    sandbox: str
    node: str
    port: int


@dataclass(frozen=True)
class Place:
    """How the addresses of previews are made. `base` or `host` with `ports`; the other is empty."""

    scheme: str
    base: str = ""
    port: str = ""
    """`:8000`, or nothing for the scheme's own."""
    host: str = ""
    ports: range = range(0)

    @property
    def source(self) -> list[str]:
        """What a Content-Security-Policy calls them."""
        if self.base:
            return [f"{self.scheme}://*.{self.base}{self.port}"]
        return [f"{self.scheme}://{self.host}:{port}" for port in self.ports] if self.embeds else []

    @property
    def trustworthy(self) -> bool:
        """Whether browsers take `Secure` cookies there, without which a frame of another site gets none."""
        return self.scheme == "https" or self.base == "localhost"

    @property
    def embeds(self) -> bool:
        """Whether a preview can be shown inside the platform's page; else it gets a window of its own."""
        return self.trustworthy

    def origin(self, slot: str) -> str:
        return f"{self.scheme}://{slot}.{self.base}{self.port}" if self.base else f"{self.scheme}://{self.host}:{slot}"

    def slot(self, scope: dict[str, Any]) -> str | None:
        """The slot that a request is for; "" if it is for previews but for none of them; None: it is not for previews."""
        hosts = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1:
            return None
        name = _name(hosts[0])
        if self.base:
            if name != self.base and not name.endswith(f".{self.base}"):
                return None
            label = name.removesuffix(f".{self.base}")
            return label if LABEL.fullmatch(label) else ""
        if name != _name(self.host):
            return None
        port = (scope.get("server") or ("", 0))[1]
        return str(port) if port in self.ports else ""

    def label(self, target: Target, *, key: str) -> str:
        """A name's label: the same each time, so that what a page keeps in its browser is there the next time."""
        text = f"preview {target.sandbox} {target.node} {target.port}".encode()
        return base64.b32encode(hmac.new(key.encode(), text, hashlib.sha256).digest()[:16]).decode().rstrip("=").lower()


def _name(host: str) -> str:
    return host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]


def parse(setting: str, *, url: str, origins: Iterable[str]) -> Place | None:
    """LAB_PREVIEW, checked against where the platform is; None: no previews. Raises ValueError, in Spanish."""
    platform = urlsplit(url)
    setting = setting.strip().lower()
    if setting == "no":
        return None
    if not setting:
        if platform.hostname not in ("127.0.0.1", "::1", "localhost"):
            return None
        # Browsers take every name below localhost for this machine, without asking any server.
        return Place(platform.scheme, base="localhost", port=f":{platform.port}" if platform.port else "")
    found = _SETTING.fullmatch(setting)
    if not found:
        raise ValueError(f"«{setting}» no es «*.vista.aula.es», «192.168.1.10:8100-8139» ni «no»")
    hosts = [urlsplit(origin).hostname or "" for origin in origins]
    if base := found["base"]:
        port = found["port"] or (str(platform.port) if platform.port else "")
        if base != "localhost" and any(host == base or host.endswith(f".{base}") or base.endswith(f".{host}") for host in hosts):
            raise ValueError(f"«{setting}» está en el mismo dominio que la plataforma: sus páginas podrían dejarle cookies; usa otro")
        return Place(platform.scheme, base=base, port=f":{port}" if port else "")
    first, last = int(found["first"]), int(found["last"])
    if found["host"].strip("[]") in hosts:
        raise ValueError(f"«{found['host']}» es el nombre de la plataforma: las vistas previas necesitan otro")
    if not 1 <= first <= last <= 65535 or last - first > 999:
        raise ValueError(f"«{first}-{last}» no es un intervalo de puertos, de mil como mucho")
    return Place(platform.scheme, host=found["host"], ports=range(first, last + 1))


@cache
def place() -> Place | None:
    """The configured one."""
    from django.conf import settings

    return parse(settings.ENV.preview, url=settings.ENV.url, origins=settings.ENV.origins)
