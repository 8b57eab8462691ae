"""Copies of a composed site: what is in one, what is refused, and that what was there is there again."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from host import accounts, backup, compose, compose_engine, compose_files, containers, environment, instance, restore
from host.instance import HostError, Instance

MADE = "2026-11-29T10:00:00+01:00"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """A composed lab whose folders are the test's, with no engine and no users of its own."""
    for module in (instance, backup, restore, compose, compose_files):
        monkeypatch.setattr(module, "STATE", tmp_path / "state", raising=False)
    monkeypatch.setattr(instance, "RUN", tmp_path / "run")
    monkeypatch.setattr(backup, "AUTHORITY", tmp_path / "state" / "ca")
    monkeypatch.setattr(backup.environment, "file", lambda lab: tmp_path / "etc" / f"{lab.name}.env")
    monkeypatch.setattr(compose_engine, "url", lambda _lab: None)
    monkeypatch.setattr(accounts, "ensure", lambda: None)
    monkeypatch.setattr(accounts, "ids", lambda: (os.getuid(), os.getgid()))
    monkeypatch.setattr(accounts, "remapped_root", lambda: 1_000_000)
    return Instance("prueba", composed=True)


@pytest.fixture
def poured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database and the recordings, without containers."""

    def pour(_lab: Instance, *words: str, into: Path) -> None:
        into.write_text(" ".join(words))

    monkeypatch.setattr(containers, "pour", pour)


def furnish(lab: Instance, *, authority: str = "una") -> None:
    """A site as it is on disk: secrets, certificates, something pushed, its settings."""
    files = {
        backup.AUTHORITY / "ca.crt": authority,
        lab.home / "secrets": "LAB_SECRET_KEY=s",
        lab.compose / "database_password": "clave",
        lab.compose / "tls.crt": f"firmado por {authority}",
        lab.compose / "site.env": "LAB_URL='https://aula.example'\n",
        lab.home / "registry" / "server.key": f"de {authority}",
        lab.registry_store / "docker/registry/v2/blobs/capa": "capa",
        lab.registry_store / "docker/registry/v2/repositories/ana/web/_uploads/medio": "a medias",
        environment.file(lab): "LAB_SIGNUP=codigo\n",
        lab.disk: "disco",
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def make_copy(lab: Instance, folder: Path, *, disk: bool = False) -> Path:
    with backup.draft(lab, folder) as draft:
        backup.save(lab, draft)
        if disk:
            backup.save_disk(lab, draft)
    return folder


@pytest.mark.usefixtures("poured")
def test_a_copy_has_all_of_it_and_only_its_owner_reads_it(lab: Instance, tmp_path: Path) -> None:
    furnish(lab)
    folder = make_copy(lab, tmp_path / "lunes", disk=True)
    assert {file.name for file in folder.iterdir()} == {
        *(backup.MANIFEST, backup.SITE, backup.DATABASE),
        *(backup.RECORDINGS, backup.REGISTRY, backup.DISK),
    }
    assert folder.stat().st_mode & 0o777 == 0o700
    listed = subprocess.run(("tar", "-tf", str(folder / backup.REGISTRY)), capture_output=True, text=True, check=True).stdout
    assert "blobs/capa" in listed
    assert "_uploads" not in listed
    says = backup.read(folder).says
    assert (says.site, says.url) == ("prueba", "https://aula.example")
    assert any(name.startswith("sandboxes.0001") for name in says.migrations)


@pytest.mark.usefixtures("poured")
def test_what_is_there_is_never_written_over(lab: Instance, tmp_path: Path) -> None:
    furnish(lab)
    folder = make_copy(lab, tmp_path / "lunes")
    with pytest.raises(HostError, match="ya existe"), backup.draft(lab, folder):
        pass
    with pytest.raises(HostError, match="no se escribe encima: quítalo con"):
        restore.refuse_taken(lab, backup.read(folder))


def test_a_copy_that_was_cut_short_leaves_nothing(lab: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise HostError("no se pudo")

    monkeypatch.setattr(containers, "pour", fail)
    furnish(lab)
    with pytest.raises(HostError, match="no se pudo"):
        make_copy(lab, tmp_path / "lunes")
    assert not list(tmp_path.glob("lunes*"))


def break_manifest(folder: Path) -> None:
    (folder / backup.MANIFEST).unlink()


def break_database(folder: Path) -> None:
    (folder / backup.DATABASE).write_text("otra cosa")


def lose_database(folder: Path) -> None:
    (folder / backup.DATABASE).unlink()


def break_words(folder: Path) -> None:
    (folder / backup.MANIFEST).write_text('{"format": 1}')


def change(folder: Path, **facts: Any) -> None:
    manifest = folder / backup.MANIFEST
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **facts}))


@pytest.mark.parametrize(
    ("breaks", "sentence"),
    [
        (break_manifest, "no es una copia"),
        (break_words, "no es una copia"),
        (break_database, "está dañada"),
        (lose_database, "está dañada"),
        (lambda folder: change(folder, format=9), "de otra versión"),
        (lambda folder: change(folder, migrations=["lessons.9999_futuro"]), "versión posterior del proyecto"),
    ],
)
@pytest.mark.usefixtures("poured")
def test_a_copy_that_cannot_be_used_is_told_before_anything_is_touched(lab: Instance, tmp_path: Path, breaks: Any, sentence: str) -> None:
    furnish(lab)
    folder = make_copy(lab, tmp_path / "lunes")
    breaks(folder)
    other = Instance("otro", composed=True)
    with pytest.raises(HostError, match=sentence):
        restore.refuse_taken(other, backup.read(folder))
    assert not other.home.exists()


@pytest.mark.usefixtures("poured")
def test_a_site_is_laid_down_as_it_was(lab: Instance, tmp_path: Path) -> None:
    furnish(lab)
    copy = backup.read(make_copy(lab, tmp_path / "lunes", disk=True))
    for place in (tmp_path / "state", tmp_path / "etc"):
        subprocess.run(("rm", "-rf", place), check=True)
    restore.refuse_taken(lab, copy)
    restore.lay_down(lab, copy)
    assert (lab.compose / "database_password").read_text() == "clave"
    assert (lab.home / "registry" / "server.key").read_text() == "de una"
    assert not (lab.compose / "site.env").exists()  # where it was is not where it is
    assert (backup.AUTHORITY / "ca.crt").read_text() == "una"
    assert (environment.file(lab)).read_text() == "LAB_SIGNUP=codigo\n"
    assert lab.disk.read_text() == "disco"
    with pytest.raises(HostError, match="no acabó"):
        restore.refuse_unfinished(lab)
    restore.refuse_taken(lab, copy)  # the same copy again: it goes on
    restore.finish(lab)
    restore.refuse_unfinished(lab)


@pytest.mark.usefixtures("poured")
def test_beside_another_site_its_authority_stays_and_certificates_are_made_anew(lab: Instance, tmp_path: Path) -> None:
    furnish(lab)
    copy = backup.read(make_copy(lab, tmp_path / "lunes"))
    subprocess.run(("rm", "-rf", lab.home), check=True)
    (backup.AUTHORITY / "ca.crt").write_text("otra")
    other = Instance("ensayo", composed=True)
    restore.refuse_taken(other, copy)
    restore.lay_down(other, copy)
    assert (backup.AUTHORITY / "ca.crt").read_text() == "otra"
    assert (other.compose / "database_password").read_text() == "clave"
    assert not (other.compose / "tls.crt").exists()
    assert not (other.home / "registry").exists()
    assert not environment.file(other).exists()


@pytest.mark.usefixtures("poured")
def test_the_sandboxes_disk_is_for_the_same_name_and_ids(lab: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    furnish(lab)
    copy = backup.read(make_copy(lab, tmp_path / "lunes", disk=True))
    with pytest.raises(HostError, match="LAB_NAME=prueba"):
        restore.refuse_taken(Instance("otro", composed=True), copy)
    subprocess.run(("rm", "-rf", lab.home), check=True)
    monkeypatch.setattr(accounts, "remapped_root", lambda: 2_000_000)
    restore.lay_down(lab, copy)
    assert not lab.disk.exists()
    assert "otros identificadores" in restore.summary(lab, copy)


@pytest.mark.usefixtures("poured")
def test_the_sandboxes_disk_is_for_the_same_networks(lab: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_SUBNET_OCTET", "140")
    furnish(lab)
    copy = backup.read(make_copy(lab, tmp_path / "lunes", disk=True))
    subprocess.run(("rm", "-rf", lab.home), check=True)
    monkeypatch.setenv("LAB_SUBNET_OCTET", "150")
    with pytest.raises(HostError, match="LAB_SUBNET_OCTET=140"):
        restore.refuse_taken(lab, copy)
    monkeypatch.delenv("LAB_SUBNET_OCTET")
    restore.refuse_taken(lab, copy)
    monkeypatch.setattr(compose, "_up", lambda *_args, **_more: None)
    compose._restore(lab, tmp_path / "lunes")
    assert lab.subnet_octet == "140"


@pytest.mark.parametrize(
    ("words", "sentence"), [(("backup",), "di en qué carpeta"), (("restore",), "di en qué carpeta"), (("remove",), "di cuál")]
)
def test_what_has_to_be_said_is_asked_for(lab: Instance, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str) -> None:
    assert compose.main(list(words)) == 1
    assert sentence in capsys.readouterr().err


def test_a_site_keeps_its_networks_until_it_is_started_with_others(lab: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.compose.mkdir(parents=True)
    compose_files.dot_env(lab).write_text("LAB_SUBNET_OCTET='140'\n")
    monkeypatch.setenv("LAB_SUBNET_OCTET", "150")
    compose._recall_octet(lab, anew=True)
    assert lab.subnet_octet == "150"
    compose._recall_octet(lab, anew=False)
    assert lab.subnet_octet == "140"
    monkeypatch.delenv("LAB_SUBNET_OCTET")
    compose._recall_octet(lab, anew=True)
    assert lab.subnet_octet == "140"
