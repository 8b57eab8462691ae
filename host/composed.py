"""What the host's part of a lab does otherwise when the site runs as containers of Compose.

The folder they are given, the rules of their networks, an engine for them where the machine runs none, and the class
registry's store and keys. Starting those containers is host/compose.py's.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from host import accounts, images, network, registry, routes, seed
from host.instance import ROOT, RUN, HostError, Instance
from host.shell import succeeds
from host.supervisor import Service, Supervisor

MACHINE_SOCKET = Path("/var/run/docker.sock")


def prepare(lab: Instance, supervisor: Supervisor) -> None:
    """Before the lab engine starts: everything that its containers, or compose's, will look for."""
    lab.gate_folder.mkdir(mode=0o750, exist_ok=True)
    os.chown(lab.gate_folder, 0, accounts.ids()[1])
    registry.prepare(lab)
    routes.open_up(lab)
    if _needs_engine(lab):
        supervisor.start(engine(lab))


def hand_over(lab: Instance, supervisor: Supervisor) -> None:
    """Images are sown: from now on the mirror is compose's, like the other services."""
    supervisor.stop("mirror")
    network.forward_services(lab)


def version(settings: Mapping[str, str]) -> str:
    """Names what the host's part is made of: what it runs, from which images, and what it was told. Another needs another start."""
    digest = hashlib.sha256(f"{seed.reference()} {images.sandbox_reference()} {images.course_key()} {images.packages().key}".encode())
    digest.update(f"{settings.get('LAB_INTERNET', '')} {os.environ.get('LAB_SUBNET_OCTET', '')}".encode())
    for path in sorted((ROOT / "host").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def engine_url(lab: Instance) -> str | None:
    """The engine that runs compose's containers: who starts this says, or ours, or the machine's own; None if none answers."""
    for url in (os.environ.get("DOCKER_HOST", ""), f"unix://{lab.compose_socket}", f"unix://{MACHINE_SOCKET}"):
        if url and succeeds("docker", "-H", url, "version"):
            return url
    return None


def command(lab: Instance) -> tuple[str, ...]:
    """What runs the host's part, in the foreground."""
    return (sys.executable, "-m", "host.lab", "up", "--name", lab.name, "--composed")


def _needs_engine(lab: Instance) -> bool:
    """Whether ours is to be started; raises HostError where it would meet another.

    An engine that starts flushes the rules of those that publish ports on this host already."""
    found = engine_url(lab)
    if found and lab.compose_data.exists():
        raise HostError(
            "los datos de este sitio están en su motor propio y ahora hay otro en marcha en la máquina: dos se estorban. "
            "Para el otro («systemctl stop docker»), o muda los datos con una copia, como dice docs/despliegue.md."
        )
    for other in RUN.glob("*/compose.sock") if not found else ():
        if succeeds("docker", "-H", f"unix://{other}", "version"):
            raise HostError(
                f"el laboratorio «{other.parent.name}» tiene en marcha un motor propio para sus contenedores y dos se estorban: "
                "páralo, arranca el Docker de la máquina («systemctl start docker») y pon los dos en marcha."
            )
    return not found


def engine(lab: Instance) -> Service:
    """An ordinary engine, root's alone. It meets the lab engine nowhere: other data, other network."""
    return Service(
        name="compose-engine",
        argv=(
            *("setpriv", "--pdeathsig", "TERM", "--", "dockerd", "-H", f"unix://{lab.compose_socket}", "--group", "root"),
            *("--data-root", str(lab.compose_data), "--exec-root", str(lab.rundir("compose-exec"))),
            *("-p", str(lab.rundir("compose-engine.pid")), "--bridge", "none", "--log-level", "warn"),
        ),
        before_start=lambda: lab.compose_socket.unlink(missing_ok=True),
        ready=lambda: succeeds("docker", "-H", f"unix://{lab.compose_socket}", "version"),
        start_seconds=60,
        stop_seconds=60,
    )
