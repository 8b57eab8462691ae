"""The host's side of compose's networks: who of them may open what, written as rules before its containers start.

    browser  → proxy (published)                     yes: what Docker has published, and nothing unpublished
    web      → a sandbox's ports (previews)          yes
    sandbox  → mirror, registry, tokens              yes: from 10.122.0.1 of the lab's namespace to the ports published
                                                     on this host's end of its veth (host/network.py turns them)
    container → internet, LAN, this host, other networks     rejected

Owns one chain of the host's firewall, consulted first by Docker's DOCKER-USER, and one rule of INPUT. The addresses and
the names of bridges are those of docker-compose.yml, which reads them from the environment that host/compose.py writes.
"""

from __future__ import annotations

from host.instance import Instance
from host.shell import sh, succeeds


def chain(lab: Instance) -> str:
    return f"LAB-COMPOSE-{lab.name}"


def rules(lab: Instance) -> list[tuple[str, ...]]:
    """The chain's, in their order. Whoever comes or goes by one of compose's bridges is asked."""
    bridges = lab.compose_bridge("+")
    return [
        ("-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "RETURN"),
        # Neighbours on one bridge, where bridged traffic is filtered too.
        ("-m", "physdev", "--physdev-is-bridged", "-j", "RETURN"),
        ("-i", lab.compose_bridge("motor"), "-o", lab.veth, "-d", lab.sandboxes_net, "-j", "ACCEPT"),
        ("!", "-i", bridges, "-o", bridges, "-m", "conntrack", "--ctstate", "DNAT", "-j", "RETURN"),
        ("-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset"),
        ("-j", "REJECT"),
    ]


def open_up(lab: Instance) -> None:
    """Have the rules stand. Safe over what a crash left."""
    close(lab)
    _iptables("-N", chain(lab))
    for rule in rules(lab):
        _iptables("-A", chain(lab), *rule)
    # Docker keeps a DOCKER-USER that it finds, and asks it first; but an engine without a bridge of its own (up to 20.10) has
    # it asked only when it makes a network, and not when it comes back to those that it has.
    succeeds("iptables", "-w", "-N", "DOCKER-USER")
    if not succeeds("iptables", "-w", "-C", "FORWARD", "-j", "DOCKER-USER"):
        _iptables("-I", "FORWARD", "-j", "DOCKER-USER")
    for parent, jump in _jumps(lab):
        _iptables("-I", parent, *jump)


def close(lab: Instance) -> None:
    """Remove them; what is already gone is fine."""
    for parent, jump in _jumps(lab):
        while succeeds("iptables", "-w", "-D", parent, *jump):
            pass
    succeeds("iptables", "-w", "-F", chain(lab))
    succeeds("iptables", "-w", "-X", chain(lab))


def _jumps(lab: Instance) -> list[tuple[str, tuple[str, ...]]]:
    bridges = lab.compose_bridge("+")
    return [
        ("DOCKER-USER", ("-i", bridges, "-j", chain(lab))),
        ("DOCKER-USER", ("-o", bridges, "-j", chain(lab))),
        ("INPUT", ("-i", bridges, "-m", "conntrack", "--ctstate", "NEW", "-j", "REJECT")),
    ]


def _iptables(*words: str) -> None:
    sh("iptables", "-w", *words)
