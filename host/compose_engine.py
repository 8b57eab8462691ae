"""An ordinary engine of ours for compose's containers, where the machine runs none: when it is needed, how it is started,
and what it leaves in the host's network, which goes with it.

An engine that ends keeps its bridges, its chains in the firewall and forwarding as they were, for it counts on coming back.
Ours may not: what it found is written down before it starts, and is there again when its site is down.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from host.instance import RUN, HostError, Instance
from host.shell import sh, succeeds
from host.supervisor import Service

MACHINE_SOCKET = Path("/var/run/docker.sock")
FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
PROGRAMS = ("iptables", "ip6tables")
TABLES = ("filter", "nat", "raw")


def url(lab: Instance) -> str | None:
    """The engine that runs compose's containers: who starts this says, or ours, or the machine's own; None if none answers."""
    for found in (os.environ.get("DOCKER_HOST", ""), f"unix://{lab.compose_socket}", f"unix://{MACHINE_SOCKET}"):
        if found and succeeds("docker", "-H", found, "version"):
            return found
    return None


def check_given() -> None:
    """Raise HostError if who starts this says another engine, and that one does not answer: ours would not be what they want."""
    given = os.environ.get("DOCKER_HOST", "")
    if given and not given.startswith("unix:///"):
        raise HostError(f"DOCKER_HOST es «{given}» y ha de ser un motor de esta máquina, por ejemplo unix:///run/docker.sock.")
    if given and not succeeds("docker", "-H", given, "version"):
        raise HostError(f"en DOCKER_HOST («{given}») no contesta ningún motor de Docker: arráncalo, o quita esa variable.")


def needed(lab: Instance) -> bool:
    """Whether ours is to be started; raises HostError where it would meet another.

    An engine that starts flushes the rules of those that publish ports on this host already."""
    found = url(lab)
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


def service(lab: Instance) -> Service:
    """Root's alone. It meets the lab engine nowhere: other data, other network."""
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


def remember(lab: Instance) -> None:
    """Write down the host's network as it is before ours, or any rule of ours, comes to it."""
    rules = sh("iptables", "-w", "-S", check=False)
    found = {
        "forward": FORWARD.read_text().strip(),
        "policy": next((line.split()[2] for line in rules.splitlines() if line.startswith("-P FORWARD ")), "ACCEPT"),
        "chains": _chains(rules),
    }
    lab.found_network.write_text(json.dumps(found))


def forget(lab: Instance) -> None:
    """Take away what ours left there, if it ran; nothing that was there before, nor what another engine uses by now."""
    if not lab.found_network.exists():
        return
    found = json.loads(lab.found_network.read_text())
    if url(lab) is None:
        for link in json.loads(sh("ip", "-j", "link", "show", "type", "bridge", check=False) or "[]"):
            if link.get("ifname", "").startswith(lab.compose_bridge("")):
                succeeds("ip", "link", "del", link["ifname"])
        for program in (each for each in PROGRAMS if not found["chains"] and shutil.which(each)):
            for table in TABLES:
                _remove_rules(lab, program, table)
        if found["forward"] == "0":
            # An engine that opens the way through the machine closes it to whom it does not know (the policy).
            FORWARD.write_text("0\n")
            succeeds("iptables", "-w", "-P", "FORWARD", found["policy"])
    lab.found_network.unlink()


def _chains(rules: str) -> list[str]:
    """An engine's, among the rules of a table."""
    return [line.split()[1] for line in rules.splitlines() if line.startswith("-N DOCKER")]


def _remove_rules(lab: Instance, program: str, table: str) -> None:
    """Rules that lead into an engine's chains, or name our bridges or our networks; then those chains."""
    call = (program, "-w", "-t", table)
    rules = sh(*call, "-S", check=False)
    chains = _chains(rules)
    for verb, chain, *words in (line.split() for line in rules.splitlines()):
        ours = any(word.startswith(("DOCKER", lab.compose_bridge(""), f"{lab.compose_net}.")) for word in words)
        if verb == "-A" and chain not in chains and ours:
            succeeds(*call, "-D", chain, *words)
    for verb in ("-F", "-X"):
        for chain in chains:
            succeeds(*call, verb, chain)
