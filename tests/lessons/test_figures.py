"""Figures are sent from a lesson's folder and from nowhere else, and can do nothing."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from lessons import catalog
from lessons.authoring import new_exercise, new_lesson

pytestmark = pytest.mark.django_db
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"></svg>'


@pytest.fixture
def course(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mi-curso"
    lesson = new_lesson(folder, slug="uno", title="Uno")
    exercise = new_exercise(folder, lesson="uno", slug="dos", title="Dos")
    for home in (lesson.parent, exercise.parent):
        (home / "figuras").mkdir()
        (home / "figuras" / "a.svg").write_text(SVG)
    (lesson.parent / "figuras" / "a.html").write_text("<script>alert(1)</script>")
    (lesson.parent / "figuras" / "fuera.svg").symlink_to(folder / "curso.yaml")
    settings.ENV = settings.ENV.model_copy(update={"course_dir": str(folder)})
    monkeypatch.setattr(catalog, "course", cache(catalog.course.__wrapped__))
    return folder


@pytest.mark.parametrize("url", ["/curso/mi-curso/uno/figuras/a.svg", "/curso/mi-curso/uno/dos/figuras/a.svg"])
def test_a_figure_is_sent_and_can_do_nothing(client: Client, course: Path, url: str) -> None:
    answer = client.get(url)
    assert (answer.status_code, answer["Content-Type"], answer.content.decode()) == (200, "image/svg+xml", SVG)
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "sandbox" in answer["Content-Security-Policy"]
    assert client.get(url, headers={"If-None-Match": answer["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    "url",
    [
        "/curso/mi-curso/uno/figuras/a.html",
        "/curso/mi-curso/uno/figuras/fuera.svg",
        "/curso/mi-curso/uno/figuras/../leccion.md",
        "/curso/mi-curso/uno/figuras/..%2fejercicios%2fdos%2fejercicio.yaml",
        "/curso/mi-curso/uno/figuras/no-esta.svg",
        "/curso/mi-curso/uno/figuras/a%00.svg",
        "/curso/mi-curso/uno/tres/figuras/a.svg",
        "/curso/otro/uno/figuras/a.svg",
    ],
)
def test_nothing_else_is_sent(client: Client, course: Path, url: str) -> None:
    assert client.get(url).status_code == 404


def test_a_drawing_travels_compressed(client: Client) -> None:
    answer = client.get("/curso/docker-intensivo/capas-de-imagen/figuras/capas.svg", headers={"Accept-Encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) < 2500
