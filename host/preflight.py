"""What would stop a start, asked before anything is started: the settings' names and values, the certificate, the ports.

What can only be asked of something that runs (a database, Redis, the engine's gate) is labsite/readiness.py's.
"""

from __future__ import annotations

import difflib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from host import certificate, environment, network
from host.instance import ROOT, STATE, HostError, Instance
from host.shell import reason


def check(lab: Instance, settings: Mapping[str, str], *, port: bool, services: bool = False) -> None:
    """Raise HostError, in one sentence, for what the site would refuse and, with `port`, for a port that is taken; with `services`,
    for one that sandboxes are served at."""
    check_place(STATE)
    check_host_values()
    check_names(environment.file(lab), check_values(settings))
    if port:
        check_port(settings["LAB_BIND"])
        if found := re.fullmatch(r".+:(\d+)-(\d+)", settings.get("LAB_PREVIEW", "")):
            host = settings["LAB_BIND"].rpartition(":")[0]
            for each in range(int(found[1]), int(found[2]) + 1):
                check_port(f"{host}:{each}", variable="LAB_PREVIEW")
    if services:
        check_services(lab)
    if settings.get("LAB_TLS_CERT"):
        certificate.check(settings["LAB_TLS_CERT"], settings.get("LAB_TLS_KEY", ""), urlsplit(settings["LAB_URL"]).hostname or "")


def check_place(state: Path) -> None:
    """The folder of all data, which services that are not root's have to enter."""
    for folder in (state, *state.parents):
        if folder.exists() and not folder.stat().st_mode & 0o001:
            raise HostError(f"en {folder} solo entra root, y los servicios del laboratorio no lo son: pon LAB_STATE en otra carpeta.")


def check_host_values() -> None:
    """Those of the commands, which the site does not know."""
    for name, (form, words) in HOST_FORMS.items():
        value = os.environ.get(name, "")
        if value and not re.fullmatch(form, value):
            raise HostError(f"{name} es «{value}» y debe ser {words}.")


_SIZE = (r"[1-9]\d*[MGT]", "un tamaño como 40G")
HOST_FORMS = {
    "LAB_WORKERS": (r"[1-9]\d*", "un número, de 1 en adelante"),
    "LAB_DISK": _SIZE,
    "LAB_REGISTRY_DISK": _SIZE,
    "LAB_ADMIN": (r"[a-z][a-z0-9-]{0,28}[a-z0-9]", "un nombre de cuenta: minúsculas sin acentos, cifras o guiones, y la primera una letra"),
}


def check_values(settings: Mapping[str, str]) -> list[str]:
    """By the site's own reading of them, which is the only one that counts; returns the names that it knows."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "DJANGO_"))}
    words = (sys.executable, "-m", "labsite.readiness", "--settings")
    done = subprocess.run(words, cwd=ROOT, env={**kept, **settings}, capture_output=True, text=True)
    if done.returncode:
        said = [line.removeprefix("Error: ") for line in done.stderr.splitlines() if line.strip()]
        raise HostError(said[-1] if said else "la configuración no se pudo leer.")
    return done.stdout.split()


def check_names(file: Path, known: Iterable[str]) -> None:
    """A name that nobody reads does nothing, and who wrote it believes that it does."""
    known = sorted(known)
    for name in environment.read(file):
        if name in environment.HOST_ONLY:
            raise HostError(f"{file}: {name} no vale en este fichero; dala en el entorno de la orden (sudo {name}=… make …).")
        if name.removesuffix("_FILE") not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"¿querías decir {near[0]}?" if near else "están todas en docs/configuracion.md."
            raise HostError(f"{file}: no hay ninguna variable {name}; {hint}")


_FREEBIND = 15
"""IP_FREEBIND of ip(7): to bind to an address that this machine has not got yet."""


def check_services(lab: Instance) -> None:
    """What sandboxes are served by containers is published at an address that is there only later: who listens at all of
    this machine's would be in the way."""
    for port in network.FORWARDED.values() if lab.composed else ():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.setsockopt(socket.IPPROTO_IP, _FREEBIND, 1)
            try:
                probe.bind((lab.host_address, port))
            except OSError as error:
                raise HostError(
                    f"el puerto {port} de {lab.host_address}, que es para los laboratorios, está ocupado: mira quién lo usa con "
                    f"«ss -ltnp sport = {port}» y haz que escuche solo en su dirección."
                ) from error


def check_port(bind: str, *, variable: str = "LAB_BIND") -> None:
    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise HostError(f"{variable} es «{bind}» y debe ser DIRECCIÓN:PUERTO.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except socket.gaierror as error:
            raise HostError(f"{variable} es «{bind}» y ese nombre no se conoce: pon una dirección de esta máquina, o 0.0.0.0.") from error
        except OSError as error:
            raise HostError(
                f"no se puede escuchar en {bind} ({reason(error)}): para lo que use ese puerto o elige otro con {variable}."
            ) from error
