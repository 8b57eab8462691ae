"""The settings that a lab starts with: their sources, and which wins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from host import accounts, environment, images, instance
from host.instance import HostError, Instance


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "lab.env"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", {}),
        ("LAB_SIGNUP=cerrado\n", {"LAB_SIGNUP": "cerrado"}),
        ("# a comment\n\n   # another\n  \nLAB_A=1\n", {"LAB_A": "1"}),
        ('LAB_A="two words"\n', {"LAB_A": "two words"}),
        ("  LAB_A = 1  \n", {"LAB_A": "1"}),
        ("LAB_URL=sqlite:///x?a=b=c\n", {"LAB_URL": "sqlite:///x?a=b=c"}),
        ("LAB_A=\n", {"LAB_A": ""}),
        ("LAB_A=1\nLAB_A=2", {"LAB_A": "2"}),
        ("LAB_A=a#b\n", {"LAB_A": "a#b"}),
        ("LAB_A=ñandú\n", {"LAB_A": "ñandú"}),
    ],
)
def test_reads_names_and_values(tmp_path: Path, text: str, settings: dict[str, str]) -> None:
    assert environment.read(written(tmp_path, text)) == settings


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert environment.read(tmp_path / "none.env") == {}


@pytest.mark.parametrize(("text", "number"), [("LAB_A\n", 1), ("# x\n\nLAB_A=1\nexport LAB_B\n", 4)])
def test_a_bad_line_is_told_with_its_number(tmp_path: Path, text: str, number: int) -> None:
    path = written(tmp_path, text)
    with pytest.raises(HostError) as error:
        environment.read(path)
    assert f"{path}, línea {number}:" in str(error.value)
    assert f"«{text.splitlines()[number - 1]}»" in str(error.value)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """A lab whose folder is the test's, with nobody's variables; its owner need not exist."""
    for name in [name for name in os.environ if name.startswith("LAB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(instance, "STATE", tmp_path)
    monkeypatch.setattr(accounts, "ids", lambda: (os.getuid(), os.getgid()))
    monkeypatch.setattr(os, "chown", lambda *_: None)
    monkeypatch.setattr(images, "sandbox_reference", lambda: "sandbox:1")
    lab = Instance("prueba")
    lab.home.mkdir()
    return lab


def test_what_follows_from_the_labs_place_is_written(lab: Instance) -> None:
    settings = environment.write(lab)
    assert settings["LAB_NAME"] == "prueba"
    assert settings["LAB_ENGINE_URL"] == f"unix://{lab.socket}"
    assert settings["LAB_SANDBOX_IMAGE"] == "sandbox:1"
    assert environment.read(lab.env_file) == settings


def test_variables_of_whoever_runs_it_win(lab: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_BIND", "0.0.0.0:9000")
    monkeypatch.setenv("LAB_SIGNUP", "cerrado")
    monkeypatch.setenv("OTHER", "x")
    settings = environment.write(lab)
    assert settings["LAB_BIND"] == "0.0.0.0:9000"
    assert settings["LAB_SIGNUP"] == "cerrado"
    assert "OTHER" not in settings


def test_a_secret_may_come_in_a_file_of_the_operators(lab: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clave").write_text("la mía\n")
    monkeypatch.setenv("LAB_SECRET_KEY_FILE", str(tmp_path / "clave"))
    settings = environment.write(lab)
    assert settings["LAB_SECRET_KEY"] == "la mía"
    assert "LAB_SECRET_KEY_FILE" not in settings
    monkeypatch.setenv("LAB_SECRET_KEY", "otra")
    with pytest.raises(HostError, match="LAB_SECRET_KEY y LAB_SECRET_KEY_FILE dicen lo mismo"):
        environment.write(lab)


@pytest.mark.parametrize(("kind", "why"), [("none", "no existe"), ("folder", "es una carpeta"), ("noise", "no es texto")])
def test_a_secret_that_cannot_be_read_is_told(lab: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, why: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "noise").write_bytes(b"\xff\xfe\x00")
    monkeypatch.setenv("LAB_REDIS_PASSWORD_FILE", str(tmp_path / kind))
    with pytest.raises(HostError) as error:
        environment.write(lab)
    assert str(error.value) == f"no se puede leer LAB_REDIS_PASSWORD_FILE («{tmp_path / kind}»): {why}."


@pytest.mark.parametrize("name", sorted(environment.HOST_ONLY))
def test_variables_of_the_host_are_not_handed_on(lab: Instance, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    assert name not in environment.write(lab)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"LAB_BIND": "0.0.0.0:9000"}, "http://127.0.0.1:9000"),
        ({"LAB_BIND": "[::]:9000"}, "http://127.0.0.1:9000"),
        ({"LAB_BIND": "192.168.1.10:443", "LAB_TLS_CERT": "/x.crt"}, "https://192.168.1.10:443"),
        ({"LAB_URL": "https://aula.local"}, "https://aula.local"),
    ],
)
def test_the_url_follows_from_where_it_listens(lab: Instance, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], url: str) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert environment.write(lab)["LAB_URL"] == url


def test_the_secret_key_is_made_once_and_only_root_reads_it(lab: Instance) -> None:
    key = environment.write(lab)["LAB_SECRET_KEY"]
    assert len(key) >= 50
    assert environment.write(lab)["LAB_SECRET_KEY"] == key
    assert (lab.home / "secrets").stat().st_mode & 0o777 == 0o600


def test_two_labs_have_different_keys(lab: Instance) -> None:
    other = Instance("otro")
    other.home.mkdir()
    assert environment.write(lab)["LAB_SECRET_KEY"] != environment.write(other)["LAB_SECRET_KEY"]


def test_the_file_is_not_for_everybody(lab: Instance) -> None:
    environment.write(lab)
    assert lab.env_file.stat().st_mode & 0o007 == 0


def test_what_stops_a_site_for_a_while_starts_it_with_the_variables_it_was_started_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance, "STATE", tmp_path)
    lab = Instance("aula", composed=True)
    odd = 'una "clave" de \\dos palabras'
    environment.recall(lab)  # nothing is kept yet
    monkeypatch.setenv("LAB_BIND", "0.0.0.0:443")
    monkeypatch.setenv("LAB_SECRET_KEY", odd)
    monkeypatch.setenv("HOME", "/de/quien/sea")
    environment.remember(lab)
    assert environment.given(lab).stat().st_mode & 0o777 == 0o600
    assert "HOME" not in environment.given(lab).read_text()
    monkeypatch.delenv("LAB_SECRET_KEY")
    monkeypatch.setenv("LAB_BIND", "127.0.0.1:8443")
    environment.recall(lab)
    assert (os.environ["LAB_SECRET_KEY"], os.environ["LAB_BIND"]) == (odd, "127.0.0.1:8443")
