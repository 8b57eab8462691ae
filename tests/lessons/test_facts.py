"""What is known of the students' machines, and the boxes that are shown only where they are true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache

from lessons import boxes, catalog, facts
from lessons.facts import Condition, condition
from lessons.markdown import render_text

HERE = {"motor": "26.1.5", "cgroup": "1", "systemd": "no"}
GUIDE = (Path(__file__).parents[2] / "docs" / "autoria.md").read_text()


@pytest.fixture(autouse=True)
def nobody_has_looked() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ("motor<29", True),
        ("motor<26.1.5", False),
        ("motor>=26.1.5", True),
        ("motor>=26.1", True),
        ("motor<27.2", True),
        ("motor<9", False),
        ("cgroup=1", True),
        ("cgroup!=1", False),
        ("cgroup=2", False),
        ("systemd=no", True),
        ("nucleo>=1", False),
        ("nucleo<99", False),
        ("nucleo=6", False),
    ],
)
def test_conditions_compare_versions_number_by_number(said: str, holds: bool) -> None:
    read = condition(said)
    assert isinstance(read, Condition)
    assert read.holds(HERE) is holds, "nothing is known here of the kernel"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("motor", "no es una condición"),
        ("motro<29", "no hay ningún dato «motro»"),
        ("motor<nuevo", "no es un número"),
        ("<29", "no es una"),
    ],
)
def test_a_word_that_is_no_condition_is_told(said: str, why: str) -> None:
    assert why in str(condition(said))


def box(condition: str, text: str = "Aquí, {{motor}}.") -> str:
    return f"Antes.\n\n::: maquina {condition}\n{text}\n:::\n\nDespués."


def test_a_box_that_is_not_true_here_is_not_there() -> None:
    assert "Aquí" in boxes.where_true(box("cgroup=1"), HERE)
    gone = boxes.where_true(box("cgroup=2"), HERE)
    assert "maquina" not in gone
    assert gone.startswith("Antes.")
    assert gone.endswith("Después.")


def test_every_condition_of_a_box_must_hold() -> None:
    assert "Aquí" in boxes.where_true(box("cgroup=1 motor<29"), HERE)
    assert "Aquí" not in boxes.where_true(box("cgroup=1 motor<20"), HERE)


def test_values_are_put_in_their_place_in_a_box_and_nowhere_else() -> None:
    text = box("motor<29", "Es el `{{motor}}`; {{.State}} y {{ninguno}} se quedan.") + "\n\n{{motor}}"
    shown = boxes.where_true(text, HERE)
    assert "Es el `26.1.5`; {{.State}} y {{ninguno}} se quedan." in shown
    assert shown.endswith("{{motor}}")


def test_boxes_within_boxes_and_blocks_of_code_are_left_whole() -> None:
    inner = "::: aviso\nOjo.\n:::\n\n```\n:::\n```\n\n::: maquina cgroup=2\nNo.\n:::\n\nFin."
    shown = boxes.where_true(box("cgroup=1", inner), HERE)
    assert "Ojo." in shown
    assert "Fin.\n:::" in shown
    assert "No." not in shown
    assert boxes.where_true(box("cgroup=2", inner), HERE) == "Antes.\n\n\nDespués."
    quoted = "```\n::: maquina cgroup=2\n:::\n```"
    assert boxes.where_true(quoted, HERE) == quoted


def test_a_machine_that_was_seen_says_more_than_what_is_kept() -> None:
    facts.keep({**facts.kept(), "cgroup": "2", "motor": "29.8.2"})
    assert "Aquí, 29.8.2." in render_text(box("cgroup=2")).html
    assert "Aquí" not in render_text(box("motor<29")).html
    cache.clear()
    assert facts.current() == facts.kept()


def test_a_box_of_a_version_has_its_date_and_source() -> None:
    html = render_text(box('motor>=1 fecha=2026-11 fuente="https://x.org/a"')).html
    assert "noviembre de 2026" in html
    assert 'href="https://x.org/a"' in html
    assert "En tu máquina" in html


def test_every_fact_has_a_kept_value_and_is_explained() -> None:
    assert list(facts.kept()) == list(facts.KNOWN)
    told = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", GUIDE, re.MULTILINE))
    assert {name: told.get(name) for name in facts.KNOWN} == facts.KNOWN


def test_the_course_tells_its_readers_where_their_machines_differ() -> None:
    text = "\n".join(lesson.text for lesson in catalog.course().lessons)
    used = {each.name for head in re.findall(r"^::: (maquina .*)$", text, re.MULTILINE) for each in boxes.head_of(head).conditions}
    assert {"motor", "containerd", "cgroup", "systemd", "internet", "ipv6", "recursos", "privilegiado"} <= used
