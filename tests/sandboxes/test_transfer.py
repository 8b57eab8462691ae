"""Files from and to a machine: whose they are, how large, and where they may go."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from lessons import catalog
from sandboxes import lifecycle
from sandboxes.engine import ExecResult
from sandboxes.models import Machine, Sandbox
from tests.conftest import work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sandbox(ana: Any, lab: Any, sent: Any) -> Sandbox:
    sandbox = lifecycle.start(ana, catalog.course().exercises["docker-intensivo/hello-world/hello-world"])
    work(sent)
    return Sandbox.objects.get(pk=sandbox.pk)


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def put(user: Any, sandbox: Sandbox, *, folder: str = "/home/alumno", name: str = "nota.txt", content: bytes = b"hola") -> Any:
    where = f"/laboratorio/{sandbox.pk}/lab/fichero/"
    return client_of(user).post(where, content, content_type="application/octet-stream", query_params={"carpeta": folder, "nombre": name})


def test_a_dropped_file_is_put_where_the_shell_is(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    assert put(ana, sandbox, folder="/home/alumno/web", name="índice.html").status_code == 204
    box = lab.boxes[Machine.objects.get(sandbox=sandbox).name]
    ((beside, (content, _mode)),) = box.planted.items()
    assert beside.startswith("/tmp/.subida-")
    assert content == b"hola"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "a\nb", "n" * 256])
def test_odd_names_are_refused(ana: Any, sandbox: Sandbox, name: str) -> None:
    assert put(ana, sandbox, name=name).status_code == 400


def test_a_folder_where_the_student_may_not_write_is_refused(ana: Any, sandbox: Sandbox, lab: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(type(lab), "run", lambda *_args, **_named: ExecResult(1, b""))
    answer = put(ana, sandbox, folder="/etc")
    assert (answer.status_code, "no puedes escribir" in answer.json()["error"]) == (422, True)


def test_a_file_that_is_too_large_is_refused_unread(ana: Any, sandbox: Sandbox, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"transfer_max": 1})
    answer = put(ana, sandbox, content=b"x" * ((1 << 20) + 1))
    assert (answer.status_code, "1 MiB" in answer.json()["error"]) == (413, True)


def test_only_the_owner_and_only_while_it_runs(ana: Any, bruno: Any, sandbox: Sandbox) -> None:
    assert put(bruno, sandbox).status_code == 404
    assert Client().post(f"/laboratorio/{sandbox.pk}/lab/fichero/").status_code == 404
    lifecycle.stop(sandbox, reason="")
    assert put(ana, sandbox).status_code == 404


def test_what_is_there_already_is_not_replaced_unasked(ana: Any, sandbox: Sandbox, lab: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(type(lab), "run", lambda *_args, **_named: ExecResult(5, b""))
    assert put(ana, sandbox).status_code == 409


@pytest.mark.parametrize(
    ("said", "status"), [(b"", 404), (b"f\n99999999999\n", 413), (b"d\n99999999999\n", 413), (b"f\nno es un numero\n", 404)]
)
def test_what_cannot_be_given_is_said(ana: Any, sandbox: Sandbox, lab: Any, monkeypatch: Any, said: bytes, status: int) -> None:
    monkeypatch.setattr(type(lab), "run", lambda *_args, **_named: ExecResult(0, said))
    answer = client_of(ana).get(f"/laboratorio/{sandbox.pk}/lab/fichero/", {"ruta": "/home/alumno/x"})
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)
