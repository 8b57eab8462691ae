"""`quiz`, judged on plain data."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from lessons import kinds
from lessons.kinds import Status, Verdict
from sandboxes.graders.quiz import QuizEvidence

OPTIONS = ["uno", "dos", "tres", "cuatro"]


def spec(clase: str, respuesta: Any = None, **more: Any) -> kinds.Spec:
    raw = {"id": "q", "tipo": "quiz", "titulo": "q", "pregunta": "¿?", "clase": clase, "explicacion": "porque sí", **more}
    if clase in ("una", "varias", "orden"):
        raw.setdefault("opciones", OPTIONS)
    return kinds.parse(raw if respuesta is None else {**raw, "respuesta": respuesta})


def judge(given_: kinds.Spec, answer: list[str] | None) -> Verdict:
    return kinds.get("quiz").judge(given_, QuizEvidence(answer=answer))


@pytest.mark.parametrize(
    ("asked", "answer", "credit"),
    [
        (spec("una", "dos"), ["dos"], 1),
        (spec("una", "dos"), ["tres"], 0),
        (spec("varias", ["uno", "dos"]), ["uno", "dos"], 1),
        (spec("varias", ["uno", "dos"]), ["uno"], 0.5),
        (spec("varias", ["uno", "dos"]), ["uno", "dos", "tres"], 0.5),
        (spec("varias", ["uno", "dos"]), OPTIONS, 0),
        (spec("orden"), OPTIONS, 1),
        (spec("orden"), ["dos", "uno", "tres", "cuatro"], 0.5),
        (spec("orden", ["cuatro", "tres", "dos", "uno"]), OPTIONS, 0),
        (spec("numero", 42), ["42"], 1),
        (spec("numero", 1.5), ["1,5"], 1),
        (spec("numero", 100, tolerancia=5), ["104.5"], 1),
        (spec("numero", 100, tolerancia=5), ["106"], 0),
        (spec("numero", 42), ["cuarenta"], 0),
        (spec("texto", "docker ps"), [" «Docker  PS». "], 1),
        (spec("texto", ["imagen", "una imagen"]), ["Una imágen"], 1),
        (spec("texto", "año"), ["ano"], 0),
        (spec("texto", "docker ps"), ["docker ps -a"], 0),
    ],
)
def test_answers_earn_their_part(asked: kinds.Spec, answer: list[str], credit: float) -> None:
    verdict = judge(asked, answer)
    assert verdict.status == (Status.PASSED if credit == 1 else Status.FAILED)
    assert verdict.points(asked.model_copy(update={"puntos": 2})) == 2 * credit
    assert bool(verdict.hint) == (credit < 1)


def test_no_answer_says_so_and_nothing_says_the_right_one() -> None:
    for asked in (spec("una", "dos"), spec("texto", "dos"), spec("numero", 7)):
        for answer in (None, ["otra cosa"]):
            verdict = judge(asked, answer)
            assert verdict.status == Status.FAILED
            assert "dos" not in f"{verdict.expected}{verdict.observed}{verdict.hint}"
            assert "7" not in f"{verdict.expected}{verdict.observed}{verdict.hint}"


@pytest.mark.parametrize(
    ("clase", "respuesta", "more"),
    [
        ("una", "cinco", {}),
        ("una", ["uno", "dos"], {}),
        ("una", "uno", {"opciones": ["uno"]}),
        ("una", "uno", {"opciones": ["uno", "uno"]}),
        ("varias", None, {}),
        ("orden", ["uno"], {}),
        ("numero", "siete", {}),
        ("numero", 7, {"opciones": ["7", "8"]}),
        ("texto", None, {}),
    ],
)
def test_questions_that_are_not_whole_are_refused(clase: str, respuesta: Any, more: Any) -> None:
    with pytest.raises(ValidationError):
        spec(clase, respuesta, **more)


@given(some.text())
def test_any_typed_text_is_judged(text: str) -> None:
    assert judge(spec("texto", "quintaesencia"), [text]).status in (Status.PASSED, Status.FAILED)
    assert judge(spec("numero", 7), [text]).status in (Status.PASSED, Status.FAILED)
