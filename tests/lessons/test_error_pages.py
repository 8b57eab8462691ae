"""What people read when a page can't be: in Spanish, on the site's own paper."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client, override_settings
from django.urls import path

from labsite.urls import urlpatterns as real

pytestmark = pytest.mark.django_db


def refuse(_request: Any) -> Any:
    raise PermissionDenied


def fail(_request: Any) -> Any:
    raise ZeroDivisionError


urlpatterns = [*real, path("prueba/prohibida/", refuse), path("prueba/rota/", fail)]


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("/curso/nada/", 404, "Esta página no está"),
        ("/prueba/prohibida/", 403, "Aquí no puedes entrar"),
        ("/prueba/rota/", 500, "Tu laboratorio y tu progreso siguen donde estaban"),
    ],
)
@override_settings(ROOT_URLCONF=__name__)
def test_errors_are_told_in_spanish(url: str, status: int, said: str) -> None:
    answer = Client(raise_request_exception=False).get(url)
    assert answer.status_code == status
    assert said in answer.content.decode()


def test_a_form_without_its_token_is_told_what_to_do() -> None:
    answer = Client(enforce_csrf_checks=True).post("/cuenta/login/", {})
    assert answer.status_code == 403
    assert "La página había caducado" in answer.content.decode()
