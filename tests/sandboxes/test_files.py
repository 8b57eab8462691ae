"""The files of a home: the very scripts, on a folder of the test's; and the findings in what is being written."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lessons import catalog
from sandboxes import lifecycle
from sandboxes.engine import ExecResult
from sandboxes.files import findings, transfer
from sandboxes.files.workspace import TEXT_LIMIT, Refused, Workspace
from sandboxes.models import Sandbox
from sandboxes.planting import HOME
from tests.conftest import work


class Here:
    """A lab engine whose one machine is this one, with its home in a folder."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, _name: str, argv: list[str], *, user: str = "root", seconds: float = 20) -> ExecResult:
        assert user == "alumno"
        done = subprocess.run([argv[0], argv[1], argv[2].replace(HOME, str(self.home)), *argv[3:]], capture_output=True, check=False)
        return ExecResult(done.returncode, done.stdout + done.stderr)

    def put_files(self, _name: str, folder: str, files: Any, *, owner: int) -> None:
        for file in files:
            (Path(folder) / file.path).write_bytes(file.content)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def space(home: Path) -> Workspace:
    return Workspace(Here(home), "lab-x")  # type: ignore[arg-type]


def refused(status: int) -> Any:
    return pytest.raises(Refused, check=lambda error: error.status == status)


def test_what_is_saved_is_read_and_listed(space: Workspace, home: Path) -> None:
    digest = space.write("web/Dockerfile", "FROM busybox:1.37\nCMD echo «hola»\n", expected="new")
    assert (home / "web/Dockerfile").read_text() == "FROM busybox:1.37\nCMD echo «hola»\n"
    assert space.read("web/Dockerfile").digest == digest
    (home / ".bashrc").write_text("nobody edits this here")
    (home / "a\nb").write_text("")
    (home / "enlace").symlink_to("/etc")
    entries, cut = space.list()
    assert [(entry.path, entry.kind) for entry in entries] == [("enlace", "other"), ("web", "folder"), ("web/Dockerfile", "file")]
    assert not cut


def test_a_save_over_what_changed_meanwhile_is_refused_and_harms_nothing(space: Workspace, home: Path) -> None:
    digest = space.write("app.py", "uno", expected="new")
    (home / "app.py").write_text("dos, en la terminal")
    with refused(409):
        space.write("app.py", "tres", expected=digest)
    assert (home / "app.py").read_text() == "dos, en la terminal"
    with refused(409):
        space.write("app.py", "", expected="new")
    space.write("app.py", "tres", expected="any")
    assert (home / "app.py").read_text() == "tres"


def test_a_file_is_written_in_place(space: Workspace, home: Path) -> None:
    (home / "montado").write_text("uno")
    (home / "montado").chmod(0o755)
    before = (home / "montado").stat()
    space.write("montado", "dos", expected=hashlib.sha256(b"uno").hexdigest())
    after = (home / "montado").stat()
    assert (before.st_ino, before.st_mode) == (after.st_ino, after.st_mode)


def test_large_texts_go_in_several_words_and_larger_ones_not_at_all(space: Workspace, home: Path) -> None:
    text = "ñ" * (TEXT_LIMIT // 2)
    space.write("largo", text, expected="new")
    assert space.read("largo").text == text
    with refused(413):
        space.write("largo", text + "ñ", expected="any")
    (home / "largo").write_text(text + "ñ")
    with refused(413):
        space.read("largo")


@pytest.mark.parametrize("content", [b"\x00\x01", b"\xff\xfe"])
def test_what_is_no_text_is_not_opened(space: Workspace, home: Path, content: bytes) -> None:
    (home / "foto").write_bytes(content)
    with refused(415):
        space.read("foto")


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "a\nb", "x" * 300, "a/" * 30 + "b"])
def test_no_path_leads_out_of_the_home(space: Workspace, path: str) -> None:
    for attempt in (space.read, space.delete, space.make_folder, lambda path: space.rename("a", path)):
        with refused(400):
            attempt(path)


@pytest.mark.parametrize("name", ["-rf", "$(touch mal)", "a b;c", "«ñ».yaml", "'", '"'])
def test_names_are_only_names(space: Workspace, home: Path, name: str) -> None:
    space.write(name, "x", expected="new")
    space.rename(name, f"{name}2")
    space.make_folder(f"carpeta{name}/dentro")
    space.delete(f"{name}2")
    assert [path.name for path in home.iterdir()] == [f"carpeta{name}"]


def test_renaming_replaces_nothing_and_what_is_gone_is_said(space: Workspace, home: Path) -> None:
    space.write("a", "1", expected="new")
    space.write("b", "2", expected="new")
    with refused(409):
        space.rename("a", "b")
    with refused(409):
        space.make_folder("a")
    for attempt in (space.read, space.delete, lambda path: space.rename(path, "z")):
        with refused(404):
            attempt("nada")
    with refused(404):
        space.write("nada", "x", expected="0" * 64)
    assert (home / "b").read_text() == "2"


