"""What the host's part of a lab does otherwise when the site runs as containers of Compose.

The folder they are given, the rules of their networks, an engine for them where the machine runs none, and the class
registry's store and keys. Starting those containers is host/compose.py's.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from host import accounts, images, network, routes, seed, services
from host.instance import ROOT, Instance
from host.shell import succeeds
from host.supervisor import Service, Supervisor

MACHINE_SOCKET = Path("/var/run/docker.sock")


def prepare(lab: Instance, supervisor: Supervisor) -> None:
    """Before the lab engine starts: everything that its containers, or compose's, will look for."""
    lab.gate_folder.mkdir(mode=0o750, exist_ok=True)
    os.chown(lab.gate_folder, 0, accounts.ids()[1])
    services.prepare_registry(lab)
    routes.open_up(lab)
    if engine_url(lab) is None:
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
    """The engine that runs compose's containers: who starts this says, or the machine's own, or ours; None if none answers."""
    for url in (os.environ.get("DOCKER_HOST", ""), f"unix://{MACHINE_SOCKET}", f"unix://{lab.compose_socket}"):
        if url and succeeds("docker", "-H", url, "version"):
            return url
    return None


def engine(lab: Instance) -> Service:
    """An ordinary engine, root's alone. It meets the lab engine nowhere: other data, other network."""
    return Service(
        name="compose-engine",
        argv=(
            *("setpriv", "--pdeathsig", "TERM", "--", "dockerd", "-H", f"unix://{lab.compose_socket}", "--group", "root"),
            *("--data-root", str(lab.home / "compose-engine"), "--exec-root", str(lab.rundir("compose-exec"))),
            *("-p", str(lab.rundir("compose-engine.pid")), "--bridge", "none", "--log-level", "warn"),
        ),
        before_start=lambda: lab.compose_socket.unlink(missing_ok=True),
        ready=lambda: succeeds("docker", "-H", f"unix://{lab.compose_socket}", "version"),
        start_seconds=60,
        stop_seconds=60,
    )
