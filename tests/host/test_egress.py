"""Who is let out to the internet, as text: orders and rules."""

from __future__ import annotations

import pytest

from host import egress
from host.egress import CLOSED, Refusal, parse, rules

NET = "10.124.0.0/16"


def test_an_order_is_the_whole_list() -> None:
    assert parse("set 10.124.0.3 10.124.0.2 10.124.0.3\n", sandboxes=NET) == ["10.124.0.2", "10.124.0.3"]
    assert parse("set\n", sandboxes=NET) == []


@pytest.mark.parametrize(
    "order",
    [
        "",
        "add 10.124.0.2",
        "set 10.125.0.2",
        "set 10.124.0.2/16",
        "set ::1",
        "set -j",
        "set 10.124.0.2;reboot",
        "set " + "10.124.0.2 " * 2001,
    ],
)
def test_odd_orders_are_refused(order: str) -> None:
    with pytest.raises(Refusal):
        parse(order, sandboxes=NET)


def test_private_ranges_are_closed_before_anybody_is_let_out() -> None:
    out = [line for line in rules(["10.124.0.2"], service="10.122.0.1").splitlines() if line.startswith("-A LAB-EGRESS")]
    assert out == [*(f"-A LAB-EGRESS -d {network} -j RETURN" for network in CLOSED), "-A LAB-EGRESS -s 10.124.0.2 -j ACCEPT"]
    assert {"10.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16", "172.16.0.0/12"} <= set(CLOSED)


def test_an_empty_list_lets_nobody_out() -> None:
    assert "ACCEPT" not in rules([], service="10.122.0.1")
    assert "DNAT" not in rules([], service="10.122.0.1")


def test_the_dns_is_the_operators_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_INTERNET_DNS", "198.51.100.2, 198.51.100.3")
    assert egress.resolvers() == ["198.51.100.2", "198.51.100.3"]
