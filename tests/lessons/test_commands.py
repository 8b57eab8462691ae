"""The commands that operators and authors type."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command
from django.test import Client

from lessons import catalog
from lessons.authoring import new_exercise, new_lesson


def said(name: str, *args: str) -> str:
    output = StringIO()
    call_command(name, *args, stdout=output)
    return output.getvalue()


def test_lint_says_what_it_reviewed() -> None:
    course = catalog.course()
    line = said("lint_course").strip().splitlines()[-1]
    assert line.startswith(f"{course.title}: 21 lecciones (")
    assert f"{len(course.exercises)} ejercicios. Sin fallos" in line


def test_lint_answers_programs() -> None:
    answer = json.loads(said("lint_course", "--json"))
    assert (answer["ok"], answer["errors"]) == (True, [])


def test_lint_reviews_another_folder(tmp_path: Path) -> None:
    (tmp_path / "curso.yaml").write_text("titulo: Otro\nresumen: x\nlecciones: [{carpeta: 01-a, titulo: A}]\n")
    assert said("lint_course", str(tmp_path)).strip() == "Otro: 1 lección (0 escritas), 0 ejercicios. Sin fallos."


@pytest.mark.parametrize(("text", "line"), [("titulo: [\n", 2), ("titulo: x\nresumen: x\nlecciones: []\n", 3)])
def test_lint_fails_with_file_and_line(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "curso.yaml"
    path.write_text(text)
    with pytest.raises(CommandError) as error:
        said("lint_course", str(tmp_path))
    assert f"{path}:{line}:" in str(error.value)


def test_the_preview_needs_no_redis(tmp_path: Path) -> None:
    new_lesson(tmp_path / "curso", slug="una", title="Una")
    new_exercise(tmp_path / "curso", lesson="una", slug="uno", title="Uno")
    text = tmp_path / "curso" / "01-una" / "leccion.md"
    text.write_text(text.read_text() + "\n::: maquina motor>=1\nAquí, el {{motor}}.\n:::\n")
    nowhere = {
        "DJANGO_SETTINGS_MODULE": "labsite.settings",
        "LAB_SECRET_KEY": "x",
        "LAB_DATABASE_URL": "sqlite://:memory:",
        "LAB_REDIS_URL": f"unix://{tmp_path}/nada",
    }
    command = [sys.executable, "manage.py", "preview", str(tmp_path / "curso"), "--puerto", "0"]
    with subprocess.Popen(command, env={**os.environ, **nowhere}, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            address = re.search(r"http://\S+", server.stdout.readline())
            assert address
            with urlopen(f"{address[0]}curso/curso/una/", timeout=60) as answer:  # noqa: S310  # its own server
                assert "Aquí, el " in answer.read().decode()
        finally:
            server.terminate()


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    new_lesson(tmp_path / "curso", slug="una", title="Una")
    new_exercise(tmp_path / "curso", lesson="una", slug="uno", title="Uno")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
    clean |= {"DJANGO_SETTINGS_MODULE": "labsite.settings", "LAB_SECRET_KEY": "x", "LAB_DATABASE_URL": "sqlite://:memory:"}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = (sys.executable, "manage.py", "preview", str(tmp_path / "curso"), "--puerto", str(port))
        done = subprocess.run(command, env=clean, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"El puerto {port} no está libre" in done.stderr
    assert "Traceback" not in done.stderr


def test_authors_commands_need_no_settings_and_take_those_that_containers_have(tmp_path: Path) -> None:
    secret = tmp_path / "secret_key"
    secret.write_text("x")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
    clean["DJANGO_SETTINGS_MODULE"] = "labsite.settings"
    for env in ({}, {"LAB_SECRET_KEY_FILE": str(secret), "LAB_DATABASE_URL": "sqlite://:memory:"}):
        done = subprocess.run((sys.executable, "manage.py", "check_schema"), env={**clean, **env}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_lint_fails_for_programs_too(tmp_path: Path) -> None:
    output = StringIO()
    with pytest.raises(CommandError):
        call_command("lint_course", str(tmp_path), "--json", stdout=output)
    answer = json.loads(output.getvalue())
    assert answer["ok"] is False
    assert str(tmp_path / "curso.yaml") in answer["errors"][0]


@pytest.mark.django_db
def test_demonstration_accounts_come_with_passwords_that_work() -> None:
    accounts = json.loads(said("demo_accounts", "--json"))
    assert [(account["user"], account["role"]) for account in accounts] == [
        ("ana", "estudiante"),
        ("carmen", "instructora"),
        ("olga", "operadora"),
    ]
    for account in accounts:
        assert authenticate(username=account["user"], password=account["password"])
    rights = dict.fromkeys(("ana", "carmen", "olga"), (False, False)) | {"carmen": (True, False), "olga": (True, True)}
    assert {user.username: (user.is_staff, user.is_superuser) for user in get_user_model().objects.all()} == rights


@pytest.mark.django_db
def test_demonstration_accounts_are_renewed_not_repeated() -> None:
    old, new = (json.loads(said("demo_accounts", "--json")) for _ in range(2))
    assert get_user_model().objects.count() == 3
    assert not authenticate(username="ana", password=old[0]["password"])
    assert authenticate(username="ana", password=new[0]["password"])


@pytest.mark.django_db
def test_demonstration_accounts_are_told_to_people() -> None:
    rows = [line.split() for line in said("demo_accounts").splitlines()]
    assert [row[0] for row in rows] == ["ana", "carmen", "olga"]
    assert all(authenticate(username=name, password=password) for name, password, _ in rows)


def test_a_link_for_a_password_is_made_by_name(ana: Any) -> None:
    link = said("password_link", "ana").strip()
    assert link.startswith("http://testserver/")
    assert Client().get(urlsplit(link).path).status_code == 302


@pytest.mark.django_db
def test_a_link_for_nobody_is_an_error() -> None:
    with pytest.raises(CommandError, match="«nadie»"):
        said("password_link", "nadie")


@pytest.mark.django_db
def test_the_first_administrator_is_made_once() -> None:
    said = StringIO()
    call_command("first_admin", "olga", "--json", stdout=said)
    made = json.loads(said.getvalue())
    olga = get_user_model().objects.get()
    assert (olga.username, olga.is_superuser, olga.is_staff) == ("olga", True, True)
    assert olga.check_password(made["password"])
    again = StringIO()
    call_command("first_admin", "otra", "--json", stdout=again)
    assert json.loads(again.getvalue()) is None
    assert get_user_model().objects.count() == 1


@pytest.mark.django_db
def test_the_first_administrator_takes_nobodys_account(ana: Any) -> None:
    with pytest.raises(CommandError, match="ya es otra cuenta"):
        call_command("first_admin", "ana")


@pytest.mark.django_db
def test_the_first_administrator_has_a_name_like_anybody_elses() -> None:
    with pytest.raises(CommandError, match="LAB_ADMIN"):
        call_command("first_admin", "Olga Pérez")
