"""A database that is away for a moment is no fault of the site's: the page says so and asks again; any other failure is one."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError
from django.test import AsyncClient, Client

from labsite.failures import RETRY_SECONDS


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> Any:
    def given(error: Exception) -> None:
        def load(_session: SessionStore) -> None:
            raise error

        monkeypatch.setattr(SessionStore, "load", load)

    return given


def known(client: Any) -> Any:
    """One whom the site would look up."""
    client.raise_request_exception = False
    client.cookies["lab_session"] = "x" * 32
    return client


async def test_a_page_without_its_database_asks_again(fails: Any, settings: Any) -> None:
    settings.SESSION_COOKIE_NAME = "lab_session"
    fails(OperationalError("connection refused"))
    answer = await known(AsyncClient()).get("/curso/docker-intensivo/")
    assert (answer.status_code, answer["Retry-After"], answer["Refresh"]) == (503, str(RETRY_SECONDS), str(RETRY_SECONDS))
    said = answer.content.decode()
    assert "no llega ahora a su base de datos" in said
    assert "lo intenta de nuevo" in said


def test_what_was_sent_is_not_sent_twice(fails: Any, settings: Any) -> None:
    settings.SESSION_COOKIE_NAME = "lab_session"
    fails(OperationalError("connection refused"))
    answer = known(Client()).post("/cuenta/logout/")
    assert (answer.status_code, answer.get("Refresh")) == (503, None)
    assert "Lo que has enviado no se ha hecho" in answer.content.decode()


def test_another_failure_is_the_sites(fails: Any, settings: Any) -> None:
    settings.SESSION_COOKIE_NAME = "lab_session"
    fails(ValueError("a fault of ours"))
    answer = known(Client()).get("/curso/docker-intensivo/")
    assert (answer.status_code, answer.get("Refresh")) == (500, None)
    assert "Algo ha fallado, y no eres tú" in answer.content.decode()
