"""The internet, played by a network namespace on the host: one sandbox is let out, its neighbour is not.

`make test` raises its lab with LAB_INTERNET, and with this internet's DNS as the one to ask.
"""

from __future__ import annotations

import socket
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from sandboxes.engine import Flavor, Limits
from tests.conftest import wait_until

pytestmark = pytest.mark.engine
WORLD, HERE, NAMESPACE = "198.18.0.2", "198.18.0.1", "di-mundo"


def host(*argv: str, check: bool = True) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=check).stdout


@pytest.fixture(scope="module")
def world() -> Iterator[None]:
    """A web server and a DNS at an address of the range for benchmarks (RFC 2544), behind a veth of the host's."""
    host("ip", "netns", "del", NAMESPACE, check=False)
    host("ip", "netns", "add", NAMESPACE)
    inside = ("nsenter", f"--net=/run/netns/{NAMESPACE}")
    processes = []
    try:
        host("ip", "link", "add", NAMESPACE, "type", "veth", "peer", "name", "eth0", "netns", NAMESPACE)
        host("ip", "addr", "add", f"{HERE}/24", "dev", NAMESPACE)
        host("ip", "link", "set", NAMESPACE, "up")
        for words in (("addr", "add", f"{WORLD}/24", "dev", "eth0"), ("link", "set", "eth0", "up"), ("link", "set", "lo", "up")):
            host("ip", "-n", NAMESPACE, *words)
        names = ("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=", "--user=root")
        processes = [
            subprocess.Popen([*inside, *names, f"--address=/mundo.example/{WORLD}"], stderr=subprocess.DEVNULL),
            subprocess.Popen([*inside, "python3", "-m", "http.server", "8000", "--directory", "/usr/share/doc/bash"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL),
        ]  # fmt: skip
        wait_until(
            lambda: subprocess.run(["curl", "-sf", "-o", "/dev/null", f"http://{WORLD}:8000/"], check=False).returncode == 0, seconds=30
        )
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
        host("ip", "netns", "del", NAMESPACE, check=False)


@pytest.fixture(scope="module")
def machines(real_lab: Any) -> Iterator[list[str]]:
    names = [f"lab-prueba-{uuid.uuid4().hex[:8]}" for _ in range(2)]
    try:
        for name in names:
            real_lab.create(name, hostname="lab", labels={"lab.purpose": "test"}, limits=Limits(), flavor=Flavor())
            real_lab.start(name)
        yield names
    finally:
        for name in names:
            real_lab.remove(name)


def let_out(*addresses: str) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(settings.ENV.egress_socket)
        client.sendall(f"set {' '.join(addresses)}\n".encode())
        return client.recv(1000).decode().strip()


def test_only_who_is_let_out_reaches_the_internet_and_nobody_what_is_private(real_lab: Any, world: None, machines: list[str]) -> None:
    mine, theirs = machines

    def reaches(machine: str, url: str) -> bool:
        return real_lab.run(machine, ["curl", "-s", "-m", "20", "-o", "/dev/null", url], seconds=60).code == 0  # type: ignore[no-any-return]

    by_name, by_address = "http://mundo.example:8000/", f"http://{WORLD}:8000/"
    assert not reaches(mine, by_address)
    assert let_out(*real_lab.addresses(mine)) == "ok"
    try:
        assert reaches(mine, by_address)
        assert reaches(mine, by_name)
        assert not reaches(theirs, by_address)
        assert not reaches(theirs, by_name)
        for closed in (
            f"http://{real_lab.addresses(theirs)[0]}/",
            f"http://{HERE}:8000/",
            "http://169.254.169.254/",
            "http://10.122.0.2:53/",
        ):
            assert not reaches(mine, closed), closed
        refused = real_lab.run(mine, ["curl", "-s", "-m", "5", "telnet://10.127.0.1:22"], seconds=20)
        assert refused.code
    finally:
        assert let_out() == "ok"
    assert not reaches(mine, by_address)
    assert let_out("10.1.2.3").startswith("error")
