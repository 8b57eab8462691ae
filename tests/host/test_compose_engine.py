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
getattr(routes if sys.argv[1] == "open_up" else compose_engine, sys.argv[1])(lab)
"""


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


@pytest.mark.usefixtures("network")
def test_the_rules_are_asked_also_where_the_engine_does_not_see_to_it(tmp_path: Path) -> None:
    """Debian 12's, without a bridge of its own, when it comes back to the networks of its containers."""
    for _ in range(2):
        inside(sys.executable, "-c", CALL, "open_up", str(tmp_path), "")
    own = "iptables -N DOCKER-ISOLATION-STAGE-1; iptables -I FORWARD -j DOCKER-ISOLATION-STAGE-1"
    forward = inside("sh", "-ec", f"{own}; iptables -A FORWARD -i dc99-frente -j ACCEPT; iptables -S FORWARD").splitlines()
    assert forward.count("-A FORWARD -j DOCKER-USER") == 1
    assert forward.index("-A FORWARD -j DOCKER-USER") < forward.index("-A FORWARD -i dc99-frente -j ACCEPT")
    assert "-A DOCKER-USER -i dc99-+ -j LAB-COMPOSE-redes" in inside("iptables", "-S", "DOCKER-USER")


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
