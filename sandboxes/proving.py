"""Proves exercises on real sandboxes: untouched fails, each solution passes (twice), each mistake earns its message.

Used by `manage.py prove_exercises` and by tests/course. Needs no database: it makes containers of its own.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lessons import values
from lessons.catalog import Exercise
from lessons.kinds import Status, Verdict
from sandboxes.engine import EngineError, LabEngine, Limits
from sandboxes.engine.student import Nodes
from sandboxes.grading import grade
from sandboxes.planting import plant
from sandboxes.pool import flavor_of


@dataclass(frozen=True)
class Proof:
    """One thing that was tried and what came of it; `fault` is empty if it came as it must."""

    exercise: str
    case: str
    fault: str


def prove(exercise: Exercise, engine: LabEngine) -> Iterator[Proof]:
    """Try every case of an exercise, each in a sandbox of its own."""
    exercise = exercise.bound({**values.draw(exercise.values, uuid.uuid4().hex), values.USER: "alumno"})
    with _sandbox(exercise, engine) as nodes:
        verdicts = _grade(exercise, engine, nodes)
        passed = all(verdicts[check.id].status == Status.PASSED for check in exercise.checks if not check.extra)
        unknown = [id_ for id_, verdict in verdicts.items() if verdict.status == Status.UNKNOWN]
        fault = "pasa sin hacer nada" if passed else f"no se pudo comprobar: {', '.join(unknown)}" if unknown else ""
        yield Proof(exercise.key, "sin tocar", fault)
    bonus = {check.id for check in exercise.checks if check.extra}
    for number, commands in enumerate(exercise.solutions, start=1):
        with _sandbox(exercise, engine) as nodes:
            said = _type(engine, nodes, commands)
            for turn in ("", " (otra vez)"):
                verdicts = _grade(exercise, engine, nodes)
                bonus -= {id_ for id_, v in verdicts.items() if v.status == Status.PASSED}
                bad = {check.id: verdicts[check.id] for check in exercise.checks if not check.extra}
                bad = {id_: v for id_, v in bad.items() if v.status != Status.PASSED}
                fault = "; ".join(f"{id_}: {_say(verdict)}" for id_, verdict in bad.items())
                yield Proof(exercise.key, f"solución {number}{turn}", f"{fault}\n{said}" if fault else "")
    if bonus:
        yield Proof(exercise.key, "lo que da puntos extra", f"ninguna solución supera {', '.join(sorted(bonus))}")
    for mistake in exercise.mistakes:
        with _sandbox(exercise, engine) as nodes:
            said = _type(engine, nodes, mistake.ordenes)
            verdict = _grade(exercise, engine, nodes)[mistake.comprobacion]
            told = verdict.status == Status.FAILED and mistake.mensaje in f"{verdict.observed} {verdict.hint}"
            fault = "" if told else f"se esperaba «{mistake.mensaje}» y se dijo: {_say(verdict)}\n{said}"
            yield Proof(exercise.key, f"error «{mistake.titulo}»", fault)


@contextmanager
def _sandbox(exercise: Exercise, engine: LabEngine) -> Iterator[dict[str, str]]:
    """A sandbox with the exercise's nodes: node → container."""
    lab = exercise.lab
    run = uuid.uuid4().hex[:8]
    names = {node: f"lab-prueba-{run}-{number}" for number, node in enumerate(lab.nodos)}
    limits = Limits(memory=lab.memoria, cpus=lab.cpus, pids=lab.procesos)
    first = next(iter(names.values()))
    try:
        for node, name in names.items():
            engine.create(name, hostname=node, labels={"lab.purpose": "proof"}, flavor=flavor_of(exercise), limits=limits)
            engine.start(name)
            engine.wait_ready(name, seconds=60)
            if len(names) > 1:
                engine.join(name, network=first, alias=node)
        plant(exercise, engine, names)
        yield names
    finally:
        for name in reversed(names.values()):
            engine.remove(name)


def _type(engine: LabEngine, nodes: dict[str, str], script: str) -> str:
    """Run commands as the student would, in a login shell; a failing one does not stop the next.

    A line `@node` sends what follows to that node."""
    said = []
    node = next(iter(nodes))
    for part in re.split(r"^(@[a-z0-9-]+)$\n?", script, flags=re.MULTILINE):
        if part.startswith("@"):
            node = part[1:]
        elif part.strip():
            try:
                done = engine.run(nodes[node], ["su", "-", "alumno", "-c", part], seconds=180)
            except EngineError as error:
                return str(error)
            said.append(done.output.decode(errors="replace"))
    return "".join(said)[-400:]


def _grade(exercise: Exercise, engine: LabEngine, nodes: dict[str, str]) -> dict[str, Verdict]:
    with Nodes(engine, nodes, seconds=60) as engines:
        verdicts, _evidence = grade(exercise.checks, engines.engine)
    return dict(verdicts)


def _say(verdict: Verdict) -> str:
    return f"[{verdict.status}] {verdict.observed} {verdict.hint}".strip()
