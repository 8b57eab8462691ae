"""Which exercises have been proven as they are now: a file beside each, `pruebas.json`, kept with the course.

An exercise's fingerprint changes with its folder, with the graders it uses, with the sandbox's image and with the course
images that its files name.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from lessons.catalog import Exercise
from sandboxes.fingerprint import LEDGER, content, folder_of, graders, of_files

GUESS = 90.0
"""Seconds, of all its quick cases, of an exercise that has never been proven."""
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


def fingerprint(exercise: Exercise) -> str:
    """What the exercise's proof rests on, in 16 letters."""
    parts = f"{content(exercise)} {graders(exercise)} {_images(tuple(_named(exercise)))}"
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


@cache
def _images(folders: tuple[str, ...]) -> str:
    return of_files(path for folder in folders for path in sorted((IMAGES / folder).rglob("*")) if path.is_file())


def _named(exercise: Exercise) -> list[str]:
    """The folders of the images that an exercise stands on: the sandbox's, the packages', and the course's that it names."""
    said = "".join(path.read_text(errors="ignore") for path in sorted(folder_of(exercise).rglob("*")) if path.is_file())
    course = tomllib.loads((IMAGES / "course" / "images.toml").read_text())
    return ["sandbox", "packages", *(f"course/{folder}" for name, folder in sorted(course.items()) if name.rpartition(":")[0] in said)]


def read(exercise: Exercise) -> Entry | None:
    """What is kept of the exercise's last proof; None if nothing that can be read."""
    try:
        return Entry.model_validate_json((folder_of(exercise) / LEDGER).read_text())
    except (FileNotFoundError, ValidationError):
        return None


def write(exercise: Exercise, entry: Entry) -> None:
    kept: dict[str, Any] = entry.model_dump(mode="json")
    (folder_of(exercise) / LEDGER).write_text(json.dumps(kept, ensure_ascii=False, indent=2) + "\n")


def due(exercises: Iterable[Exercise], *, today: date, seconds: float) -> tuple[list[Exercise], list[Exercise]]:
    """What is to be proven within so many seconds of work, and what is left for another day.

    Those that changed since their proof come first, then the day's fifth of the rest."""
    changed: list[Exercise] = []
    rest: list[Exercise] = []
    for exercise in exercises:
        entry = read(exercise)
        (rest if entry and entry.huella == fingerprint(exercise) else changed).append(exercise)
    turn = [exercise for exercise in rest if _fifth(exercise) == today.toordinal() % FIFTHS]
    chosen: list[Exercise] = []
    for exercise in [*changed, *turn]:
        entry = read(exercise)
        seconds -= entry.segundos if entry else GUESS
        if chosen and seconds < 0:
            break
        chosen.append(exercise)
    return chosen, [exercise for exercise in [*changed, *turn] if exercise not in chosen]


def _fifth(exercise: Exercise) -> int:
    return int(hashlib.sha256(exercise.key.encode()).hexdigest()[:8], 16) % FIFTHS
