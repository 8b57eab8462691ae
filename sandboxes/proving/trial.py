"""Carries a case out in a sandbox of its own and says whether what came of it is what must."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from lessons import kinds
from lessons.catalog import Exercise
from lessons.kinds import Status, Verdict
from lessons.models import QuizAnswer
from lessons.values import fill_all
from sandboxes.engine import EngineError, LabEngine
from sandboxes.engine.nodes import Nodes
from sandboxes.graders.quiz import QuizSpec
from sandboxes.grading import grade
from sandboxes.proving.cases import Case, Kind
from sandboxes.proving.student import Seat, seat
from sandboxes.proving.typist import PATIENCE, desk

MUTANT_PATIENCE = 40
"""Seconds for a command of a mutant: it may well wait for what is not there."""


@dataclass(frozen=True)
class Proof:
    """One case and what came of it. `fault` is empty if it came as it must; a gap is a line that nobody missed."""

    exercise: str
    case: str
    kind: Kind
    fault: str
    seconds: float
    gap: bool = False
    again: bool = False
    """A second run of what another case tried."""
    bonus: tuple[str, ...] = ()
    """Checks that give extra points and passed."""


def try_case(case: Case, engine: LabEngine) -> Proof:
    """Carry a case out, from an empty machine to a verdict."""
    began = time.monotonic()
    gap, bonus = False, []
    try:
        with seat(case.exercise) as place:
            said, verdicts = _perform(case, place, engine)
        bonus = [check.id for check in case.exercise.checks if check.extra and verdicts[check.id].status == Status.PASSED]
        fault = fault_of(case, place.exercise, verdicts)
        gap = case.kind == Kind.MUTANT and _passes(place.exercise, verdicts)
        if fault and said:
            fault = f"{fault}\n{said}"
    except EngineError as error:
        fault = str(error)
    return Proof(case.exercise.key, case.name, case.kind, fault, time.monotonic() - began, gap, case.again, tuple(bonus))


def _perform(case: Case, place: Seat, engine: LabEngine) -> tuple[str, dict[str, Verdict]]:
    exercise = place.exercise
    commands = tuple(fill_all(case.commands, place.values))
    said = ""
    mutant = case.kind == Kind.MUTANT
    with desk(engine, place.machines) as terminals:
        said = terminals.carry_out(commands, patience=MUTANT_PATIENCE if mutant else PATIENCE, stubborn=mutant)
        answers = answers_in(commands)
        right = case.kind in (Kind.SOLUTION, Kind.MUTANT)
        with Nodes(engine, place.machines, seconds=PATIENCE, past=place.past) as nodes:
            verdicts, _evidence = grade(
                exercise.checks, nodes.engine, answer=lambda spec: answer_to(spec, answers, right=right), nodes=tuple(place.machines)
            )
    return said, dict(verdicts)


def answers_in(commands: tuple[str, ...]) -> dict[str, list[str]]:
    """The answers among the commands, `? id: one | another`, by question."""
    said = [command[1:].partition(":") for command in commands if command.startswith("?")]
    return {id_.strip(): [part.strip() for part in answer.split(" | ")] for id_, _colon, answer in said}


def answer_to(spec: Any, answers: dict[str, list[str]], *, right: bool) -> QuizAnswer | None:
    """What the student answered to a question; in a solution, the right thing unless it says otherwise."""
    given = answers.get(spec.id)
    if given is None and right and isinstance(spec, QuizSpec):
        given = spec.right
    return QuizAnswer(check_id=spec.id, given=given, tries=1) if given is not None else None


def fault_of(case: Case, exercise: Exercise, verdicts: dict[str, Verdict]) -> str:
    match case.kind:
        case Kind.UNTOUCHED:
            return "; ".join(filter(None, (_untouched(check, verdicts[check.id]) for check in exercise.checks)))
        case Kind.SOLUTION:
            bad = [check.id for check in exercise.checks if not check.extra and verdicts[check.id].status != Status.PASSED]
            return "; ".join(f"{id_}: {say(verdicts[id_])}" for id_ in bad)
        case Kind.MISTAKE:
            assert case.mistake is not None
            mistake = exercise.mistakes[case.mistake]
            verdict = verdicts[mistake.comprobacion]
            told = verdict.status == Status.FAILED and mistake.mensaje in f"{verdict.observed} {verdict.hint}"
            return "" if told else f"se esperaba «{mistake.mensaje}» y se dijo: {say(verdict)}"
        case Kind.MUTANT:
            return ""


def _untouched(check: kinds.Spec, verdict: Verdict) -> str:
    passed = verdict.status == Status.PASSED
    if passed and not check.inicial:
        return f"«{check.id}» se supera sin hacer nada (si ha de ser así, «inicial: true»)"
    if check.inicial and not passed:
        return f"«{check.id}» debería superarse sin hacer nada: {say(verdict)}"
    return ""


def _passes(exercise: Exercise, verdicts: dict[str, Verdict]) -> bool:
    return all(verdicts[check.id].status == Status.PASSED for check in exercise.checks if not check.extra)


def say(verdict: Verdict) -> str:
    return f"[{verdict.status}] {verdict.observed} {verdict.hint}".strip()
