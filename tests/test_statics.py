"""Static files: whole, in parts, not at all; without a warning when they are asked for asynchronously (warnings are errors)."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import AsyncClient, Client

ICON = "/static/img/icono.svg"
SOURCE = (Path(__file__).resolve().parents[1] / "static/img/icono.svg").read_bytes()


@pytest.mark.asyncio
async def test_a_file_asked_for_asynchronously_comes_whole_without_a_warning() -> None:
    answer = await AsyncClient().get(ICON)
    assert (answer.status_code, answer.content, answer.streaming) == (200, SOURCE, False)
    assert answer["Content-Type"].startswith("image/svg+xml")
    assert answer["Content-Length"] == str(len(SOURCE))


def test_a_file_that_has_not_changed_is_not_sent_again() -> None:
    first = Client().get(ICON)
    again = Client().get(ICON, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_part_is_a_part_and_a_head_has_no_body() -> None:
    part = Client().get(ICON, headers={"range": "bytes=2-5"})
    assert (part.status_code, part.content, part["Content-Range"]) == (206, SOURCE[2:6], f"bytes 2-5/{len(SOURCE)}")
    head = Client().head(ICON)
    assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", str(len(SOURCE)))


def test_nothing_is_written_there() -> None:
    assert Client().post(ICON).status_code == 405
    assert Client().get("/static/../manage.py").status_code == 404
