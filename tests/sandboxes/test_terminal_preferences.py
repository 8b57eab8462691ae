"""What a user likes of their terminals is kept for them alone, and only what a page could have sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from sandboxes.terminal import preferences

pytestmark = pytest.mark.django_db
LAYOUT = {
    "tabs": [{"id": 1, "title": "Mía", "direction": "fila", "panes": [{"node": "lab", "shell": "t2", "size": 1.5}], "focus": 0}],
    "active": 1,
}
SANDBOX = "0b9e1c5e-3c1e-4f50-9a30-0a4b8d2f7c11"


def keep(user: Any, values: object) -> int:
    client = Client()
    client.force_login(user)
    body = values if isinstance(values, bytes) else json.dumps(values)
    return client.post("/cuenta/terminal/", body, content_type="application/json").status_code


def test_what_is_kept_is_read_again_by_its_owner_alone(ana: Any, bruno: Any) -> None:
    assert keep(ana, {"font": 20, "theme": "contraste", "layouts": {SANDBOX: LAYOUT}}) == 204
    kept = preferences.read(ana)
    assert (kept["font"], kept["theme"], kept["layouts"][SANDBOX]["tabs"][0]["title"]) == (20, "contraste", "Mía")
    assert preferences.read(bruno) == {}


def test_the_last_ones_count(ana: Any) -> None:
    keep(ana, {"font": 20})
    keep(ana, {"font": 11})
    assert preferences.read(ana)["font"] == 11


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"no es JSON", 400),
        ({"font": 500}, 400),
        ({"font": "14"}, 400),
        ({"theme": "rosa"}, 400),
        ({"otra": 1}, 400),
        ({"layouts": {"no-es-uuid": LAYOUT}}, 400),
        ({"layouts": {SANDBOX: {**LAYOUT, "tabs": [{**LAYOUT["tabs"][0], "title": "x" * 41}]}}}, 400),  # type: ignore[index,dict-item]
        (b" " * 40000, 413),
    ],
)
def test_what_no_page_sends_is_refused(ana: Any, sent: object, status: int) -> None:
    assert keep(ana, sent) == status
    assert preferences.read(ana) == {}


def test_nobody_keeps_anything_without_logging_in() -> None:
    assert Client().post("/cuenta/terminal/", "{}", content_type="application/json").status_code == 302
