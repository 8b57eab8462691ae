"""What the addresses among the settings have to look like; raises ValueError in Spanish, and never with a secret in it.

Whether anybody answers there is labsite/readiness.py's question.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

SERVICES = {
    "database_url": (("sqlite", "postgres", "postgresql"), "sqlite:///fichero o postgres://usuario@servidor:5432/base"),
    "redis_url": (("unix", "redis", "rediss"), "unix:///carpeta/redis.sock o redis://servidor:6379/0"),
    "engine_url": (("unix", "tcp"), "unix:///carpeta/engine.sock"),
}
"""Setting → its schemes, and how one may look."""


def check_service(name: str, url: str) -> None:
    """Raise ValueError for what is not where a service of this setting's could be."""
    schemes, form = SERVICES[name]
    if "sqlite" in schemes and url.startswith("sqlite://"):
        return  # a file's name, or :memory:, and not a server's
    parts = _parts(url)
    if parts is None:
        raise ValueError(f"no se entiende (¿un puerto que no existe, o una clave con /, @ o # sin codificar?); ha de ser como {form}")
    if parts.scheme not in schemes:
        raise ValueError(f"«{parts.scheme or '…'}://…» no vale; ha de ser como {form}")
    if parts.scheme == "unix" and (parts.netloc or not parts.path.startswith("/")):
        raise ValueError(f"un socket lleva su ruta entera, con tres barras: {form}")


def check_origin(origin: str) -> None:
    """Raise ValueError for what no browser could come from."""
    parts = _parts(origin)
    if parts is None or not (
        parts.scheme in ("http", "https") and re.fullmatch(r"(\[[^]]+\]|[^:]+)(:\d{1,5})?", parts.netloc) and not parts.path.strip("/")
    ):
        raise ValueError(f"«{origin}» no es un origen como https://aula.local:8000")


def _parts(url: str) -> SplitResult | None:
    """None for what is no URL at all."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # read: what is no number, or too high for a port, raises
    except ValueError:
        return None
    return parts
