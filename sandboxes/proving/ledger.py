"""Which exercises have been proven as they are now: a file beside each, `pruebas.json`, kept with the course.

An exercise's fingerprint changes with its folder, with the graders it uses and with the images.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from lessons import catalog, kinds
from lessons.catalog import Exercise
from sandboxes.graders import text

NAME = "pruebas.json"
GUESS = 60.0
"""Seconds of an exercise that has never been proven."""
IMAGES = Path(__file__).resolve().parents[1] / "images"
FIFTHS = 5


class Entry(BaseModel):
    """What is kept of a proof."""

    huella: str
    fecha: date
    segundos: float
    casos: int
    completa: bool
    """With mutants and second runs."""
    huecos: list[str] = []
    """Lines that no check misses."""


def folder_of(exercise: Exercise) -> Path:
    lesson = catalog.course().lesson(exercise.lesson_slug)
    assert lesson is not None
    return catalog.home() / f"{lesson.number:02}-{lesson.slug}" / "ejercicios" / exercise.slug


def fingerprint(exercise: Exercise) -> str:
    """What the exercise's proof rests on, in 16 letters."""
    folder = folder_of(exercise)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != NAME]
    return _hash([*files, *graders_of(exercise)], also=_images())


def graders_of(exercise: Exercise) -> list[Path]:
    names = {spec.tipo for check in exercise.checks for spec in _parts(check)}
    sources = {inspect.getsourcefile(type(kinds.get(name))) for name in names} | {text.__file__}
    return sorted(Path(source) for source in sources if source)


def _parts(check: kinds.Spec) -> Iterable[kinds.Spec]:
    yield check
    for part in getattr(check, kinds.PARTS, ()):
        yield from _parts(part)


@cache
def _images() -> str:
    return _hash([path for path in sorted(IMAGES.rglob("*")) if path.is_file()])


def _hash(paths: Iterable[Path], *, also: str = "") -> str:
    digest = hashlib.sha256(also.encode())
    for path in paths:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def read(exercise: Exercise) -> Entry | None:
    """What is kept of the exercise's last proof; None if nothing that can be read."""
    try:
        return Entry.model_validate_json((folder_of(exercise) / NAME).read_text())
    except (FileNotFoundError, ValidationError):
        return None


def write(exercise: Exercise, entry: Entry) -> None:
    kept: dict[str, Any] = entry.model_dump(mode="json")
    (folder_of(exercise) / NAME).write_text(json.dumps(kept, ensure_ascii=False, indent=2) + "\n")


def due(exercises: Iterable[Exercise], *, today: date, seconds: float) -> tuple[list[Exercise], list[Exercise]]:
    """What is to be proven within so many seconds of work, and what is left for another day.

    Those that changed since their proof come first, then the day's fifth of the rest."""
    changed: list[Exercise] = []
    rest: list[Exercise] = []
    for exercise in exercises:
        entry = read(exercise)
        (rest if entry and entry.huella == fingerprint(exercise) else changed).append(exercise)
    turn = [exercise for exercise in rest if int(_hash_text(exercise.key), 16) % FIFTHS == today.toordinal() % FIFTHS]
    chosen: list[Exercise] = []
    for exercise in [*changed, *turn]:
        entry = read(exercise)
        seconds -= entry.segundos if entry else GUESS
        if chosen and seconds < 0:
            break
        chosen.append(exercise)
    return chosen, [exercise for exercise in [*changed, *turn] if exercise not in chosen]


def _hash_text(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]
