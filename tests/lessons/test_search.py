"""Search: one word is found by any of its forms, all that is asked must be there, and it takes no time."""

from __future__ import annotations

from time import perf_counter

import pytest
from django.test import Client

from lessons import catalog
from lessons.markdown import render
from lessons.search import RESULTS, Index, Page, index, plain, stem

PAGES = (
    Page("lesson", "Capas de imagen", "Lección 7", "/a/", "Una imagen es una pila de capas. Cada capa guarda ficheros."),
    Page("lesson", "Volúmenes", "Lección 7", "/b/", "Un volumen sobrevive al contenedor y a su imagen <script>."),
    Page("exercise", "El puerto", "Lección 6", "/c/", "Publica el puerto 8080 con docker-compose y curso/contador:1.0."),
)


def found(asked: str) -> list[str]:
    return [result.page.url for result in Index(PAGES).find(asked)]


@pytest.mark.parametrize(
    "words",
    [
        ("imagen", "imágenes", "imagenes", "IMÁGENES", "Imagen"),
        ("volumen", "volúmenes", "volumenes"),
        ("contenedor", "contenedores"),
        ("orden", "órdenes", "ordenes"),
        ("capa", "capas"),
        ("puerto", "puertos"),
    ],
)
def test_every_form_of_a_word_is_the_same_word(words: tuple[str, ...]) -> None:
    assert len({stem(word) for word in words}) == 1


def test_a_stem_is_a_fixpoint() -> None:
    words = {word for page in index().pages for word in page.text.split()}
    assert all(stem(stem(word)) == stem(word) for word in words)


@pytest.mark.parametrize(
    ("asked", "urls"),
    [
        ("imágenes", ["/a/", "/b/"]),
        ("volumenes", ["/b/"]),
        ("imagen volumen", ["/b/"]),
        ("la imagen de un volumen", ["/b/"]),
        ("conten", ["/c/", "/b/"]),
        ("compose", ["/c/"]),
        ("docker-compose", ["/c/"]),
        ("8080", ["/c/"]),
        ("imagen inexistente", []),
        ("", []),
        ("!?", []),
    ],
)
def test_all_that_is_asked_must_be_there(asked: str, urls: list[str]) -> None:
    assert sorted(found(asked)) == sorted(urls)


def test_a_title_counts_more() -> None:
    assert found("capas imagenes")[0] == "/a/"


def test_what_is_called_just_that_comes_first() -> None:
    assert index().find("imágenes")[0].page.title == "imagen"


def test_what_was_found_is_marked_and_the_rest_escaped() -> None:
    (result,) = Index(PAGES).find("volumenes")
    assert result.title == "<mark>Volúmenes</mark>"
    assert "Un <mark>volumen</mark> sobrevive" in result.snippet
    assert "&lt;script&gt;" in result.snippet


def test_the_whole_course_answers_within_50_ms() -> None:
    many = Index(page for copy in range(3) for page in index().pages)
    slowest = 0.0
    for asked in ("imagen", "contenedor capa", "d", "docker run imagen contenedor", "c o n t"):
        times = []
        for _ in range(3):
            begun = perf_counter()
            assert len(many.find(asked)) <= RESULTS
            times.append(perf_counter() - begun)
        slowest = max(slowest, min(times))
    assert slowest < 0.050


@pytest.mark.django_db
def test_the_page_shows_what_was_found_and_says_when_nothing_was(client: Client) -> None:
    html = client.get("/buscar/", {"q": "imagenes"}).content.decode()
    assert 'data-testid="result"' in html
    assert "<mark>" in html
    nothing = client.get("/buscar/", {"q": "<b>zzz</b>"}).content.decode()
    assert "Nada en el curso habla de «&lt;b&gt;zzz&lt;/b&gt;»" in nothing
    assert "Da igual si es" in client.get("/buscar/").content.decode()


def test_nothing_that_a_student_must_not_see_is_searched() -> None:
    texts = " ".join(page.text for page in index().pages)
    hidden = [text for each in catalog.course().exercises.values() for text in (*each.hints, *each.solutions) if len(text) > 60]
    assert hidden
    assert [text for text in hidden if text.strip() in texts] == []


def test_words_keep_their_commas_and_paragraphs_stay_apart() -> None:
    text = "Con `docker ps -a`, **todos**: *también* los [parados](/x).\n\nY `<b>`.\n\n```terminal\n$ docker ps --all\nNAMES\n```\n"
    assert plain(render(text)) == "Con docker ps -a, todos: también los parados. Y <b>. $ docker ps --all NAMES"
