"""Values of an attempt: drawn within their bounds, the same inside an attempt, other ones for others; and hints."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lessons import catalog, progress, values
from lessons.kinds import Status, Verdict
from lessons.models import Attempt, Completion
from lessons.values import Value

KEY = "docker-intensivo/hello-world/hello-world"
VALUES = {"puerto": Value(numero=(8100, 8900)), "color": Value(elige=["rojo", "verde"]), "clave": Value(palabra=True)}


@given(some.text())
def test_draws_keep_to_their_bounds_and_depend_on_the_seed_alone(seed: str) -> None:
    drawn = values.draw(VALUES, seed)
    assert 8100 <= int(drawn["puerto"]) <= 8900
    assert drawn["color"] in ("rojo", "verde")
    assert len(drawn["clave"]) == 8
    assert drawn["clave"].isalpha()
    assert drawn == values.draw(VALUES, seed)


@given(some.text(), some.dictionaries(some.text(), some.text()))
def test_filling_any_text_leaves_what_has_no_value(text: str, given_: dict[str, str]) -> None:
    assert values.fill(text, {}) == text
    assert values.fill(text.replace("{", ""), given_) == text.replace("{", "")


def test_dockers_own_templates_are_left_alone() -> None:
    text = "{{range .Ports}}{{.Type}}{{else}}-{{end}} {{json .}} {{puerto}} {{ usuario }}"
    assert values.names_in(text) == ["puerto", "usuario"]
    assert values.fill(text, {"puerto": "1", "usuario": "ana"}) == text.replace("{{puerto}}", "1").replace("{{ usuario }}", "ana")


@pytest.fixture
def exercise(monkeypatch: pytest.MonkeyPatch) -> catalog.Exercise:
    """An exercise with values and hints, in the course."""
    found = catalog.course().exercises[KEY]
    varied = replace(found, text="{{puerto}} {{clave}} {{usuario}}", values=VALUES, varies=True, hints=("a", "b {{clave}}", "c"))
    raws = ({"id": "clave", "tipo": "command", "titulo": "La clave {{clave}}", "orden": "cat clave", "salida": "{{clave}}", "puntos": 4},)
    varied = replace(varied, raw_checks=raws, mistakes=())
    monkeypatch.setitem(catalog.course().exercises, KEY, varied)
    return varied


@pytest.mark.django_db
def test_two_students_and_two_attempts_get_other_values(ana: Any, bruno: Any, exercise: catalog.Exercise) -> None:
    texts = {progress.bind(exercise, user, progress.begin_attempt(user, KEY)).text for user in (ana, ana, bruno)}
    assert len(texts) == 3


def test_a_check_knows_which_of_its_fields_hold_what_the_statement_does_not_say(exercise: catalog.Exercise) -> None:
    raw = {"id": "a", "tipo": "file", "titulo": "a", "ruta": "{{puerto}}.txt", "texto": "{{color}}"}
    given = {"puerto": "1", "color": "rojo", "clave": "x", "usuario": "ana"}
    bound = replace(exercise, raw_checks=(raw, *exercise.raw_checks)).bound(given)
    assert [check.hidden for check in bound.checks] == [{"texto"}, frozenset()]


@pytest.mark.django_db
def test_the_page_shows_the_next_attempts_values_before_it_begins(ana: Any, exercise: catalog.Exercise) -> None:
    before = progress.bind(exercise, ana, None)
    attempt = progress.begin_attempt(ana, KEY)
    assert progress.bind(exercise, ana, attempt).text == before.text
    assert before.text.endswith(" ana")
    assert progress.bind(exercise, ana, None).text != before.text


@pytest.mark.django_db
def test_a_value_added_later_is_drawn_once_for_old_attempts(ana: Any, exercise: catalog.Exercise) -> None:
    attempt = progress.begin_attempt(ana, KEY)
    Attempt.objects.filter(pk=attempt.pk).update(values={"puerto": "8200"})
    attempt.refresh_from_db()
    first = progress.exercise_of(attempt)
    assert first
    assert first.text.startswith("8200 ")
    assert first.text == progress.bind(exercise, ana, attempt).text


@pytest.mark.django_db
def test_hints_come_one_by_one_and_stay(ana: Any, bruno: Any, exercise: catalog.Exercise) -> None:
    assert [progress.take_hint(ana, exercise, number) for number in (2, 1, 1, 3, 2, 3, 4)] == [0, 1, 1, 1, 2, 3, 3]
    assert (progress.hints_taken(ana, KEY), progress.hints_taken(bruno, KEY)) == (3, 0)


@pytest.mark.django_db
@pytest.mark.parametrize(("taken", "points"), [(0, 4), (1, 4), (2, 3), (3, 2)])
def test_the_first_hint_is_free_and_the_others_cost_a_point(ana: Any, exercise: catalog.Exercise, taken: int, points: int) -> None:
    for number in range(taken):
        progress.take_hint(ana, exercise, number + 1)
    attempt = progress.begin_attempt(ana, KEY)
    bound = progress.exercise_of(attempt)
    check = progress.begin_check(attempt)
    assert bound
    assert check
    progress.end_check(check, bound, [("clave", Verdict(Status.PASSED, "", ""))], {})
    assert Completion.objects.get().points == points
