"""Where labs live: two never meet."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from host.instance import SERVICE_ADDRESS, STATE, Instance

PROPERTIES = sorted(name for name, value in vars(Instance).items() if isinstance(value, property) and not name.startswith("_"))
SHARED = {"bridge_net"}
"""The same for every lab: it stays inside the lab's network namespace."""


def test_the_properties_are_found() -> None:
    assert {"home", "socket", "veth", "sandboxes_net", "pid_file"} <= set(PROPERTIES)


@pytest.mark.parametrize("name", [name for name in PROPERTIES if name not in SHARED])
@pytest.mark.parametrize(("one", "other"), [("lab", "tests"), ("tests", "lab")])
def test_two_labs_share_nothing(name: str, one: str, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_SUBNET_OCTET", raising=False)
    assert getattr(Instance(one), name) != getattr(Instance(other), name)


@pytest.mark.parametrize("name", [name for name in PROPERTIES if name != "pid_file"])
def test_no_labs_path_is_inside_anothers(name: str) -> None:
    ours, others = getattr(Instance("lab"), name), Instance("tests")
    if isinstance(ours, Path):
        assert not ours.is_relative_to(others.home)
        assert not ours.is_relative_to(others.run)
    else:
        assert "tests" not in ours


@pytest.mark.parametrize("name", ["lab", "tests", "a", "abcdefghijkl"])
def test_the_links_name_fits_the_kernel(name: str) -> None:
    """IFNAMSIZ, linux/if.h: 15 characters and a zero."""
    assert len(Instance(name).veth) <= 15
    assert Instance(name).veth.endswith(name)


def test_the_longest_names_that_settings_admit_have_links_of_their_own() -> None:
    assert Instance("abcdefghijkl").veth != Instance("abcdefghijkm").veth


@pytest.mark.parametrize("octet", ["124", "140", "200"])
def test_the_networks_do_not_overlap(monkeypatch: pytest.MonkeyPatch, octet: str) -> None:
    monkeypatch.setenv("LAB_SUBNET_OCTET", octet)
    lab = Instance("lab")
    sandboxes = ipaddress.ip_network(lab.sandboxes_net)
    assert str(sandboxes) == f"10.{octet}.0.0/16"
    uplink = ipaddress.ip_interface(f"{lab.host_address}/30").network
    assert ipaddress.ip_address(lab.engine_address) in uplink
    assert lab.engine_address != lab.host_address
    bridge = ipaddress.ip_interface(lab.bridge_net).network
    assert not any(net.overlaps(sandboxes) for net in (uplink, bridge))
    assert not any(ipaddress.ip_address(SERVICE_ADDRESS) in net for net in (uplink, bridge, sandboxes))


def test_sockets_fit_in_an_address() -> None:
    """sun_path, unix(7): 108 bytes."""
    lab = Instance("abcdefghijkl")
    assert all(len(str(path)) < 108 for path in (lab.socket, lab.redis, lab.plugin_socket))


def test_what_the_web_may_write_is_not_where_the_engine_lives() -> None:
    lab = Instance("lab")
    assert lab.data.is_relative_to(STATE)
    assert not lab.engine_root.is_relative_to(lab.data)
    assert not lab.env_file.is_relative_to(lab.data)
