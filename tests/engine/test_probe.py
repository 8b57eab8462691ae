"""What is kept with the code of the students' machines is true of a real one."""

from __future__ import annotations

from typing import Any

import pytest

from lessons import facts
from sandboxes import probe

pytestmark = pytest.mark.engine

OF_THE_HOST = {
    "cgroup": {"1", "2"},
    "ipvs": {"sí", "no"},
    "ipv6": {"sí", "no"},
    "recursos": {"propios", "ajenos"},
    "arquitectura": {"amd64", "arm64"},
}
"""Facts that another host may answer otherwise. The rest are the sandbox image's."""


@pytest.fixture
def seen(machine: str, real_lab: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(probe, "lab_engine", lambda: real_lab)
    return probe.probe(machine)


def test_what_is_kept_is_true_of_the_sandbox_image(seen: dict[str, str]) -> None:
    of_the_image = {name: value for name, value in facts.kept().items() if name not in OF_THE_HOST and name != "nucleo"}
    assert {name: seen[name] for name in of_the_image} == of_the_image, "run manage.py probe_machine --anotar"
    assert [name for name, values in OF_THE_HOST.items() if seen[name] not in values] == []
    assert seen["nucleo"][0].isdigit()


def test_privileges_and_ports_are_as_the_facts_say(machine: str, real_lab: Any, seen: dict[str, str]) -> None:
    left = real_lab.run(machine, ["sh", "-c", "docker images -aq; docker ps -aq; ls /tmp"])
    assert (left.code, left.output.strip()) == (0, b""), "the probe leaves nothing"
    tried = real_lab.run(machine, ["docker", "run", "--rm", "--privileged", "busybox:1.37", "true"], seconds=60)
    assert (tried.code == 0) == (seen["privilegiado"] == "sí"), tried.output
    real_lab.run(machine, ["docker", "run", "-d", "--name", "puertos", "-p", "8080:80", "busybox:1.37", "sleep", "1000"], seconds=60)
    told = real_lab.run(machine, ["docker", "port", "puertos"]).output.decode()
    assert ("[::]" in told) == (seen["ipv6"] == "sí"), told
