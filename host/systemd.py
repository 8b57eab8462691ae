"""The composed site as systemd's: two units made from the templates of deploy/, and what is asked of them.

    docker-intensivo-<name>.service        enabled: starts and stops all of it with the machine
    docker-intensivo-<name>-host.service   the host's part, which systemd starts again if it dies

`make compose-enable` writes them (host/compose.py). With the units there, `make compose-up` has the host's part started by
systemd, and systemd knows the site as started or stopped, whoever did it; without them it runs in the background.
"""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

from host import composed, environment
from host.instance import ROOT, HostError, Instance
from host.shell import sh, succeeds

UNITS = Path("/etc/systemd/system")
TEMPLATES = ROOT / "deploy"
RUNS = Path("/run/systemd/system")
"""There while systemd is what manages the machine (sd_booted(3))."""
OWN_GROUP = Path("/proc/self/cgroup")
"""Names the unit that this runs in."""


def unit(lab: Instance) -> str:
    return f"docker-intensivo-{lab.name}.service"


def host_unit(lab: Instance) -> str:
    return f"docker-intensivo-{lab.name}-host.service"


def render(lab: Instance) -> dict[str, str]:
    """Unit → its text."""
    values = {
        "NAME": lab.name,
        "ROOT": str(ROOT),
        "UNIT": unit(lab),
        "ENVIRONMENT": str(environment.given(lab)),
        "LOG": str(lab.logs / "host.log"),
        "HOST": " ".join(composed.command(lab)),
    }
    found = {unit(lab): "docker-intensivo.service", host_unit(lab): "docker-intensivo-host.service"}
    texts = {name: (TEMPLATES / template).read_text() for name, template in found.items()}
    for name, value in values.items():
        texts = {each: text.replace(f"@{name}@", value) for each, text in texts.items()}
    return texts


def install(lab: Instance) -> None:
    """Write both units and enable the first; the variables of who asks are kept for it, with those of the last start."""
    if not RUNS.exists():
        raise HostError("esta máquina no la lleva systemd: arranca el sitio como arranques lo demás, con «make compose-up».")
    environment.recall(lab)
    environment.remember(lab)
    for name, text in render(lab).items():
        (UNITS / name).write_text(text)
    sh("systemctl", "daemon-reload")
    sh("systemctl", "enable", unit(lab))
    print(f"Arrancará con la máquina. Para ponerlo en marcha ahora: systemctl start {unit(lab)}")


def remove(lab: Instance) -> None:
    """Take both away, stopped; what is already gone is fine."""
    if not _installed(lab):
        return
    succeeds("systemctl", "disable", "--now", unit(lab))
    for name in render(lab):
        (UNITS / name).unlink(missing_ok=True)
    succeeds("systemctl", "daemon-reload")


def start(lab: Instance) -> subprocess.Popen[bytes] | None:
    """Have systemd start the host's part: what ends when it has; None if the units are not there."""
    if not _installed(lab):
        return None
    return subprocess.Popen(("systemctl", "restart", host_unit(lab)))


def stop(lab: Instance) -> None:
    if _installed(lab):
        sh("systemctl", "stop", host_unit(lab))


def keeps(lab: Instance) -> bool:
    """Whether the host's part, if it is up, is where it would be started now: systemd's, if the units are there."""
    return not _installed(lab) or succeeds("systemctl", "is-active", "--quiet", host_unit(lab))


def agree(lab: Instance, verb: str) -> None:
    """Have the site's unit be what a person has made of the site: `start`, `stop`. To it, both are done already."""
    if _installed(lab) and unit(lab) not in OWN_GROUP.read_text():
        sh("systemctl", verb, unit(lab))


def tell_ready() -> None:
    """Tell systemd, if that started this process, that it is ready: sd_notify(3)."""
    address = os.environ.pop("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.sendto(b"READY=1", f"\0{address[1:]}" if address.startswith("@") else address)


def _installed(lab: Instance) -> bool:
    return RUNS.exists() and (UNITS / host_unit(lab)).exists()
