"""What a verdict rests on besides the engine: the exercise's files and the graders it uses, each as a short hash."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from lessons import catalog, kinds
from lessons.catalog import Exercise
from sandboxes.graders import text

LEDGER = "pruebas.json"
"""The one file of an exercise's folder that is not its content."""


def folder_of(exercise: Exercise) -> Path:
    lesson = catalog.course().lesson(exercise.lesson_slug)
    assert lesson is not None
    return catalog.home() / f"{lesson.number:02}-{lesson.slug}" / "ejercicios" / exercise.slug


def content(exercise: Exercise) -> str:
    """Changes with anything in the exercise's folder."""
    return of_files(path for path in sorted(folder_of(exercise).rglob("*")) if path.is_file() and path.name != LEDGER)


def graders(exercise: Exercise) -> str:
    """Changes with the code of any kind of check that the exercise uses."""
    return of_files(graders_of(exercise))


def graders_of(exercise: Exercise) -> list[Path]:
    """The files of the kinds of check that an exercise uses."""
    names = {spec.tipo for check in exercise.checks for spec in _parts(check)}
    sources = {inspect.getsourcefile(type(kinds.get(name))) for name in names} | {text.__file__}
    return sorted(Path(source) for source in sources if source)


def _parts(check: kinds.Spec) -> Iterator[kinds.Spec]:
    yield check
    for part in getattr(check, kinds.PARTS, ()):
        yield from _parts(part)


def of_files(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@cache
def of_run(key: str) -> tuple[str, str]:
    """Content and graders of the course's exercise of that key, kept in memory as the course is; empty if there is none."""
    exercise = catalog.exercise(key)
    return (content(exercise), graders(exercise)) if exercise and folder_of(exercise).is_dir() else ("", "")
