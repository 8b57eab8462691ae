"""One exercise as the course uses it, and the same with the values of an attempt in place.

Refuses to know lessons and courses (catalog.py) and how an exercise is written (exercise_file.py, consistency.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lessons import kinds
from lessons.consistency import checked
from lessons.exercise_file import ExerciseFile, Lab, Mistake, Step
from lessons.sources import load_model, read_text, strings_in
from lessons.values import Value, fill, fill_all, names_in

__all__ = ["Exercise", "ExerciseFile", "Lab", "Mistake", "Step", "load_exercise"]


@dataclass(frozen=True)
class Exercise:
    """One graded exercise. `key` is `<course>/<lesson>/<exercise>`, stable for ever.

    As loaded, its texts hold marks (`{{puerto}}`) and its checks sample values; `bound` gives an attempt's."""

    key: str
    slug: str
    title: str
    summary: str
    minutes: int
    text: str
    lab: Lab
    checks: tuple[kinds.Spec, ...]
    solutions: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    values: Mapping[str, Value] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """Path below the student's home → content, on every node."""
    preparation: Mapping[str, str] = field(default_factory=dict)
    """Node → script that root runs before the machine is handed over."""
    hints: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    """In order; of each a copy of the sandbox is kept when it is done."""
    raw_checks: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    varies: bool = False
    """Whether anything of it differs from attempt to attempt."""

    @property
    def points(self) -> int:
        return sum(check.puntos for check in self.checks)

    @property
    def course_slug(self) -> str:
        return self.key.split("/")[0]

    @property
    def lesson_slug(self) -> str:
        return self.key.split("/")[1]

    def bound(self, values: Mapping[str, str]) -> Exercise:
        """The exercise with these values (the student's name among them) wherever it asks for them."""
        if not self.varies:
            return self
        unsaid = set(self.values) - set(names_in(self.text))
        return replace(
            self,
            text=fill(self.text, values),
            checks=tuple(kinds.parse(fill_all(raw, values)).hiding(raw, unsaid) for raw in self.raw_checks),
            solutions=tuple(fill_all(self.solutions, values)),
            mistakes=tuple(Mistake.model_validate(fill_all(mistake.model_dump(), values)) for mistake in self.mistakes),
            files=fill_all(dict(self.files), values),
            preparation=fill_all(dict(self.preparation), values),
            hints=tuple(fill_all(self.hints, values)),
            varies=False,
        )


def load_exercise(home: Path, key: str) -> Exercise:
    """Read an exercise's folder; raises CourseError."""
    parsed = load_model(ExerciseFile, home / "ejercicio.yaml")
    text = read_text(home / "enunciado.md")
    checks = checked(parsed, text, home)
    raws = tuple(parsed.comprobaciones)
    preparation = parsed.preparar if isinstance(parsed.preparar, dict) else {parsed.laboratorio.nodos[0]: parsed.preparar}
    marked = [raws, parsed.ficheros, parsed.preparar, parsed.pistas, parsed.soluciones, [vars(error) for error in parsed.errores]]
    return Exercise(
        key=key,
        slug=home.name,
        title=parsed.titulo,
        summary=parsed.resumen,
        minutes=parsed.minutos,
        text=text,
        lab=parsed.laboratorio,
        checks=checks,
        solutions=tuple(parsed.soluciones),
        mistakes=tuple(parsed.errores),
        values=parsed.valores,
        files=parsed.ficheros,
        preparation={node: script for node, script in preparation.items() if script.strip()},
        hints=tuple(parsed.pistas),
        steps=tuple(parsed.pasos),
        raw_checks=raws,
        varies=any(names_in(found) for _, found in [*strings_in(marked), ((), text)] + [((), name) for name in parsed.ficheros]),
    )
