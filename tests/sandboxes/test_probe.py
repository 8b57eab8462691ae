"""How a machine's answers are read; what a real one answers is tests/engine/test_probe.py's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from lessons import facts
from sandboxes import probe
from sandboxes.engine import EngineError, ExecResult

INFO: dict[str, Any] = {
    "ServerVersion": "26.1.5+dfsg1",
    "Driver": "overlay2",
    "DriverStatus": [["Backing Filesystem", "btrfs"], ["Supports d_type", "true"]],
    "CgroupVersion": "1",
    "MemTotal": 24 << 30,
    "OperatingSystem": "Debian GNU/Linux 13 (trixie) (containerized)",
    "Architecture": "x86_64",
    "KernelVersion": "6.1.0-30-amd64",
}


def answers(info: dict[str, Any] | None = None, **told: str) -> str:
    lines = {
        "info": json.dumps({**INFO, **(info or {})}),
        "antiguo": '{"message":"dockerfile parse error on line 1: unknown instruction: LAB"}',
        "limite": str(512 << 20),
        "ipvs": "",
        "ipv6": "1",
        "systemd": "",
        "usuarios": "         0    1000000      65536",
        "internet": "",
        **told,
    }
    return "\n".join(f"{name} {value}" for name, value in lines.items())


def test_a_sandboxs_answers_are_what_is_kept_with_the_code() -> None:
    assert probe.read(answers()) == {**facts.kept(), "nucleo": "6.1.0-30-amd64"}


OTHERS = [
    (
        {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]], "Driver": "overlayfs"},
        {},
        {"containerd": "sí", "controlador": "overlayfs"},
    ),
    ({"DriverStatus": None}, {}, {"containerd": "no"}),
    ({"OperatingSystem": "Docker Desktop"}, {}, {"escritorio": "sí"}),
    ({"Architecture": "aarch64"}, {}, {"arquitectura": "arm64"}),
    ({"Architecture": "riscv64"}, {}, {"arquitectura": "riscv64"}),
    ({"CgroupVersion": "2"}, {"limite": "max"}, {"cgroup": "2", "recursos": "propios", "memoria": str(24 << 10)}),
    ({}, {"limite": str(2**63)}, {"recursos": "propios"}),
    ({}, {"antiguo": '{"message":"page not found"}'}, {"antiguo": "no"}),
    ({}, {"ipvs": "/proc/net/ip_vs"}, {"ipvs": "sí"}),
    ({}, {"ipv6": "0"}, {"ipv6": "sí"}),
    ({}, {"ipv6": ""}, {"ipv6": "no"}),
    ({}, {"systemd": "/run/systemd/system"}, {"systemd": "sí"}),
    ({}, {"usuarios": "0 0 4294967295"}, {"privilegiado": "sí"}),
    ({}, {"internet": "54.1.2.3 registry-1.docker.io"}, {"internet": "sí"}),
]


@pytest.mark.parametrize(("info", "told", "wanted"), OTHERS)
def test_other_machines_answer_otherwise(info: dict[str, Any], told: dict[str, str], wanted: dict[str, str]) -> None:
    assert wanted.items() <= probe.read(answers(info, **told)).items()


class Asked:
    """An engine in which one question is answered."""

    def __init__(self, said: str) -> None:
        self.said, self.times = said, 0

    def run(self, _name: str, _argv: list[str], *, seconds: float) -> ExecResult:
        self.times += 1
        return ExecResult(0, self.said.encode())


@pytest.fixture(autouse=True)
def nobody_has_looked() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def test_a_machine_is_asked_once_for_its_image(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    engine = Asked(answers({"CgroupVersion": "2"}))
    monkeypatch.setattr(probe, "lab_engine", lambda: engine)
    probe.learn("lab-1")
    probe.learn("lab-2")
    assert (engine.times, facts.current()["cgroup"]) == (1, "2")
    settings.ENV = settings.ENV.model_copy(update={"sandbox_image": "docker-intensivo/sandbox:otra"})
    probe.learn("lab-3")
    assert engine.times == 2


@pytest.mark.parametrize("said", ["", "Cannot connect to the Docker daemon", answers().replace("limite", "limita")])
def test_what_is_no_answer_changes_nothing(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    engine = Asked(said)
    monkeypatch.setattr(probe, "lab_engine", lambda: engine)
    with pytest.raises(EngineError):
        probe.probe("lab-1")
    probe.learn("lab-1")
    assert facts.current() == facts.kept()
    probe.learn("lab-1")
    assert engine.times == 3, "the next machine is asked again"
