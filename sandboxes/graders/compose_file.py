"""What `docker compose config` says: its JSON as services, and its complaints in plain Spanish. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from lessons.kinds import Evidence
from sandboxes.engine.facts import NOT_UNDERSTOOD, as_list, as_object, get
from sandboxes.engine.student import CannotObserve
from sandboxes.graders.text import listing, nearest

Fault = tuple[str, str]

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
KEYS = (
    "image", "build", "ports", "environment", "env_file", "volumes", "networks", "depends_on", "command", "entrypoint", "healthcheck",
    "restart", "deploy", "container_name", "labels", "expose", "user", "working_dir", "configs", "secrets", "profiles", "links", "logging",
)  # fmt: skip


class ServiceSeen(Evidence):
    image: str = ""
    builds: bool = False
    ports: list[str] = []
    """`8080:80`."""
    depends: list[str] = []
    volumes: list[str] = []
    """`datos:/data`."""
    env: dict[str, str] = {}
    """Only the variables that the check asks for."""


def read(text: str, variables: Mapping[str, list[str]]) -> dict[str, ServiceSeen]:
    """Service by name. Warnings may come before the JSON."""
    begin = 0 if text.startswith("{") else text.find("\n{") + 1
    try:
        # What warns may also come after it.
        found, _end = json.JSONDecoder().raw_decode(text, begin)
    except (ValueError, RecursionError) as error:
        raise CannotObserve(NOT_UNDERSTOOD) from error
    services = as_object(get(found, "services") or {})
    if len(services) > 50:
        raise CannotObserve(_("hay demasiados servicios en el fichero"))
    return {name[:100]: _service(raw, variables.get(name, [])) for name, raw in services.items()}


def _service(raw: Any, variables: list[str]) -> ServiceSeen:
    env = as_object(get(raw, "environment") or {})
    depends = get(raw, "depends_on") or {}
    return ServiceSeen(
        image=str(get(raw, "image") or "")[:300],
        builds=bool(get(raw, "build")),
        ports=[f"{port.get('published') or ''}:{port.get('target') or ''}"[:20] for port in as_list(get(raw, "ports") or [])[:50]],
        depends=[str(name)[:100] for name in (depends if isinstance(depends, list) else as_object(depends))][:50],
        volumes=[f"{mount.get('source') or ''}:{mount.get('target') or ''}"[:300] for mount in as_list(get(raw, "volumes") or [])[:50]],
        env={name: str(env[name] if env[name] is not None else "")[:300] for name in variables if name in env},
    )


def complaint(said: str, near: list[str], path: str) -> Fault:
    """Why Compose does not take the file, by the messages of 2.26."""
    last = said.splitlines()[-1][:300] if said.strip() else ""
    if "no configuration file provided" in said or "no such file or directory" in said.lower():
        return _("no hay ningún fichero de Compose en %(path)s") % {"path": path}, _absent_hint(near)
    if "cannot start any token" in said:
        return _yaml(last), _("Hay un tabulador: en YAML se sangra siempre con espacios, dos por nivel.")
    if found := re.search(r"services\.(\S+) Additional property (\S+) is not allowed", said):
        close = nearest(found[2], KEYS)
        return _("en «%(name)s», Compose no conoce «%(key)s»") % {"name": found[1], "key": found[2]}, (
            _("¿Querías decir «%(key)s»?") % {"key": close} if close else _("Mira si está bien escrito y a qué altura va.")
        )
    if found := re.search(r"\(root\) Additional property (\S+) is not allowed", said):
        close = nearest(found[1], ("services", "volumes", "networks", "configs", "secrets", "name"))
        return _("fuera de todo hay un «%(key)s»") % {"key": found[1]}, (
            _("¿Querías decir «%(key)s:»?") % {"key": close}
            if close
            else _("Los servicios van debajo de «services:», con dos espacios delante.")
        )
    if found := re.search(r'service "(\S+)" depends on undefined service "?([^\s":]+)', said):
        return (
            _("«%(name)s» depende de «%(other)s», que no está") % {"name": found[1], "other": found[2]},
            _("En depends_on va el nombre de otro servicio del mismo fichero."),
        )
    if found := re.search(r'service "(\S+)" refers to undefined (volume|network) ([^\s:]+)', said):
        return (
            _("«%(name)s» usa «%(other)s», que no se ha declarado") % {"name": found[1], "other": found[3]},
            _("Declárala fuera de los servicios, debajo de «networks:».")
            if found[2] == "network"
            else _("Decláralo fuera de los servicios, debajo de «volumes:»."),
        )
    if "neither an image nor a build context" in said:
        return _("un servicio no dice de dónde sale"), _("Cada servicio lleva «image:» o «build:».")
    if last.startswith("yaml:") or "mapping values are not allowed" in said:
        return _yaml(last), _("Mira esa línea y la anterior: sangrado, los dos puntos seguidos de un espacio, y comillas cerradas.")
    return _("Compose no lo entiende: «%(text)s»") % {"text": last}, _("Compruébalo con «docker compose config».")


def _yaml(said: str) -> str:
    found = re.search(r"line (\d{1,5})", said)
    return _("no es YAML válido, hacia la línea %(line)s") % {"line": found[1]} if found else _("no es YAML válido")


def _absent_hint(near: list[str]) -> str:
    close = next((name for name in near if name not in NAMES and nearest(name.lower(), NAMES)), None)
    if close:
        return _("Tienes «%(name)s»: se llama compose.yaml.") % {"name": close}
    if not near:
        return _("Se llama compose.yaml; esa carpeta está vacía o no existe.")
    return _("Se llama compose.yaml; en la carpeta hay %(names)s.") % {"names": listing(near, nothing="")}
