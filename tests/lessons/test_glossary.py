"""The glossary's file and its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client

from lessons import catalog, glossary
from lessons.sources import CourseError


def load(tmp_path: Path, text: str) -> glossary.Glossary:
    path = tmp_path / glossary.FILE
    path.write_text(text)
    return glossary.load(path)


def test_terms_are_in_order_and_found_whatever_their_case(tmp_path: Path) -> None:
    found = load(tmp_path, "volumen: Uno.\nÁmbito: Dos.\ncapa de escritura: Tres.\n")
    assert [term.name for term in found.terms] == ["Ámbito", "capa de escritura", "volumen"]
    term = found.find(" Capa  de Escritura")
    assert term
    assert term.slug == "capa-de-escritura"
    assert found.find("capa") is None


def test_its_digest_changes_with_it(tmp_path: Path) -> None:
    assert load(tmp_path, "a: b").digest != load(tmp_path, "a: c").digest


def test_a_course_may_have_none(tmp_path: Path) -> None:
    assert glossary.load(tmp_path / glossary.FILE).terms == ()


@pytest.mark.parametrize(("text", "line"), [("- a", 1), ("a: b\nc:", 2), ("a: b\nA: c", 2), ("a: b\na: c", 2), ("a: [", 2), ("1: b", 1)])
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(CourseError, match=rf"glosario\.yaml:{line}: "):
        load(tmp_path, text)


@pytest.mark.django_db
def test_the_page_shows_every_term(client: Client) -> None:
    from lessons import catalog

    html = client.get("/glosario/").content.decode()
    assert html.count('data-testid="term"') == len(catalog.course().glossary.terms)


AMBIGUOUS = frozenset({"registro", "registros", "repositorio", "etiqueta", "contexto", "instrucción", "señal", "PID", "API"})
"""Terms that are also everyday words, or another term's: who writes decides where they are the glossary's."""
_NOT_PROSE = re.compile(r"```.*?```|`[^`\n]*`|!?\[[^\[\]]*\]\([^)]*\)|^#[^\n]*$|^:::[^\n]*$|<https?[^>]*>", re.DOTALL | re.MULTILINE)


def forms(term: str) -> list[str]:
    """A term and its plural."""
    first, space, rest = term.partition(" ")
    plural = first + ("s" if first[-1] in "aeiouo" else "es")
    return [term, f"{plural}{space}{rest}".replace("imagenes", "imágenes").replace("iónes", "iones")]


@pytest.mark.parametrize("lesson", [lesson for lesson in catalog.course().lessons if lesson.written], ids=lambda lesson: lesson.slug)
def test_terms_are_linked_where_a_lesson_first_says_them(lesson: catalog.Lesson) -> None:
    prose = _NOT_PROSE.sub(" ", lesson.text)
    bare = []
    for term in catalog.course().glossary.terms:
        if term.name in AMBIGUOUS:
            continue
        said = "|".join(re.escape(form) for form in forms(term.name))
        first = re.search(rf"\[\[(?:{re.escape(term.name)})\b|(?<![\w|\[])(?:{said})(?!\w)", prose, re.IGNORECASE)
        if first and not first[0].startswith("[["):
            around = prose[max(0, first.start() - 60) : first.start()]
            if around.rfind("[[") <= around.rfind("]]"):
                bare.append(f"{term.name}: …{' '.join(prose[max(0, first.start() - 30) : first.end() + 20].split())}…")
    assert bare == []
