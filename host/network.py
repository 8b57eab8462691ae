"""The lab's own network namespace and its policy: what sandboxes may reach, and who may reach them.

The rules stand before the engine, hence before the first sandbox, and go away with the namespace.
Docker keeps a DOCKER-USER chain that it finds and consults it first.

    sandbox → same session          yes (bridged, never routed)
    sandbox → the lab's services    yes: DNS, mirror, packages, registry, its tokens (inside the namespace)
    sandbox → internet               rejected, but for the addresses that host/egress.py lets out
    sandbox → anything else          rejected at once: other sessions, host, LAN, metadata
    host    → sandbox                yes (previews); replies only the other way
    LAN     → sandbox                rejected
    IPv6                             off
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping

from host import egress
from host.instance import SERVICE_ADDRESS, HostError, Instance
from host.shell import sh, succeeds

UPLINK = "eth0"
SYSCTLS = (
    *("net/ipv4/ip_forward=1", "net/ipv4/ip_unprivileged_port_start=80"),
    # The larger of the two holds for an interface, 2 is laxer than 1, and a new namespace takes over the machine's (Ubuntu's are 2).
    *("net/ipv4/conf/all/rp_filter=1", "net/ipv4/conf/default/rp_filter=1"),
    *("net/ipv6/conf/all/disable_ipv6=1", "net/ipv6/conf/default/disable_ipv6=1"),
)
"""Of the namespace alone. A packet bears its sender's own address, or one would use up what a neighbour may ask. What
listens there below 1024 (registry, packages) needs no privilege for it."""


_EACH = "28"
"""Sources are told apart by their network: a student may take all the addresses of theirs."""
CAPS = (
    # Before what is established: all questions from one port are one connection to the kernel.
    ("-p", "udp", "--dport", "53", "-m", "hashlimit", "--hashlimit-above", "200/second", "--hashlimit-burst", "400",
     "--hashlimit-mode", "srcip", "--hashlimit-srcmask", _EACH, "--hashlimit-name", "lab-questions", "-j", "DROP"),
    # The tokens' listener takes a hundred at once, from everybody.
    ("-p", "tcp", "--syn", "--dport", "5001", "-m", "connlimit", "--connlimit-above", "20", "--connlimit-mask", _EACH,
     "-j", "REJECT", "--reject-with", "tcp-reset"),
    ("-p", "tcp", "--syn", "-m", "connlimit", "--connlimit-above", "200", "--connlimit-mask", _EACH,
     "-j", "REJECT", "--reject-with", "tcp-reset"),
    # What has ended stays for two minutes in the kernel's table of connections, which all sessions share.
    ("-p", "tcp", "--syn", "-m", "hashlimit", "--hashlimit-above", "50/second", "--hashlimit-burst", "300",
     "--hashlimit-mode", "srcip", "--hashlimit-srcmask", _EACH, "--hashlimit-name", "lab-connections",
     "-j", "REJECT", "--reject-with", "tcp-reset"),
)  # fmt: skip
"""What one session may ask of the lab's services, so that the others are answered too."""


def exists(lab: Instance) -> bool:
    return succeeds("ip", "netns", "pids", lab.namespace)


def raise_up(lab: Instance) -> None:
    """Make the namespace, its veth, its routes and its rules. Safe over what a crash left."""
    tear_down(lab)
    if taken := clash(lab, json.loads(sh("ip", "-j", "-4", "route"))):
        raise HostError(f"la red {taken} ya se usa en esta máquina: elige otra con LAB_SUBNET_OCTET (por ejemplo, 140).")
    sh("ip", "netns", "add", lab.namespace)
    sh("ip", "link", "add", lab.veth, "type", "veth", "peer", "name", UPLINK, "netns", lab.namespace)
    sh("ip", "addr", "add", f"{lab.host_address}/30", "dev", lab.veth)
    sh("ip", "link", "set", lab.veth, "up")
    inside = ("ip", "-n", lab.namespace)
    sh(*inside, "link", "set", "lo", "up")
    for address in (SERVICE_ADDRESS, egress.NAMES_ADDRESS):
        sh(*inside, "addr", "add", f"{address}/32", "dev", "lo")
    sh(*inside, "addr", "add", f"{lab.engine_address}/30", "dev", UPLINK)
    sh(*inside, "link", "set", UPLINK, "up")
    sh(*inside, "route", "add", "default", "via", lab.host_address)
    # Not by sysctl, whose package (procps) a small Debian has not got.
    _in(lab, "sh", "-ec", 'for each; do echo "${each#*=}" >"/proc/sys/${each%%=*}"; done', "sh", *SYSCTLS)
    succeeds("modprobe", "br_netfilter")
    _in(lab, "iptables-restore", stdin=_ipv4_rules(lab))
    for cap in CAPS:
        # Apart from the rest: without the module in the kernel the lab stands all the same, and the doctor finds it open.
        succeeds("nsenter", f"--net=/run/netns/{lab.namespace}", "iptables", "-w", "-A", "LAB-CAPS", "!", "-i", UPLINK, *cap)
    # What a session's nodes say to each other is bridged: followed, it would fill that same table.
    untracked = ("!", "-i", UPLINK, "-s", lab.sandboxes_net, "-d", lab.sandboxes_net, "-j", "CT", "--notrack")
    succeeds("nsenter", f"--net=/run/netns/{lab.namespace}", "iptables", "-w", "-t", "raw", "-A", "PREROUTING", *untracked)
    # Without IPv6 in the kernel there is nothing to close.
    if succeeds("test", "-e", "/proc/sys/net/ipv6"):
        _in(lab, "ip6tables-restore", stdin=_IPV6_RULES)
    sh("ip", "route", "add", lab.sandboxes_net, "via", lab.engine_address)


