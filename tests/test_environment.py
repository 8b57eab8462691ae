"""Settings: documented, typed, loud."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from labsite.environment import Environment, load

DOCS = Path(__file__).resolve().parent.parent / "docs" / "configuracion.md"


@pytest.mark.parametrize("name", sorted(Environment.model_fields))
def test_every_variable_is_documented(name: str) -> None:
    assert f"`LAB_{name.upper()}`" in DOCS.read_text()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SIGNUP", "quizá", "«quizá» no vale; ha de ser 'abierto', 'codigo' o 'cerrado'."),
        ("SANDBOXES_MAX", "muchos", "«muchos» no es un número entero."),
        ("SANDBOX_IDLE", "5", "5 es poco; 60 como mínimo."),
        ("RECORDING_MAX", "99", "99 es demasiado; 50 como máximo."),
        ("DEBUG", "a veces", "«a veces» no vale; ha de ser true o false."),
        ("RATE_LOGIN", "mucho", "«mucho» no vale; ha de ser N/minute o N/hour."),
        ("URL", "aula.local", "«aula.local» no es un origen como https://aula.local:8000."),
        ("ALLOWED_ORIGINS", "http://a,b{}", "«b{}» no es un origen"),
        ("PREVIEW", "aula.local", "«aula.local» no es «*.vista.aula.es»"),
        ("COURSE_DIR", "/no/hay", "en «/no/hay» no hay ningún curso"),
        ("SECRET_KEY", "", "no puede estar vacía."),
        ("URL", "https://aula.local:99999", "«https://aula.local:99999» no es un origen"),
        ("URL", "https://[::1", "«https://[::1» no es un origen"),
        ("DATABASE_URL", "mysql://lab:oculta@db/lab", "«mysql://…» no vale; ha de ser como sqlite:///fichero"),
        ("DATABASE_URL", "lab.sqlite3", "«…://…» no vale; ha de ser como sqlite:///fichero"),
        ("DATABASE_URL", "", "«…://…» no vale; ha de ser como sqlite:///fichero"),
        ("DATABASE_URL", "postgres://lab:ocul/ta@db:5432/lab", "no se entiende"),
        ("DATABASE_URL", "postgres://lab@db:99999/lab", "no se entiende"),
        ("REDIS_URL", "http://redis", "«http://…» no vale; ha de ser como unix:///carpeta/redis.sock o redis://servidor:6379/0"),
        ("REDIS_URL", "redis://:oculta@redis:seis/0", "no se entiende"),
        ("ENGINE_URL", "/run/engine.sock", "«…://…» no vale; ha de ser como unix:///carpeta/engine.sock"),
        ("ENGINE_URL", "unix://run/engine.sock", "un socket lleva su ruta entera, con tres barras"),
    ],
)
def test_wrong_value_stops_the_start_by_its_name_in_spanish(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(f"LAB_{name}", value)
    with pytest.raises(ImproperlyConfigured) as error:
        load()
    assert f"Configuración incorrecta. LAB_{name}: {said}" in str(error.value)
    assert "ocul" not in str(error.value)


@pytest.mark.parametrize("url", ["sqlite://:memory:", "sqlite:////srv/lab.sqlite3", "postgres://lab@[::1]:5432/lab", "postgres:///lab"])
def test_databases_that_can_be(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("LAB_DATABASE_URL", url)
    assert load().database_url == url


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_SIGNUP", "x")
    monkeypatch.setenv("LAB_POOL_MIN", "-1")
    with pytest.raises(ImproperlyConfigured, match=r"LAB_SIGNUP: «x» no vale; .*; LAB_POOL_MIN: -1 es poco; 0 como mínimo\."):
        load()


def test_a_secret_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_SECRET_KEY")
    monkeypatch.delenv("LAB_ENV_FILE", raising=False)
    with pytest.raises(ImproperlyConfigured, match="LAB_SECRET_KEY: falta"):
        load()


def test_origins_are_the_url_and_the_allowed_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_URL", "https://aula.local:8443/")
    monkeypatch.setenv("LAB_ALLOWED_ORIGINS", "http://10.0.0.5:8000, https://aula.local:8443")
    assert load().origins == ["https://aula.local:8443", "http://10.0.0.5:8000"]


def test_origins_are_as_browsers_send_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the port that the scheme has anyway: with it every terminal would be another's."""
    monkeypatch.setenv("LAB_URL", "https://Aula.local:443/")
    monkeypatch.setenv("LAB_ALLOWED_ORIGINS", "http://10.0.0.5:80,https://10.0.0.5:80")
    assert load().origins == ["https://aula.local", "http://10.0.0.5", "https://10.0.0.5:80"]