def test_an_upload_replaces_only_when_asked_and_leaves_nothing_beside(space: Workspace, home: Path) -> None:
    here = Here(home)
    transfer.put(here, "lab-x", str(home), "-foto.png", b"\x00\x01", replace=False)  # type: ignore[arg-type]
    with refused(409):
        transfer.put(here, "lab-x", str(home), "-foto.png", b"\x02", replace=False)  # type: ignore[arg-type]
    assert (home / "-foto.png").read_bytes() == b"\x00\x01"
    transfer.put(here, "lab-x", str(home), "-foto.png", b"\x03", replace=True)  # type: ignore[arg-type]
    assert (home / "-foto.png").read_bytes() == b"\x03"
    with refused(422):
        transfer.put(here, "lab-x", f"{home}/nada", "a", b"", replace=True)  # type: ignore[arg-type]
    assert not list(Path("/tmp").glob(".subida-*"))


# ── findings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("Dockerfile", "dockerfile"), ("a/Dockerfile.dev", "dockerfile"), ("web.dockerfile", "dockerfile"), ("compose.yaml", "compose"),
        ("docker-compose.prod.yml", "compose"), ("otro.yml", "yaml"), ("app.py", ""), ("Dockerfiles/leeme", ""),
    ],
)  # fmt: skip
def test_what_a_file_is_follows_from_its_name(path: str, kind: str) -> None:
    assert findings.kind_of(path) == kind


def test_a_dockerfiles_slips_are_told_by_line_in_spanish() -> None:
    found = findings.of_dockerfile("FROM debian\nRUM echo hola\nRUN apt-get install curl\n")
    assert any(one.line == 2 and "no es ninguna instrucción" in one.message for one in found)
    assert not any(one.source == "DL1000" for one in found)
    found = findings.of_dockerfile("FROM debian\nRUN cd /tmp && apt-get install curl\n")
    assert {(one.line, one.source) for one in found} >= {(1, "DL3006"), (2, "DL3003")}
    assert all(one.message[0].isupper() for one in found)


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [("a: 1\nb:\n\tc: 2\n", 3, "tabulador"), ("a: 1\nb: c: 2\n", 2, "YAML"), ("a: [1\n", 2, "YAML"), ("a: 1\n", 0, "")],
)
def test_yaml_is_told_where_it_ends_being_so(text: str, line: int, word: str) -> None:
    found = findings.of_yaml(text)
    assert [one.line for one in found] == ([line] if line else [])
    assert all(word in one.message for one in found)


@pytest.mark.parametrize(
    ("complaint", "line"),
    [
        ("services.web Additional property imagen is not allowed", 3), ('service "web" depends on undefined service "db": x', 2),
        ("yaml: line 2: mapping values are not allowed", 2), ("nada de lo conocido", 1),
    ],
)  # fmt: skip
def test_composes_complaint_is_put_where_it_belongs(complaint: str, line: int) -> None:
    assert findings.line_of("services:\n  web:\n    imagen: x\n", complaint) == line


# ── over HTTP ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sandbox(ana: Any, lab: Any, sent: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    here = Here(home)
    monkeypatch.setattr(type(lab), "run", lambda _self, *args, **named: here.run(*args, **named))
    monkeypatch.setattr(type(lab), "put_files", lambda _self, *args, **named: here.put_files(*args, **named))
    sandbox = lifecycle.start(ana, catalog.course().exercises["docker-intensivo/hello-world/hello-world"])
    work(sent)
    return Sandbox.objects.get(pk=sandbox.pk)


def test_the_owner_works_with_files_and_nobody_else_sees_them(client: Any, ana: Any, bruno: Any, sandbox: Sandbox, home: Path) -> None:
    base = f"/laboratorio/{sandbox.pk}/lab/archivos/"
    client.force_login(ana)

    def change(**body: str) -> Any:
        return client.post(base + "cambio/", body, content_type="application/json")

    digest = change(accion="guardar", ruta="a.txt", texto="hola", version="new").json()["digest"]
    assert client.get(base + "texto/", {"ruta": "a.txt"}).json() == {"text": "hola", "digest": digest}
    assert change(accion="guardar", ruta="a.txt", texto="x", version="new").status_code == 409
    assert change(accion="carpeta", ruta="c").status_code == 200
    assert change(accion="renombrar", ruta="a.txt", a="c/b.txt").status_code == 200
    assert [entry["path"] for entry in client.get(base).json()["files"]] == ["c", "c/b.txt"]
    assert change(accion="borrar", ruta="c").status_code == 200
    assert list(home.iterdir()) == []
    assert change(accion="otra", ruta="c").status_code == 400
    assert client.post(base + "cambio/", "[1]", content_type="application/json").status_code == 400
    found = client.post(base + "revisar/", {"ruta": "Dockerfile", "texto": "FROM debian\n"}, content_type="application/json").json()[
        "findings"
    ]
    assert found[0]["source"] == "DL3006"
    client.force_login(bruno)
    for path in ("", "texto/?ruta=a", "cambios/"):
        assert client.get(base + path).status_code == 404
    assert change(accion="carpeta", ruta="c").status_code == 404
