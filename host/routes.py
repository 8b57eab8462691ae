"""The host's side of compose's networks: who of them may open what, written as rules before its containers start.

    browser  → proxy (published)                     yes: what Docker has published, and nothing unpublished
    web      → a sandbox's ports (previews)          yes
    sandbox  → mirror, registry, tokens              yes: from 10.122.0.1 of the lab's namespace to the ports published
                                                     on this host's end of its veth (host/network.py turns them)
    container → internet, LAN, this host, other networks     rejected

Owns a chain of the host's firewall, in two tables. Docker's DOCKER-USER asks it first in `filter`, and who is refused is told.
An engine that comes back to networks it has may put its own rules before that (Debian 12's, without a bridge of its own): what
`filter` lets through is asked again in `security`, which no engine touches, and dropped. And one rule of INPUT. The addresses
and the names of bridges are those of docker-compose.yml, which reads them from the environment that host/compose.py writes.
"""

from __future__ import annotations

from host.instance import Instance
from host.shell import sh, succeeds


def chain(lab: Instance) -> str:
    return f"LAB-COMPOSE-{lab.name}"


TABLES = {"filter": "DOCKER-USER", "security": "FORWARD"}
"""Where the chain stands, and from where it is asked."""
_REFUSALS: dict[str, list[tuple[str, ...]]] = {
    "filter": [("-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset"), ("-j", "REJECT")],
    "security": [("-j", "DROP")],
}


def rules(lab: Instance, *, table: str = "filter") -> list[tuple[str, ...]]:
    """The chain's, in their order. Whoever comes or goes by one of compose's bridges is asked."""
    bridges = lab.compose_bridge("+")
    return [
        ("-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "RETURN"),
        # Neighbours on one bridge, where bridged traffic is filtered too.
        ("-m", "physdev", "--physdev-is-bridged", "-j", "RETURN"),
        ("-i", lab.compose_bridge("motor"), "-o", lab.veth, "-d", lab.sandboxes_net, "-j", "ACCEPT"),
        ("!", "-i", bridges, "-o", bridges, "-m", "conntrack", "--ctstate", "DNAT", "-j", "RETURN"),
        *_REFUSALS[table],
    ]


def open_up(lab: Instance) -> None:
    """Have the rules stand. Safe over what a crash left."""
    close(lab)
    for table in TABLES:
        _iptables("-t", table, "-N", chain(lab))
        for rule in rules(lab, table=table):
            _iptables("-t", table, "-A", chain(lab), *rule)
    # Docker keeps a DOCKER-USER that it finds.
    succeeds("iptables", "-w", "-N", "DOCKER-USER")
    for table, parent, jump in _jumps(lab):
        _iptables("-t", table, "-I", parent, *jump)


def close(lab: Instance) -> None:
    """Remove them; what is already gone is fine."""
    for table, parent, jump in _jumps(lab):
        while succeeds("iptables", "-w", "-t", table, "-D", parent, *jump):
            pass
    for table in TABLES:
        for verb in ("-F", "-X"):
            succeeds("iptables", "-w", "-t", table, verb, chain(lab))


def _jumps(lab: Instance) -> list[tuple[str, str, tuple[str, ...]]]:
    bridges = lab.compose_bridge("+")
    asked = [(table, parent, (way, bridges, "-j", chain(lab))) for table, parent in TABLES.items() for way in ("-i", "-o")]
    return [*asked, ("filter", "INPUT", ("-i", bridges, "-m", "conntrack", "--ctstate", "NEW", "-j", "REJECT"))]


def _iptables(*words: str) -> None:
    sh("iptables", "-w", *words)
