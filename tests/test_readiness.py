"""A site that cannot start says why in one Spanish sentence, and does not become what it was to become."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from labsite import readiness
from labsite.environment import load
from tests.settings import RUN

ROOT = Path(__file__).resolve().parent.parent


def surroundings(tmp_path: Path, **given: str) -> dict[str, str]:
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LAB_")},
        "DJANGO_SETTINGS_MODULE": "labsite.settings",
        "LAB_SECRET_KEY": "x",
        "LAB_DATABASE_URL": f"sqlite:///{tmp_path}/lab.sqlite3",
        "LAB_REDIS_URL": f"unix://{RUN}/redis.sock",
        "LAB_ENGINE_URL": f"unix://{tmp_path}/none.sock",
        **given,
    }
    return {name: value for name, value in env.items() if value}


def start(tmp_path: Path, *flags: str, **given: str) -> subprocess.CompletedProcess[str]:
    env = surroundings(tmp_path, **given)
    words = (sys.executable, "-m", "labsite.readiness", *flags, "echo", "arrancó")
    return subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"LAB_SECRET_KEY": ""}, "LAB_SECRET_KEY"),
        ({"LAB_SECRET_KEY": "", "LAB_SECRET_KEY_FILE": "/no/hay"}, "LAB_SECRET_KEY_FILE: no se puede leer «/no/hay»"),
        ({"LAB_DATABASE_URL": "mysql://x/y"}, "LAB_DATABASE_URL"),
        (
            {"LAB_DATABASE_URL": "postgres://lab:oculta@127.0.0.1:1/lab"},
            "No se puede usar la base de datos de LAB_DATABASE_URL (postgres://127.0.0.1:1/lab): ahí no escucha nadie.",
        ),
        (
            {"LAB_REDIS_URL": "redis://:oculta@127.0.0.1:1/0"},
            "No se puede usar el Redis de LAB_REDIS_URL (redis://127.0.0.1:1/0): ahí no escucha nadie.",
        ),
        (
            {"LAB_DATABASE_URL": "postgres://lab@no.existe.invalid:1/lab"},
            "(postgres://no.existe.invalid:1/lab): no hay ningún servidor con ese nombre.",
        ),
        (
            {"LAB_DATABASE_URL": "sqlite:////no/hay/lab.sqlite3"},
            "(sqlite:////no/hay/lab.sqlite3): no se puede abrir ese fichero.",
        ),
    ],
)
def test_what_stops_the_start_is_one_sentence(tmp_path: Path, given: dict[str, str], sentence: str) -> None:
    done = start(tmp_path, **given)
    assert (done.returncode, done.stdout) == (1, "")
    said = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(said) == 1, done.stderr
    assert sentence in said[0]
    assert "Traceback" not in done.stderr
    assert "oculta" not in done.stderr


def test_an_engine_that_does_not_answer_stops_a_start_that_asks_for_it_and_no_other(tmp_path: Path) -> None:
    subprocess.run((sys.executable, "manage.py", "migrate", "-v", "0"), cwd=ROOT, env=surroundings(tmp_path), check=True)
    done = start(tmp_path, "--engine")
    assert (done.returncode, done.stdout) == (1, "")
    sentence = f"Error: No contesta el motor de los laboratorios en LAB_ENGINE_URL (unix://{tmp_path}/none.sock): no existe ese socket."
    assert sentence in done.stderr.splitlines()
    assert (start(tmp_path).returncode, start(tmp_path).stdout) == (0, "arrancó\n")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (
            'connection failed: connection to server at "10.152.129.2", port 5432 failed: FATAL:  no pg_hba.conf entry for host '
            '"10.152.129.4", user "lab", database "otra", no encryption',
            "no tiene esa base de datos, o no deja entrar en ella a ese usuario",
        ),
        ('FATAL:  database "otra" does not exist', "no tiene esa base de datos"),
        ("FATAL:  sorry, too many clients already", "no admite más conexiones"),
        ("FATAL:  the database system is starting up", "está arrancando o parándose"),
        ("('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))", "no existe ese socket"),
        ("('Connection aborted.', PermissionError(13, 'Permission denied'))", "no deja usar ese socket"),
    ],
)
def test_what_others_say_in_english_is_meant_in_spanish(said: str, meant: str) -> None:
    assert readiness.reason(Exception(said)) == meant


def test_what_can_start_becomes_what_it_was_to_be(tmp_path: Path) -> None:
    done = start(tmp_path, "--database", LAB_REDIS_URL="redis://127.0.0.1:1/0")
    assert (done.returncode, done.stdout) == (0, "arrancó\n"), done.stderr


def test_secrets_come_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, secret in {"DATABASE_PASSWORD": "a/b", "REDIS_PASSWORD": "c d"}.items():
        file = tmp_path / name
        file.write_text(f"{secret}\n")
        monkeypatch.setenv(f"LAB_{name}_FILE", str(file))
    monkeypatch.setenv("LAB_DATABASE_URL", "postgres://lab@db/lab")
    monkeypatch.setenv("LAB_REDIS_URL", "redis://redis/0")
    found = load()
    assert (found.database_url, found.redis_url) == ("postgres://lab:a%2Fb@db/lab", "redis://:c%20d@redis/0")


def test_a_secret_is_not_given_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_SECRET_KEY", "una")
    monkeypatch.setenv("LAB_SECRET_KEY_FILE", str(tmp_path))
    with pytest.raises(ImproperlyConfigured, match="LAB_SECRET_KEY_FILE"):
        load()
