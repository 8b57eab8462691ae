"""Opens the internet to the sandboxes whose exercise needs it, and to no other.

    python -m host.egress SOCKET NAMESPACE SANDBOXES_NET SERVICE_ADDRESS      the `outlet` service

It is root, for the rules of the lab's namespace are, and it takes one order on its socket, which the web and the worker
reach: the whole list of the addresses that may go out. What is not in the list may not, so that an address that another
sandbox gets later brings nothing with it. Where they may go is not theirs to say: private ranges stay closed.
"""

from __future__ import annotations

import grp
import ipaddress
import os
import socketserver
import sys
from pathlib import Path

from host.instance import USER, HostError, Instance
from host.shell import sh, succeeds

NAMES_ADDRESS = "10.122.0.2"
"""Where the DNS that knows the whole internet's names listens, inside the namespace."""
LIMIT = 2000
"""Addresses at once; more is nobody's class."""
CLOSED = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
"""This network, the LAN's ranges, carriers', the host's, metadata's, multicast, the future's (RFC 6890)."""


class Refusal(Exception):
    """Why an order is not carried out; the message goes to whoever gave it."""


def parse(order: str, *, sandboxes: str) -> list[str]:
    """The addresses of an order, `set` and addresses between blanks; raises Refusal."""
    verb, *addresses = order.split() or [""]
    if verb != "set":
        raise Refusal("the only order is: set ADDRESS…")
    if len(addresses) > LIMIT:
        raise Refusal(f"more than {LIMIT} addresses")
    network = ipaddress.ip_network(sandboxes)
    for address in addresses:
        try:
            inside = ipaddress.IPv4Address(address) in network
        except ValueError:
            inside = False
        if not inside:
            raise Refusal(f"{address[:40]} is not an address of a sandbox")
    return sorted(set(addresses))


def rules(addresses: list[str], *, service: str) -> str:
    """The chains that let these addresses out, for `iptables-restore --noflush`."""
    closed = "".join(f"-A LAB-EGRESS -d {network} -j RETURN\n" for network in CLOSED)
    out = "".join(f"-A LAB-EGRESS -s {address} -j ACCEPT\n" for address in addresses)
    ask = "".join(f"-A LAB-NAMES -s {address} -j ACCEPT\n" for address in addresses)
    turn = "".join(
        f"-A LAB-NAMES -s {address} -d {service} -p {protocol} --dport 53 -j DNAT --to-destination {NAMES_ADDRESS}\n"
        for address in addresses
        for protocol in ("udp", "tcp")
    )
    return f"*filter\n:LAB-EGRESS - [0:0]\n:LAB-NAMES - [0:0]\n{closed}{out}{ask}COMMIT\n*nat\n:LAB-NAMES - [0:0]\n{turn}COMMIT\n"


def open_host(lab: Instance) -> None:
    """Let what leaves the namespace go on to the internet: forwarding, and the host's own address on it.

    The host itself stays closed to it. `close_host` undoes it, but for forwarding itself, which others may count on by then."""
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n")
    for table, chain, rule in _host_rules(lab):
        sh("iptables", "-w", "-t", table, "-I", chain, *rule)


def close_host(lab: Instance) -> None:
    """Remove the host's rules; what is already gone is fine."""
    for table, chain, rule in _host_rules(lab):
        while succeeds("iptables", "-w", "-t", table, "-D", chain, *rule):
            pass


def _host_rules(lab: Instance) -> list[tuple[str, str, tuple[str, ...]]]:
    new = ("-m", "conntrack", "--ctstate", "NEW")
    old = ("-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED")
    return [
        ("filter", "INPUT", ("-i", lab.veth, *new, "-j", "REJECT")),
        ("filter", "FORWARD", ("-i", lab.veth, "-j", "ACCEPT")),
        ("filter", "FORWARD", ("-o", lab.veth, *old, "-j", "ACCEPT")),
        ("nat", "POSTROUTING", ("-s", lab.engine_address, "!", "-o", lab.veth, "-j", "MASQUERADE")),
    ]


def resolvers() -> list[str]:
    """The DNS servers that the host asks, but for those on its own loopback, which the namespace can't reach."""
    chosen = os.environ.get("LAB_INTERNET_DNS", "")
    if chosen:
        return chosen.replace(",", " ").split()
    for file in (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf")):
        lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
        found = [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver" and not words[1].startswith(("127.", "::"))]
        if found:
            return found
    raise HostError("no se encuentra el DNS de esta máquina para LAB_INTERNET: di cuál con LAB_INTERNET_DNS.")


class _Handler(socketserver.StreamRequestHandler):
    timeout = 5
    namespace: str
    sandboxes: str
    service: str

    def handle(self) -> None:
        try:
            addresses = parse(self.rfile.readline(64 << 10).decode("ascii", errors="replace"), sandboxes=self.sandboxes)
            sh(
                *("nsenter", f"--net=/run/netns/{self.namespace}", "iptables-restore", "-w", "--noflush"),
                stdin=rules(addresses, service=self.service),
            )
        except (Refusal, HostError) as error:
            print(f"refused: {error}", flush=True)
            self.wfile.write(f"error: {error}\n".encode())
            return
        self.wfile.write(b"ok\n")


def main(socket_path: str, namespace: str, sandboxes: str, service: str) -> None:
    path = Path(socket_path)
    path.unlink(missing_ok=True)
    handler = type("Handler", (_Handler,), {"namespace": namespace, "sandboxes": sandboxes, "service": service})
    with socketserver.UnixStreamServer(socket_path, handler) as server:
        os.chown(path, 0, grp.getgrnam(USER).gr_gid)
        path.chmod(0o660)
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:5])
