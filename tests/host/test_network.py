"""The lab's firewall, as text: what its rules say and in which order."""

from __future__ import annotations

import re
import subprocess

import pytest

from host import network
from host.instance import SERVICE_ADDRESS, Instance
from host.network import _IPV6_RULES, CAPS, UPLINK, _ipv4_rules

LAB = Instance("lab")
RULES = _ipv4_rules(LAB)


def rules_of(chain: str) -> list[str]:
    return [line.removeprefix(f"-A {chain} ") for line in RULES.splitlines() if line.startswith(f"-A {chain} ")]


@pytest.mark.parametrize("chain", ["INPUT", "FORWARD"])
def test_what_no_rule_admits_is_dropped(chain: str) -> None:
    assert f":{chain} DROP [0:0]" in RULES


@pytest.mark.parametrize("chain", ["INPUT", "FORWARD", "OUTPUT"])
def test_ipv6_is_closed(chain: str) -> None:
    assert f":{chain} DROP [0:0]" in _IPV6_RULES
    assert "ACCEPT" not in _IPV6_RULES


@pytest.mark.parametrize("rules", [RULES, _IPV6_RULES], ids=["ipv4", "ipv6"])
def test_the_text_is_a_whole_table(rules: str) -> None:
    lines = rules.splitlines()
    assert lines[0] == "*filter"
    assert lines[-1] == "COMMIT"
    assert rules.endswith("COMMIT\n")


@pytest.mark.engine
def test_nobody_speaks_with_the_address_of_another_even_where_the_machine_is_lax() -> None:
    name = "dint-laxo"
    enter = ("nsenter", f"--net=/run/netns/{name}", "sh", "-ec")
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run([*enter, "for file in all default; do echo 2 >/proc/sys/net/ipv4/conf/$file/rp_filter; done"], check=True)
        set_all = 'for each; do echo "${each#*=}" >"/proc/sys/${each%%=*}"; done; ip link add puente type bridge'
        said = "cat /proc/sys/net/ipv4/conf/all/rp_filter /proc/sys/net/ipv4/conf/puente/rp_filter"
        done = subprocess.run([*enter, f"{set_all}; {said}", "sh", *network.SYSCTLS], check=True, capture_output=True, text=True)
        assert done.stdout.split() == ["1", "1"]
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.mark.parametrize("chain", ["INPUT", "DOCKER-USER"])
def test_what_is_not_admitted_is_rejected_at_once_and_last(chain: str) -> None:
    verdicts = [re.search(r"-j (\w+)", rule).group(1) for rule in rules_of(chain) if rule != "-j LAB-CAPS"]  # type: ignore[union-attr]
    assert verdicts == sorted(verdicts), "ACCEPT before REJECT"
    tcp, rest = rules_of(chain)[-2:]
    assert tcp == "-p tcp -j REJECT --reject-with tcp-reset"
    assert rest.startswith("-j REJECT"), "with no condition"


def test_sandboxes_reach_the_labs_services_and_no_other_port() -> None:
    admitted = [rule for rule in rules_of("INPUT") if f"! -i {UPLINK}" in rule]
    assert len(admitted) == 2
    assert all(f"-d {SERVICE_ADDRESS} " in rule for rule in admitted)
    ports = {re.search(r"-p (\w+)", rule).group(1): re.search(r"--dports? (\S+)", rule).group(1) for rule in admitted}  # type: ignore[union-attr]
    assert ports == {"udp": "53", "tcp": "53,80,443,5000,5001"}


def test_what_a_session_may_ask_of_the_services_is_capped_before_anything_is_admitted() -> None:
    rules = rules_of("INPUT")
    assert rules.index("-j LAB-CAPS") < next(number for number, rule in enumerate(rules) if "ESTABLISHED" in rule)
    assert {cap[cap.index("-j") + 1] for cap in CAPS} == {"DROP", "REJECT"}, "a cap admits nothing"
    questions, tokens, all_of_them, short_lived = CAPS
    assert "hashlimit" in questions
    assert tokens[tokens.index("--dport") + 1] == "5001"
    assert "--dport" not in (*all_of_them, *short_lived)
    assert "hashlimit" in short_lived
    assert all("28" in cap for cap in CAPS), "a session is its network, not one address"


def test_only_the_host_enters_from_outside() -> None:
    uplink = [rule for chain in ("INPUT", "DOCKER-USER") for rule in rules_of(chain) if re.search(rf"(?<!! )-i {UPLINK}", rule)]
    assert uplink == [
        f"-i {UPLINK} -s {LAB.host_address} -j ACCEPT",
        f"-i {UPLINK} -s {LAB.host_address} -d {LAB.sandboxes_net} -j ACCEPT",
    ]


def test_sandboxes_reach_nothing_by_route() -> None:
    """Forwarding admits what stays on one bridge, replies, and the host: no rule for a sandbox of another session."""
    admitted = [rule for rule in rules_of("DOCKER-USER") if rule.endswith("ACCEPT")]
    assert len(admitted) == 3
    assert "--physdev-is-bridged" in admitted[0]
    assert "ESTABLISHED,RELATED" in admitted[1]
    assert "NEW" not in RULES


def test_the_rules_are_of_their_own_lab() -> None:
    other = _ipv4_rules(Instance("pruebas"))
    assert LAB.host_address not in other
    assert LAB.sandboxes_net not in other


@pytest.mark.parametrize(
    ("routes", "composed", "taken"),
    [
        ([{"dst": "default"}, {"dst": "10.0.0.0/8"}, {"dst": "192.168.1.0/24"}], True, ""),
        ([{"dst": "10.140.0.0/16"}], False, "10.140.0.0/16"),
        ([{"dst": "10.140.0.0/30", "dev": "di-otro"}], True, "10.140.0.0/16"),
        ([{"dst": "10.141.0.0/16", "dev": "di-otro"}], True, "10.141.0.0/16"),
        ([{"dst": "10.141.128.0/24", "dev": "dc140-frente"}], True, ""),
        ([{"dst": "10.141.128.0/24", "dev": "br-de-otro"}], True, "10.141.0.0/16"),
        ([{"dst": "10.140.7.7"}], True, "10.140.0.0/16"),
    ],
)
def test_networks_that_somebody_has_are_not_taken(
    monkeypatch: pytest.MonkeyPatch, routes: list[dict[str, str]], composed: bool, taken: str
) -> None:
    monkeypatch.setenv("LAB_SUBNET_OCTET", "140")
    assert network.clash(Instance("tarde", composed=composed), routes) == taken


def test_what_is_turned_to_containers_is_capped_before_it_is_let_out(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(network, "_in", lambda _lab, *argv: asked.append(argv))
    network.forward_services(LAB)
    first = [argv for argv in asked if "DOCKER-USER" in argv][-1]  # each goes above those before
    assert first[first.index("-I") :][-2:] == ("-j", "LAB-CAPS")
    assert LAB.host_address in first
