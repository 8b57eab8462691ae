"""The units: what they say, and that systemd finds no fault in them."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from host import instance, systemd
from host.instance import ROOT, HostError, Instance


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    monkeypatch.setattr(instance, "STATE", tmp_path / "state")
    monkeypatch.setattr(systemd, "UNITS", tmp_path / "units")
    monkeypatch.setattr(systemd, "RUNS", tmp_path / "units")
    return Instance("aula", composed=True)


@pytest.fixture
def asked(lab: Instance, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What systemctl is asked."""
    systemd.UNITS.mkdir()
    calls: list[tuple[str, ...]] = []
    for name in ("sh", "succeeds"):
        monkeypatch.setattr(systemd, name, lambda *argv: calls.append(argv))
    return calls


def test_both_units_are_whole(lab: Instance) -> None:
    units = systemd.render(lab)
    assert set(units) == {"docker-intensivo-aula.service", "docker-intensivo-aula-host.service"}
    assert not [text for text in units.values() if "@" in text]
    assert f"WorkingDirectory={ROOT}\n" in units["docker-intensivo-aula.service"]
    assert "--name aula --composed" in units["docker-intensivo-aula-host.service"]
    assert "PartOf=docker-intensivo-aula.service" in units["docker-intensivo-aula-host.service"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine has no systemd-analyze")
def test_systemd_finds_no_fault_in_them(lab: Instance, tmp_path: Path) -> None:
    files = []
    for name, text in systemd.render(lab).items():
        files.append(tmp_path / name)
        files[-1].write_text(text)
    done = subprocess.run(("systemd-analyze", "verify", "--man=no", *map(str, files)), capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if "docker-intensivo" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_enabling_keeps_the_variables_and_disabling_takes_all_away(
    lab: Instance, asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_SUBNET_OCTET", "140")
    monkeypatch.setenv("LAB_SECRET_KEY", 'una "clave"')
    monkeypatch.setenv("BUNDLE", "/srv/aula.tar.gz")
    systemd.install(lab)
    kept = lab.home / "systemd.env"
    assert 'LAB_SUBNET_OCTET="140"\n' in kept.read_text()
    assert 'LAB_SECRET_KEY="una \\"clave\\""\n' in kept.read_text()
    assert 'BUNDLE="/srv/aula.tar.gz"\n' in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert ("systemctl", "enable", "docker-intensivo-aula.service") in asked
    systemd.stop(lab)
    assert asked[-1] == ("systemctl", "stop", "docker-intensivo-aula-host.service")
    systemd.remove(lab)
    assert list(systemd.UNITS.iterdir()) == []
    asked.clear()
    systemd.remove(lab)
    systemd.stop(lab)
    assert systemd.start(lab) is None
    assert asked == []


def test_a_person_who_starts_or_stops_the_site_has_its_unit_agree_and_the_unit_itself_has_not(
    lab: Instance, asked: list[tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd, "OWN_GROUP", tmp_path / "cgroup")
    systemd.agree(lab, "start")
    assert asked == [], "no units, nobody to tell"
    systemd.install(lab)
    (tmp_path / "cgroup").write_text("0::/user.slice/user-0.slice/session-1.scope\n")
    systemd.agree(lab, "start")
    assert asked[-1] == ("systemctl", "start", "docker-intensivo-aula.service")
    asked.clear()
    (tmp_path / "cgroup").write_text("0::/system.slice/docker-intensivo-aula.service\n")
    systemd.agree(lab, "stop")
    assert asked == [], "it would wait for itself"


def test_a_machine_without_systemd_is_told(lab: Instance) -> None:
    with pytest.raises(HostError, match="no la lleva systemd"):
        systemd.install(lab)


def test_systemd_is_told_when_the_lab_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listens:
        listens.bind(str(path))
        listens.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        systemd.tell_ready()
        assert listens.recv(64) == b"READY=1"
    systemd.tell_ready()  # who was not started by systemd has nobody to tell
