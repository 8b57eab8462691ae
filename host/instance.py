"""Where one lab lives on the host: its paths, its addresses, its names.

Owns the layout and nothing else: creating and removing is the business of the modules that use it.
Two labs (the class's and the tests') may run side by side; nothing of theirs has the same name.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("LAB_STATE", "/var/lib/docker-intensivo"))
RUN = Path("/run/docker-intensivo")

USER = "docker-intensivo"
"""Who runs the web, the worker, Redis, the registries and the gate: nobody of importance."""
REMAP_USER = "docker-intensivo-remap"
"""Whose subordinate ids the sandboxes' roots are outside (see host/accounts.py)."""

SERVICE_ADDRESS = "10.122.0.1"
"""Where the lab's own services (DNS, mirror, registry) listen, inside each lab's network namespace."""
TAKEN_OCTETS = (121, 122, 123)
"""Second bytes that the services and the engine's bridge use, or that would put the uplink there."""


class HostError(Exception):
    """Something on the host stops the lab; the message is one Spanish sentence that says what to do."""


@dataclass(frozen=True)
class Instance:
    """One lab on this host."""

    name: str
    composed: bool = False
    """Whether the site's part runs as containers of Compose (host/compose.py), and only the engine's here."""

    def check(self) -> None:
        """Raise HostError if its name or its networks can't be."""
        if not re.fullmatch(r"[a-z][a-z0-9]{0,11}", self.name):
            raise HostError(f"«{self.name}» no vale como nombre: de 1 a 12 letras minúsculas y cifras, la primera una letra.")
        octet = os.environ.get("LAB_SUBNET_OCTET", "124")
        if not octet.isdigit() or not 1 <= int(octet) <= 253 or int(octet) in TAKEN_OCTETS:
            raise HostError(
                f"LAB_SUBNET_OCTET es «{octet}» y debe ser un número de 1 a 253, salvo {min(TAKEN_OCTETS)} a {max(TAKEN_OCTETS)}."
            )

    @property
    def home(self) -> Path:
        return STATE / self.name

    @property
    def run(self) -> Path:
        return RUN / self.name

    @property
    def disk(self) -> Path:
        """The btrfs file under the lab engine."""
        return self.home / "lab.img"

    @property
    def engine_root(self) -> Path:
        return self.home / "engine"

    @property
    def registry_store(self) -> Path:
        """What students have pushed: a subvolume of the lab's disk, or a disk of its own."""
        return self.engine_root / "registry"

    @property
    def registry_disk(self) -> Path:
        """The file under it, where the lab's disk has no quotas."""
        return self.home / "registry.img"

    @property
    def data(self) -> Path:
        """What the web and the worker may write: the embedded database, Redis's dump."""
        return self.home / "data"

    @property
    def demo_accounts(self) -> Path:
        """The passwords of the demonstration accounts, of the database that is there."""
        return self.home / "demo-accounts.json"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def env_file(self) -> Path:
        return self.home / "env"

    @property
    def open_run(self) -> Path:
        """The one run-time folder that belongs to the unprivileged user; root never writes in it."""
        return self.run / "open"

    @property
    def socket(self) -> Path:
        return self.run / "engine.sock"

    @property
    def gate_folder(self) -> Path:
        """What containers of Compose are given of the engine: its gated socket, and the way to ask for the internet."""
        return self.run / "gate"

    @property
    def gated_socket(self) -> Path:
        return self.gate_folder / "engine.sock"

    @property
    def egress_socket(self) -> Path:
        return self.gate_folder / "egress.sock" if self.composed else self.run / "egress.sock"

    @property
    def loader_socket(self) -> Path:
        """The engine's while it has no gate yet: root's alone, and never the one that others look for."""
        return self.run / "loader.sock"

    @property
    def ready_file(self) -> Path:
        """There while the host's part of a composed lab is up."""
        return self.run / "ready"

    @property
    def compose(self) -> Path:
        """What containers of Compose are told, and their secrets."""
        return self.home / "compose"

    @property
    def compose_socket(self) -> Path:
        """An ordinary engine of ours for those containers, where the machine runs none."""
        return self.run / "compose.sock"

    @property
    def compose_data(self) -> Path:
        """What that engine keeps, which it mounts on itself."""
        return self.home / "compose-engine"

    @property
    def found_network(self) -> Path:
        """How the host's network was before that engine came (host/compose_engine.py)."""
        return self.run / "found-network.json"

    @property
    def compose_net(self) -> str:
        """The first half of the addresses of compose's networks, which are the upper part of the uplink's."""
        return f"10.{self._octet + 1}"

    def compose_bridge(self, network: str) -> str:
        """The host's name of one of compose's networks; `+` is any of them, as iptables says it."""
        return f"dc{self._octet}-{network}"

    @property
    def redis(self) -> Path:
        return self.open_run / "redis.sock"

    @property
    def plugin(self) -> str:
        """The gate's name among the engine's authorisation plugins."""
        return f"docker-intensivo-{self.name}"

    @property
    def plugin_socket(self) -> Path:
        return Path("/run/docker/plugins") / f"{self.plugin}.sock"

    @property
    def namespace(self) -> str:
        return f"docker-intensivo-{self.name}"

    @property
    def _octet(self) -> int:
        return int(os.environ.get("LAB_SUBNET_OCTET", "124" if self.name == "lab" else "126"))

    @property
    def subnet_octet(self) -> str:
        """LAB_SUBNET_OCTET as it is in force."""
        return str(self._octet)

    @property
    def sandboxes_net(self) -> str:
        return f"10.{self._octet}.0.0/16"

    @property
    def bridge_net(self) -> str:
        """The engine's default bridge, which no sandbox uses."""
        return "10.123.0.1/24"

    @property
    def host_address(self) -> str:
        return f"10.{self._octet + 1}.0.1"

    @property
    def engine_address(self) -> str:
        return f"10.{self._octet + 1}.0.2"

    @property
    def veth(self) -> str:
        return f"di-{self.name}"[:15]

    @property
    def pid_file(self) -> Path:
        return RUN / f"{self.name}.pid"

    def running(self) -> int | None:
        """The process that has this lab up, or is raising it; None if none does."""
        with suppress(OSError, ValueError):
            pid = int(self.pid_file.read_text())
            if b"host.lab" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        return None

    def rundir(self, *parts: str) -> Path:
        return self.run.joinpath(*parts)


def interpreter_prefix() -> Path:
    """The base prefix of the project's Python (the virtualenv's own directory is part of ROOT)."""
    return Path(sys.base_prefix)