def clash(lab: Instance, routes: Iterable[Mapping[str, str]]) -> str:
    """Which of the lab's networks a route of this host's (`ip -j route`) leads into already; "" if none does.

    A composed site has two: sandboxes' and, in the next one, its containers'. A wider route is no clash: ours goes before it."""
    ours = [lab.sandboxes_net, *([f"{lab.compose_net}.0.0/16"] if lab.composed else [])]
    for route in routes:
        if route["dst"] == "default" or route.get("dev", "").startswith(lab.compose_bridge("")):
            continue
        for network in map(ipaddress.IPv4Network, ours):
            if ipaddress.IPv4Network(route["dst"]).subnet_of(network) and (lab.composed or route["dst"] == str(network)):
                return str(network)
    return ""


FORWARDED = {5000: 5000, 443: 5443, 5001: 5001}
"""Ports of the lab's services that containers of Compose answer, and those that these publish on the host's veth."""


def forward_services(lab: Instance) -> None:
    """Turn mirror, registry and tokens to the containers that answer for them (docker-compose.yml): from now on nothing
    in the namespace does. What is let out is what was asked of the service address, and nothing else of the host."""
    for asked, published in FORWARDED.items():
        wanted = ("-p", "tcp", "-d", SERVICE_ADDRESS, "--dport", str(asked))
        target = f"{lab.host_address}:{published}"
        _in(lab, *("iptables", "-w", "-t", "nat", "-A", "PREROUTING", "!", "-i", UPLINK), *wanted, "-j", "DNAT", "--to-destination", target)
        turned = ("-m", "conntrack", "--ctstate", "DNAT", "--ctorigdst", SERVICE_ADDRESS, "--ctorigdstport", str(asked))
        out = ("-o", UPLINK, "-p", "tcp", "-d", lab.host_address, "--dport", str(published))
        _in(lab, *("iptables", "-w", "-I", "DOCKER-USER"), *out, *turned, "-j", "ACCEPT")
    # What is turned is no longer the namespace's own, where the caps are asked.
    _in(lab, *("iptables", "-w", "-I", "DOCKER-USER", "!", "-i", UPLINK, "-d", lab.host_address, "-j", "LAB-CAPS"))


def tear_down(lab: Instance) -> None:
    """Remove it all; what is already gone is fine."""
    egress.close_host(lab)
    succeeds("ip", "route", "del", lab.sandboxes_net, "via", lab.engine_address)
    succeeds("ip", "link", "del", lab.veth)
    succeeds("ip", "netns", "del", lab.namespace)


def _in(lab: Instance, *argv: str, stdin: str | None = None) -> str:
    return sh("nsenter", f"--net=/run/netns/{lab.namespace}", *argv, stdin=stdin)


def _ipv4_rules(lab: Instance) -> str:
    reject = "-j REJECT --reject-with icmp-admin-prohibited"
    return f"""*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER-USER - [0:0]
:LAB-CAPS - [0:0]
:LAB-EGRESS - [0:0]
:LAB-NAMES - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -j LAB-CAPS
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -i {UPLINK} -s {lab.host_address} -j ACCEPT
-A INPUT ! -i {UPLINK} -d {SERVICE_ADDRESS} -p udp --dport 53 -j ACCEPT
-A INPUT ! -i {UPLINK} -d {SERVICE_ADDRESS} -p tcp -m multiport --dports 53,80,443,5000,5001 -j ACCEPT
-A INPUT -d {egress.NAMES_ADDRESS} -p udp --dport 53 -j LAB-NAMES
-A INPUT -d {egress.NAMES_ADDRESS} -p tcp --dport 53 -j LAB-NAMES
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
-A INPUT {reject}
-A DOCKER-USER -m physdev --physdev-is-bridged -j ACCEPT
-A DOCKER-USER -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A DOCKER-USER -i {UPLINK} -s {lab.host_address} -d {lab.sandboxes_net} -j ACCEPT
-A DOCKER-USER -o {UPLINK} -j LAB-EGRESS
-A DOCKER-USER -p tcp -j REJECT --reject-with tcp-reset
-A DOCKER-USER {reject}
COMMIT
*nat
:LAB-NAMES - [0:0]
-A PREROUTING ! -i {UPLINK} -j LAB-NAMES
COMMIT
"""


_IPV6_RULES = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
COMMIT
"""
