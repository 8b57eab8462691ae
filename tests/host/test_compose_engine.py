"""What an engine of ours for compose's containers leaves in the host's network goes with it, and nothing else does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.instance import ROOT

pytestmark = pytest.mark.engine
NAME = "dint-redes"
# As an engine does: chains of its own, rules that lead there, a bridge, forwarding and the policy that goes with it.
ENGINE = """
ip link add dc99-frente type bridge; ip link add ajeno type bridge
iptables -N DOCKER; iptables -N DOCKER-ISOLATION-STAGE-1; iptables -N DOCKER-USER 2>/dev/null || true
iptables -A DOCKER-ISOLATION-STAGE-1 -i dc99-frente ! -o dc99-frente -j DOCKER
iptables -I FORWARD -j DOCKER-USER; iptables -I FORWARD -j DOCKER-ISOLATION-STAGE-1; iptables -A FORWARD -o dc99-frente -j DOCKER
iptables -t nat -N DOCKER; iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A POSTROUTING -s 10.100.128.0/24 ! -o dc99-frente -j MASQUERADE
iptables -t nat -A POSTROUTING -s 10.100.132.5/32 -d 10.100.132.5/32 -p tcp -m tcp --dport 5000 -j MASQUERADE
echo 1 >/proc/sys/net/ipv4/ip_forward; iptables -P FORWARD DROP
"""
CALL = """
import sys
from pathlib import Path
from host import compose_engine, instance, routes
instance.RUN = Path(sys.argv[2])
compose_engine.url = lambda _lab: sys.argv[3] or None
lab = instance.Instance("redes", composed=True)
lab.run.mkdir(exist_ok=True)
getattr(routes if sys.argv[1] in ("open_up", "close") else compose_engine, sys.argv[1])(lab)
"""
LISTEN = "import socket; s = socket.create_server(('', 7)); print('ready', flush=True)\nwhile True: s.accept()[0].close()"
REACH = "import socket, sys; socket.create_connection((sys.argv[1], 7), timeout=2)"


def inside(*words: str) -> str:
    enter = ("nsenter", f"--net=/run/netns/{NAME}")
    done = subprocess.run([*enter, *words], cwd=ROOT, env=ENV, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LAB_SUBNET_OCTET": "99"}


def state() -> str:
    """What a machine has of its own: rules, bridges, forwarding."""
    tables = "iptables -S; iptables -t nat -S"
    return inside("sh", "-ec", f"{tables}; ip -o link show type bridge | cut -d: -f2; cat /proc/sys/net/ipv4/ip_forward")


@pytest.fixture
def network() -> Iterator[None]:
    """A machine's, with a rule that is its operator's."""
    subprocess.run(["ip", "netns", "add", NAME], check=True)
    try:
        inside("sh", "-ec", "echo 0 >/proc/sys/net/ipv4/ip_forward; iptables -A FORWARD -s 10.9.0.0/16 -j REJECT; iptables -t nat -S")
        yield
    finally:
        subprocess.run(["ip", "netns", "del", NAME], check=True)


@pytest.fixture
def machines(network: None, tmp_path: Path) -> Iterator[tuple[str, str, str]]:
    """A container on a bridge of compose's, the machine's network with an engine's rules, and a neighbour of the machine."""
    names = (f"{NAME}-dentro", NAME, f"{NAME}-vecina")
    for name in (names[0], names[2]):
        subprocess.run(["ip", "netns", "add", name], check=True)
    script = f"""
    ip link add dc99-frente type bridge; ip addr add 10.100.128.1/24 dev dc99-frente; ip link set dc99-frente up
    ip link add hacia type veth peer name eth0 netns {names[0]}; ip link set hacia master dc99-frente up
    ip -n {names[0]} addr add 10.100.128.2/24 dev eth0; ip -n {names[0]} link set eth0 up
    ip -n {names[0]} route add default via 10.100.128.1
    ip link add vecina type veth peer name eth0 netns {names[2]}; ip addr add 10.8.9.1/24 dev vecina; ip link set vecina up
    ip -n {names[2]} addr add 10.8.9.2/24 dev eth0; ip -n {names[2]} link set eth0 up; ip -n {names[2]} route add default via 10.8.9.1
    echo 1 >/proc/sys/net/ipv4/ip_forward"""
    try:
        inside("sh", "-ec", script)
        yield names
    finally:
        for name in (names[0], names[2]):
            subprocess.run(["ip", "netns", "del", name], check=True)


def test_nothing_gets_out_though_the_engine_asks_its_own_rules_first(machines: tuple[str, str, str], tmp_path: Path) -> None:
    """Debian 12's, without a bridge of its own, when it comes back to the networks of its containers."""
    container, _host, neighbour = machines

    def passes(source: str, address: str) -> bool:
        ping = ("nsenter", f"--net=/run/netns/{source}", sys.executable, "-c", REACH, address)
        return subprocess.run(ping, check=False, timeout=20).returncode == 0

    with subprocess.Popen(["nsenter", f"--net=/run/netns/{neighbour}", sys.executable, "-c", LISTEN], stdout=subprocess.PIPE) as listener:
        assert listener.stdout
        listener.stdout.readline()
        try:
            assert passes(container, "10.8.9.2")
            for _ in range(2):
                inside(sys.executable, "-c", CALL, "open_up", str(tmp_path), "")
            inside("sh", "-ec", "iptables -I FORWARD -i dc99-frente ! -o dc99-frente -j ACCEPT; iptables -A FORWARD -j DOCKER-USER")
            assert not passes(container, "10.8.9.2")
            inside(sys.executable, "-c", CALL, "close", str(tmp_path), "")
            assert passes(container, "10.8.9.2")
            assert "redes" not in inside("sh", "-ec", "iptables -S; iptables -t security -S")
        finally:
            listener.kill()


@pytest.mark.usefixtures("network")
def test_the_machines_network_is_what_it_was(tmp_path: Path) -> None:
    def call(what: str, *, answers: str = "") -> None:
        inside(sys.executable, "-c", CALL, what, str(tmp_path), answers)

    before = state()
    call("remember")
    inside("sh", "-ec", ENGINE)
    call("forget")
    assert state().replace(" ajeno\n", "") == before
    call("forget")  # nothing to forget: nothing happens

    inside("sh", "-ec", f"ip link del ajeno;{ENGINE}")
    theirs = state()
    call("remember")
    call("forget")
    assert state() == theirs.replace(" dc99-frente\n", "")  # another engine's chains were there before ours
    inside("sh", "-ec", "ip link add dc99-frente type bridge; iptables -P FORWARD ACCEPT")
    theirs = state()
    call("remember")
    call("forget", answers="unix:///var/run/docker.sock")
    assert state() == theirs
