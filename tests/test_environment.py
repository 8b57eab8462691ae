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
    ("name", "value"),
    [
        ("SANDBOXES_MAX", "muchos"),
        ("SIGNUP", "quizá"),
        ("URL", "aula.local"),
        ("SANDBOX_IDLE", "1"),
        ("ALLOWED_ORIGINS", "http://a,b"),
        ("SECRET_KEY", ""),
    ],
)
def test_wrong_value_stops_the_start_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"LAB_{name}", value)
    with pytest.raises(ImproperlyConfigured, match=f"LAB_{name}"):
        load()


def test_origins_are_the_url_and_the_allowed_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_URL", "https://aula.local:8443/")
    monkeypatch.setenv("LAB_ALLOWED_ORIGINS", "http://10.0.0.5:8000, https://aula.local:8443")
    assert load().origins == ["https://aula.local:8443", "http://10.0.0.5:8000"]
