"""The questions of an exercise as its page shows them: shuffled, without a trace of the right answer."""

from __future__ import annotations

import random
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.crypto import salted_hmac
from django.utils.safestring import SafeString

from lessons import kinds
from lessons.catalog import Exercise
from lessons.kinds import Status, Verdict
from lessons.markdown import render
from lessons.models import QuizAnswer
from sandboxes.graders.quiz import QuizSpec

PATIENCE = 3
"""Wrong answers after which the explanation is shown all the same."""
LONGEST = 300
"""Characters of a typed answer."""


@dataclass(frozen=True)
class Option:
    """A choice; its token says nothing of its place in the file."""

    token: str
    text: str
    chosen: bool = False
    place: int = 0
    """Of an order: where it was put, from 1."""


@dataclass(frozen=True)
class Question:
    """What the page shows of one question."""

    id: str
    title: str
    text: SafeString
    mode: str
    points: int
    options: tuple[Option, ...]
    typed: str = ""
    tries: int = 0
    verdict: Verdict | None = None
    """None while there is no answer, or while it takes the engine to judge it."""
    waits: bool = False
    """Answered, and judged with the rest of the checks."""
    explanation: SafeString | None = None

    @property
    def passed(self) -> bool:
        return self.verdict is not None and self.verdict.status == Status.PASSED

    @property
    def places(self) -> range:
        return range(1, len(self.options) + 1)


def questions(exercise: Exercise, answers: dict[str, QuizAnswer], *, seed: str) -> list[Question]:
    """Every question of a bound exercise; the same seed gives the same order of options."""
    asked = [spec for spec in exercise.checks if isinstance(spec, QuizSpec)]
    return [_question(spec, answers.get(spec.id), f"{exercise.key}:{seed}:{spec.id}") for spec in asked]


def _question(spec: QuizSpec, answer: QuizAnswer | None, seed: str) -> Question:
    verdict = None
    if answer and not spec.awaited():
        kind = kinds.get(spec.tipo)
        assert isinstance(kind, kinds.Answered)
        verdict = kind.judge(spec, kind.answered(spec, answer.given, answer.tries))
    over = verdict is not None and (verdict.status == Status.PASSED or (answer is not None and answer.tries >= PATIENCE))
    given = answer.given if answer else []
    options = [_option(spec, text, given) for text in spec.opciones]
    random.Random(seed).shuffle(options)  # noqa: S311  # no secret rests on it
    return Question(
        id=spec.id,
        title=spec.titulo,
        text=render(spec.pregunta),
        mode=spec.clase,
        points=spec.puntos,
        options=tuple(options),
        typed=given[0] if given and not spec.opciones else "",
        tries=answer.tries if answer else 0,
        verdict=verdict,
        waits=answer is not None and bool(spec.awaited()),
        explanation=render(spec.explicacion) if over else None,
    )


def _option(spec: QuizSpec, text: str, given: list[str]) -> Option:
    place = given.index(text) + 1 if spec.clase == "orden" and text in given else 0
    return Option(_token(spec, text), text, text in given, place)


def _token(spec: QuizSpec, text: str) -> str:
    return salted_hmac("sandboxes.questions", f"{spec.id}:{text}", algorithm="sha256").hexdigest()[:16]


def read_answer(spec: QuizSpec, posted: QueryDict) -> list[str] | None:
    """What a form says in answer to a question, as texts; None if it says nothing that can be an answer."""
    texts = {_token(spec, text): text for text in spec.opciones}
    if spec.clase == "orden":
        places = {text: posted.get(f"puesto-{token}", "") for token, text in texts.items()}
        if sorted(places.values()) != sorted(str(number + 1) for number in range(len(texts))):
            return None
        return sorted(places, key=lambda text: int(places[text]))
    if spec.clase in ("una", "varias"):
        chosen = [texts[token] for token in posted.getlist("respuesta") if token in texts]
        chosen = [text for text in spec.opciones if text in chosen]
        return chosen if chosen and (spec.clase == "varias" or len(chosen) == 1) else None
    typed = posted.get("respuesta", "").replace("\x00", "").strip()[:LONGEST]
    return [typed] if typed else None
