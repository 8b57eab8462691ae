"""What would stop a start, asked before anything is started: the settings' values, the port.

What can only be asked of something that runs (a database, Redis, the engine's gate) is labsite/readiness.py's.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping

from host.instance import ROOT, HostError


def check(settings: Mapping[str, str], *, port: bool) -> None:
    """Raise HostError, in one sentence, for a value that the site would refuse and, with `port`, for a port that is taken."""
    check_values(settings)
    if port:
        check_port(settings["LAB_BIND"])
        if found := re.fullmatch(r".+:(\d+)-(\d+)", settings.get("LAB_PREVIEW", "")):
            host = settings["LAB_BIND"].rpartition(":")[0]
            for each in range(int(found[1]), int(found[2]) + 1):
                check_port(f"{host}:{each}", variable="LAB_PREVIEW")


def check_values(settings: Mapping[str, str]) -> None:
    """By the site's own reading of them, which is the only one that counts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "DJANGO_"))}
    words = (sys.executable, "-m", "labsite.readiness", "--settings")
    done = subprocess.run(words, cwd=ROOT, env={**kept, **settings}, capture_output=True, text=True)
    if done.returncode:
        said = [line.removeprefix("Error: ") for line in done.stderr.splitlines() if line.strip()]
        raise HostError(said[-1] if said else "la configuración no se pudo leer.")


def check_port(bind: str, *, variable: str = "LAB_BIND") -> None:
    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise HostError(f"LAB_BIND debe ser DIRECCIÓN:PUERTO y es «{bind}».")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            raise HostError(
                f"no se puede escuchar en {bind} ({_REASONS.get(error.errno or 0, error.strerror)}): para lo que use ese puerto o "
                f"elige otro con {variable}."
            ) from error


_REASONS = {
    errno.EADDRINUSE: "ya lo usa otro programa",
    errno.EADDRNOTAVAIL: "esa dirección no es de esta máquina",
    errno.EACCES: "hace falta ser root",
}
