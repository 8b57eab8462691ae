"""A long lesson's pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from lessons import catalog, search
from lessons.markdown import render_text
from lessons.pages import Page, pages_of

TEXT = "Hola.\n\n# Uno\n\nPrimero.\n\n```\n# no es un título\n```\n\n# Dos\n\nSegundo."


def test_a_heading_of_the_first_level_begins_a_page() -> None:
    first, second = pages_of(TEXT)
    assert (first.title, second.title) == ("Uno", "Dos")
    assert first.text.startswith("Hola.")
    assert "# no es un título" in first.text
    assert second.text == "# Dos\n\nSegundo."
    assert pages_of("## Todo seguido") == [Page("", "## Todo seguido")]


def test_a_pages_heading_stands_below_the_lessons_title() -> None:
    shown = render_text("# Uno\n\n## Dos")
    assert "<h1" not in shown.html
    assert [heading.text for heading in shown.headings] == ["Uno", "Dos"]


@pytest.mark.django_db
def test_a_lesson_in_pages_shows_one_and_leads_to_the_others(client: Client) -> None:
    url = "/curso/docker-intensivo/instrucciones/"
    first, second = client.get(url).content.decode(), client.get(f"{url}?pagina=2").content.decode()
    assert "ENTRYPOINT: lo que no cambia" in first
    assert "Seis maneras de adelgazar" not in first
    assert 'href="?pagina=2"' in first
    assert "ENTRYPOINT: lo que no cambia" not in second
    assert "Seis maneras de adelgazar" in second
    assert 'aria-current="page">Caché, etapas y tamaño' in second


@pytest.mark.django_db
@pytest.mark.parametrize("asked", ["0", "-1", "99", "dos", "1e3", "٢"])
def test_a_page_that_is_not_is_the_nearest(client: Client, asked: str) -> None:
    answer = client.get("/curso/docker-intensivo/instrucciones/", {"pagina": asked})
    assert answer.status_code == 200
    assert answer.context["page"] == (2 if asked == "99" else 1)


@pytest.mark.django_db
def test_what_is_found_on_a_second_page_leads_there(client: Client) -> None:
    found = search.index().find("varias etapas")
    assert "/curso/docker-intensivo/instrucciones/?pagina=2#en-varias-etapas" in [result.page.url for result in found]


@pytest.mark.django_db
def test_a_text_names_its_reader(client: Client, ana: Any) -> None:
    url = f"/curso/docker-intensivo/{catalog.course().lessons[10].slug}/"
    assert "registro.lab/usuario/hola:1.0" in client.get(url).content.decode()
    client.force_login(ana)
    shown = client.get(url).content.decode()
    assert f"registro.lab/{ana.username}/hola:1.0" in shown
    assert "{{usuario}}" not in shown
