"""A site that cannot start says why in one Spanish sentence, and does not become what it was to become."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from labsite.environment import load
from tests.settings import RUN

ROOT = Path(__file__).resolve().parent.parent


def start(tmp_path: Path, *flags: str, **given: str) -> subprocess.CompletedProcess[str]:
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LAB_")},
        "DJANGO_SETTINGS_MODULE": "labsite.settings",
        "LAB_SECRET_KEY": "x",
        "LAB_DATABASE_URL": f"sqlite:///{tmp_path}/lab.sqlite3",
        "LAB_REDIS_URL": f"unix://{RUN}/redis.sock",
        "LAB_ENGINE_URL": f"unix://{tmp_path}/none.sock",
        **given,
    }
    env = {name: value for name, value in env.items() if value}
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
