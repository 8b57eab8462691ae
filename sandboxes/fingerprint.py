"""What a verdict rests on besides the engine: the exercise's files and the graders it uses, each as a short hash."""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from lessons import catalog, kinds
from lessons.catalog import Exercise

PACKAGE = "sandboxes.graders"
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
    """The files of the kinds of check that an exercise uses, with all that these are made of."""
    names = {spec.tipo for check in exercise.checks for spec in _parts(check)}
    return sorted({path for name in names for path in sources_of(name)})


def sources_of(kind: str) -> set[Path]:
    """The files of a kind of check: its own, and those of the graders' folder that it imports, on and on."""
    own = inspect.getsourcefile(type(kinds.get(kind)))
    found: set[Path] = set()
    ahead = [Path(own)] if own else []
    while ahead:
        path = ahead.pop()
        if path not in found:
            found.add(path)
            ahead += _imported(path)
    return found


@cache
def _imported(path: Path) -> list[Path]:
    """The files of the graders' folder that one of them imports."""
    imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    names = [name.name for node in imports if node.module == PACKAGE for name in node.names]
    names += [node.module.removeprefix(f"{PACKAGE}.") for node in imports if node.module and node.module.startswith(f"{PACKAGE}.")]
    return [file for name in names if (file := path.with_name(f"{name}.py")).exists()]


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
