"""docs/cobertura.md leaves nothing out of the notes that the course came from, and what it says of the course is so."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from lessons import catalog

HERE = Path(__file__).parent
TABLE = (HERE.parents[1] / "docs" / "cobertura.md").read_text()
NOTES = (HERE / "ordenes-de-los-apuntes.txt").read_text().splitlines()
"""The notes' commands in order, without their comments."""
COURSE = catalog.course()
CHECKED = range(1, 12)
"""The lessons whose words are compared with the table's."""
KINDS = ("tal cual", "sucesor", "error esperado")


def rows(section: str) -> list[list[str]]:
    """The cells of a section's table."""
    body = TABLE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    table = [line for line in body.splitlines() if line.startswith("|")][2:]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]


ORDERS = rows("Órdenes")


def lesson(number: str) -> catalog.Lesson:
    return COURSE.lessons[int(number) - 1]


def typed(number: str) -> str:
    """All that a lesson's text and exercises have the student type or read."""
    found = lesson(number)
    text = [found.text, *(exercise.text for exercise in found.exercises)]
    return "\n".join([*text, *(script for exercise in found.exercises for script in exercise.solutions)])


def test_every_command_of_the_notes_is_there_once_and_in_order() -> None:
    assert [row[1].strip("`") for row in ORDERS] == NOTES
    assert [row[0] for row in ORDERS] == [str(number) for number in range(1, len(NOTES) + 1)]


def test_every_lesson_takes_something_from_the_notes() -> None:
    taught = {number for row in rows("Apartados") for number in row[1].split(", ")}
    assert taught == {str(found.number) for found in COURSE.lessons}


@pytest.mark.parametrize("row", ORDERS, ids=[row[0] for row in ORDERS])
def test_what_is_said_of_a_command_is_so(row: list[str]) -> None:
    _line, command, kind, today, number, exercise = row
    assert kind in KINDS
    assert (kind == "tal cual") == (today == ""), "a successor and an error are named, and only they"
    found = lesson(number)
    if exercise != "—":
        assert exercise in {known.slug for known in found.exercises} or not found.written
    if not found.written or found.number not in CHECKED:
        return
    if kind == "tal cual":
        assert command.strip("`") in typed(number)
    else:
        assert today.strip("`") in typed(number).replace('\\"', '"')


def test_a_successor_is_a_whole_command_of_the_lesson() -> None:
    assert [row[0] for row in ORDERS if row[2] == "sucesor" and int(row[4]) in CHECKED and len(row[3].split()) < 3] == []


def counted(found: list[list[str]]) -> str:
    kinds = Counter(row[2] for row in found)
    return f"{kinds['tal cual']} tal cual, {kinds['sucesor']} sucesores y {kinds['error esperado']} errores esperados."


def test_the_counts_are_those_of_the_table() -> None:
    text = " ".join(TABLE.split())
    half = [row for row in ORDERS if int(row[4]) in CHECKED]
    assert f"{len(ORDERS)} líneas: {counted(ORDERS)}" in text
    assert f"{len(half)} son de las lecciones 1 a 11: {counted(half)}" in text


def exercises() -> list[list[str]]:
    """What the table says of every exercise."""
    return [
        [str(found.number), each.slug, *(str(len(parts)) for parts in (each.checks, each.solutions, each.mistakes))]
        for found in COURSE.lessons
        for each in found.exercises
    ]


def test_every_exercise_is_in_the_table_with_what_it_is_proven_by() -> None:
    wanted = exercises()
    assert rows("Ejercicios") == wanted, "\n".join(f"| {' | '.join(row)} |" for row in wanted)
    sums = [sum(int(row[column]) for row in wanted) for column in (2, 3, 4)]
    assert f"{len(wanted)} ejercicios, {sums[0]} comprobaciones, {sums[1]} soluciones y {sums[2]} errores" in TABLE
    assert len([row for row in wanted if int(row[0]) in CHECKED]) >= 45
    assert [row[1] for row in wanted if int(row[3]) < 1 or int(row[4]) < 3] == []
