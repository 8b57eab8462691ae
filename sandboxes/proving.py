"""Proves exercises on real sandboxes: untouched fails, each solution passes (twice), each mistake earns its message.

Used by `manage.py prove_exercises` and by tests/course. Needs no database: it makes containers of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lessons.catalog import Exercise
from lessons.kinds import Status, Verdict
from sandboxes.engine import EngineError, LabEngine, Limits
from sandboxes.engine.student import StudentEngine
from sandboxes.grading import grade


@dataclass(frozen=True)
class Proof:
    """One thing that was tried and what came of it; `fault` is empty if it came as it must."""

    exercise: str
    case: str
    fault: str


def prove(exercise: Exercise, engine: LabEngine) -> Iterator[Proof]:
    """Try every case of an exercise, each in a sandbox of its own."""
    with _sandbox(exercise, engine) as container:
        verdicts = _grade(exercise, engine, container)
        passed = all(verdicts[check.id].status == Status.PASSED for check in exercise.checks if not check.extra)
        unknown = [id_ for id_, verdict in verdicts.items() if verdict.status == Status.UNKNOWN]
        fault = "pasa sin hacer nada" if passed else f"no se pudo comprobar: {', '.join(unknown)}" if unknown else ""
        yield Proof(exercise.key, "sin tocar", fault)
    bonus = {check.id for check in exercise.checks if check.extra}
    for number, commands in enumerate(exercise.solutions, start=1):
        with _sandbox(exercise, engine) as container:
            said = _type(engine, container, commands)
            for turn in ("", " (otra vez)"):
                verdicts = _grade(exercise, engine, container)
                bonus -= {id_ for id_, v in verdicts.items() if v.status == Status.PASSED}
                bad = {check.id: verdicts[check.id] for check in exercise.checks if not check.extra}
                bad = {id_: v for id_, v in bad.items() if v.status != Status.PASSED}
                fault = "; ".join(f"{id_}: {_say(verdict)}" for id_, verdict in bad.items())
                yield Proof(exercise.key, f"solución {number}{turn}", f"{fault}\n{said}" if fault else "")
    if bonus:
        yield Proof(exercise.key, "lo que da puntos extra", f"ninguna solución supera {', '.join(sorted(bonus))}")
    for mistake in exercise.mistakes:
        with _sandbox(exercise, engine) as container:
            said = _type(engine, container, mistake.ordenes)
            verdict = _grade(exercise, engine, container)[mistake.comprobacion]
            told = verdict.status == Status.FAILED and mistake.mensaje in f"{verdict.observed} {verdict.hint}"
            fault = "" if told else f"se esperaba «{mistake.mensaje}» y se dijo: {_say(verdict)}\n{said}"
            yield Proof(exercise.key, f"error «{mistake.titulo}»", fault)


@contextmanager
def _sandbox(exercise: Exercise, engine: LabEngine) -> Iterator[str]:
    name = f"lab-prueba-{uuid.uuid4().hex[:8]}"
    lab = exercise.lab
    try:
        engine.create(
            name,
            hostname="lab",
            labels={"lab.purpose": "proof"},
            disk=lab.disco,
            limits=Limits(memory=lab.memoria, cpus=lab.cpus, pids=lab.procesos),
        )
        engine.start(name)
        engine.wait_ready(name, seconds=60)
        yield name
    finally:
        engine.remove(name)


def _type(engine: LabEngine, container: str, commands: str) -> str:
    """Run commands as the student would, in a login shell; a failing one does not stop the next."""
    try:
        done = engine.run(container, ["su", "-", "alumno", "-c", commands], seconds=180)
    except EngineError as error:
        return str(error)
    return done.output.decode(errors="replace")[-400:]


def _grade(exercise: Exercise, engine: LabEngine, container: str) -> dict[str, Verdict]:
    with StudentEngine(engine, container, seconds=60) as student:
        verdicts, _evidence = grade(exercise.checks, student)
    return dict(verdicts)


def _say(verdict: Verdict) -> str:
    return f"[{verdict.status}] {verdict.observed} {verdict.hint}".strip()
