"""What the host's part of a lab does otherwise when the site runs as containers of Compose.

The folder they are given, the rules of their networks, an engine for them where the machine runs none, and the class
registry's store and keys. Starting those containers is host/compose.py's.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping

from host import accounts, compose_engine, images, network, registry, routes, seed
from host.instance import ROOT, Instance
from host.supervisor import Supervisor


def prepare(lab: Instance, supervisor: Supervisor) -> None:
    """Before the lab engine starts: everything that its containers, or compose's, will look for."""
    lab.gate_folder.mkdir(mode=0o750, exist_ok=True)
    os.chown(lab.gate_folder, 0, accounts.ids()[1])
    registry.prepare(lab)
    ours = compose_engine.needed(lab)
    if ours:
        compose_engine.remember(lab)
    routes.open_up(lab)
    if ours:
        supervisor.start(compose_engine.service(lab))
    # Last: an engine that opens the way through the machine itself closes it to whom it does not know.
    compose_engine.FORWARD.write_text("1\n")


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


def command(lab: Instance) -> tuple[str, ...]:
    """What runs the host's part, in the foreground."""
    return (sys.executable, "-m", "host.lab", "up", "--name", lab.name, "--composed")
