"""Loads the course from its files and validates it into frozen objects.

    content/<course>/curso.yaml                              title, lessons in order
    content/<course>/NN-slug/leccion.md                      the lesson's text
    content/<course>/NN-slug/ejercicios/<slug>/ejercicio.yaml, enunciado.md

Every error names file and line. Refuses to know who studies: that is progress.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lessons import kinds

CONTENT = Path(__file__).resolve().parent / "content"
Disk = Literal["1G", "3G", "8G"]


class CourseError(Exception):
    """The course's files are wrong; the message says where and why, in Spanish."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Lab(_Strict):
    """What the exercise's sandbox may use. Memory in MiB, disk as one of the pools' sizes."""

    memoria: int = Field(default=512, ge=128, le=4096)
    cpus: float = Field(default=1.0, gt=0, le=4)
    procesos: int = Field(default=400, ge=64, le=4096)
    disco: Disk = "3G"
    nodos: list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,20}$")]] = Field(default=["lab"], min_length=1, max_length=5)


class Mistake(_Strict):
    """A typical mistake, as typed, and what the student must be told."""

    titulo: str
    ordenes: str
    comprobacion: str
    mensaje: str


class ExerciseFile(_Strict):
    titulo: str
    resumen: str
    minutos: int = Field(default=10, ge=1)
    laboratorio: Lab = Lab()
    comprobaciones: list[dict[str, Any]] = Field(min_length=1)
    soluciones: list[str] = Field(min_length=1)
    errores: list[Mistake] = Field(min_length=3)


class _LessonEntry(_Strict):
    carpeta: str = Field(pattern=r"^\d\d-[a-z0-9-]+$")
    titulo: str
    resumen: str = ""
    ejercicios: list[Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]] = []


class _CourseFile(_Strict):
    titulo: str
    resumen: str
    lecciones: list[_LessonEntry] = Field(min_length=1)


@dataclass(frozen=True)
class Exercise:
    """One graded exercise. `key` is `<course>/<lesson>/<exercise>`, stable for ever."""

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

    @property
    def points(self) -> int:
        return sum(check.puntos for check in self.checks)

    @property
    def course_slug(self) -> str:
        return self.key.split("/")[0]

    @property
    def lesson_slug(self) -> str:
        return self.key.split("/")[1]


@dataclass(frozen=True)
class Lesson:
    """One lesson; without a text it is shown as being prepared."""

    number: int
    slug: str
    title: str
    summary: str
    text: str
    exercises: tuple[Exercise, ...]

    @property
    def written(self) -> bool:
        return bool(self.text)


@dataclass(frozen=True)
class Course:
    """A whole course, in order."""

    slug: str
    title: str
    summary: str
    lessons: tuple[Lesson, ...]
    exercises: dict[str, Exercise] = field(default_factory=dict, repr=False)

    def lesson(self, slug: str) -> Lesson | None:
        return next((lesson for lesson in self.lessons if lesson.slug == slug), None)


@cache
def course(slug: str | None = None) -> Course:
    """The course of that slug (the configured one by default); raises CourseError. Kept in memory."""
    return load(CONTENT / (slug or settings.ENV.course))


def exercise(key: str) -> Exercise | None:
    """The exercise of that key in the configured course."""
    return course().exercises.get(key)


def load(folder: Path) -> Course:
    """Read and validate a course's folder; raises CourseError with every fault of the first bad file."""
    path = folder / "curso.yaml"
    parsed = _validate(_CourseFile, path)
    lines = _lines(path)
    slugs: dict[str, int] = {}
    for position, entry in enumerate(parsed.lecciones):
        line = _line_of(lines, ("lecciones", position, "carpeta"))
        if entry.carpeta[:2] != f"{position + 1:02}":
            raise CourseError(
                f"{path}:{line}: «{entry.carpeta}» es la lección {position + 1}: su carpeta debe empezar por {position + 1:02}."
            )
        if slugs.setdefault(entry.carpeta[3:], line) != line:
            raise CourseError(f"{path}:{line}: hay otra lección «{entry.carpeta[3:]}» en la línea {slugs[entry.carpeta[3:]]}.")
        if len(set(entry.ejercicios)) != len(entry.ejercicios):
            line = _line_of(lines, ("lecciones", position, "ejercicios"))
            raise CourseError(f"{path}:{line}: un ejercicio de «{entry.carpeta}» está dos veces.")
    lessons = tuple(_load_lesson(folder, entry, number) for number, entry in enumerate(parsed.lecciones, start=1))
    exercises = {exercise.key: exercise for lesson in lessons for exercise in lesson.exercises}
    return Course(folder.name, parsed.titulo, parsed.resumen, lessons, exercises)


def _load_lesson(folder: Path, entry: _LessonEntry, number: int) -> Lesson:
    home = folder / entry.carpeta
    slug = entry.carpeta.split("-", 1)[1]
    text = home / "leccion.md"
    return Lesson(
        number=number,
        slug=slug,
        title=entry.titulo,
        summary=entry.resumen,
        text=text.read_text() if text.exists() else "",
        exercises=tuple(_load_exercise(home / "ejercicios" / name, f"{folder.name}/{slug}/{name}") for name in entry.ejercicios),
    )


def _load_exercise(home: Path, key: str) -> Exercise:
    path = home / "ejercicio.yaml"
    parsed = _validate(ExerciseFile, path)
    lines = _lines(path)
    checks = []
    for position, raw in enumerate(parsed.comprobaciones):
        checks.append(_check(raw, path, lines, ("comprobaciones", position)))
    if all(check.extra for check in checks):
        raise CourseError(
            f"{path}:{_line_of(lines, ('comprobaciones',))}: todas las comprobaciones son extra: no queda ninguna que superar."
        )
    ids: dict[str, int] = {}
    for position, check in enumerate(checks):
        for number, required in enumerate(check.requiere):
            if required not in ids:
                line = _line_of(lines, ("comprobaciones", position, "requiere", number))
                raise CourseError(f"{path}:{line}: «{check.id}» requiere «{required}», que no es ninguna comprobación anterior.")
        line = _line_of(lines, ("comprobaciones", position, "id"))
        if ids.setdefault(check.id, line) != line:
            raise CourseError(f"{path}:{line}: ya hay una comprobación «{check.id}» en la línea {ids[check.id]}.")
        if check.nodo and check.nodo not in parsed.laboratorio.nodos:
            line = _line_of(lines, ("comprobaciones", position, "nodo"))
            raise CourseError(f"{path}:{line}: no hay ningún nodo «{check.nodo}»; los hay: {', '.join(parsed.laboratorio.nodos)}.")
    for position, mistake in enumerate(parsed.errores):
        if mistake.comprobacion not in ids:
            line = _line_of(lines, ("errores", position, "comprobacion"))
            raise CourseError(
                f"{path}:{line}: el error «{mistake.titulo}» habla de «{mistake.comprobacion}», que no es ninguna comprobación."
            )
    text = _read(home / "enunciado.md")
    return Exercise(
        key=key,
        slug=home.name,
        title=parsed.titulo,
        summary=parsed.resumen,
        minutes=parsed.minutos,
        text=text,
        lab=parsed.laboratorio,
        checks=tuple(checks),
        solutions=tuple(parsed.soluciones),
        mistakes=tuple(parsed.errores),
    )


def _check(raw: dict[str, Any], path: Path, lines: dict[tuple[str | int, ...], int], here: tuple[str | int, ...]) -> kinds.Spec:
    parts = raw.get(kinds.PARTS)
    if isinstance(parts, list) and all(isinstance(part, dict) for part in parts):
        # Parts are read first, so that a fault of one is told at its own line.
        read = [_check(kinds.named(part, number), path, lines, (*here, kinds.PARTS, number)) for number, part in enumerate(parts)]
        raw = {**raw, kinds.PARTS: read}
    try:
        kind = kinds.get(str(raw.get("tipo")))
    except KeyError:
        line = _line_of(lines, (*here, "tipo"))
        raise CourseError(
            f"{path}:{line}: no hay comprobaciones de tipo «{raw.get('tipo')}»; las hay de {', '.join(kinds.names())}."
        ) from None
    try:
        return kind.spec.model_validate(raw)
    except ValidationError as error:
        raise CourseError(_explain(error, path, lines, here)) from error


def _validate[Model: BaseModel](model: type[Model], path: Path) -> Model:
    source = _read(path)
    try:
        decoded = yaml.safe_load(source)
        _lines(path)  # finds keys that come twice, of which YAML keeps the last
        return model.model_validate(decoded)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise CourseError(f"{path}:{mark.line + 1 if mark else 1}: YAML mal escrito: {getattr(error, 'problem', error)}") from error
    except ValidationError as error:
        raise CourseError(_explain(error, path, _lines(path), ())) from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CourseError(f"{path}: falta el fichero.") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise CourseError(f"{path}:{line}: el fichero no está en UTF-8.") from error


def _explain(error: ValidationError, path: Path, lines: dict[tuple[str | int, ...], int], prefix: tuple[str | int, ...]) -> str:
    said = []
    for fault in error.errors():
        where = (*prefix, *fault["loc"])
        said.append(f"{path}:{_line_of(lines, where)}: {'.'.join(map(str, where)) or 'fichero'}: {fault['msg']}")
    return "\n".join(said)


def _line_of(lines: dict[tuple[str | int, ...], int], where: tuple[str | int, ...]) -> int:
    while where and where not in lines:
        where = where[:-1]
    return lines.get(where, 1)


def _lines(path: Path) -> dict[tuple[str | int, ...], int]:
    """Where each key and item of a YAML file begins: path of keys → line, from 1."""
    found: dict[tuple[str | int, ...], int] = {}

    def walk(node: yaml.Node, here: tuple[str | int, ...]) -> None:
        found.setdefault(here, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                line = key.start_mark.line + 1
                if (*here, key.value) in found:
                    raise CourseError(f"{path}:{line}: «{key.value}» ya está en la línea {found[(*here, key.value)]}.")
                found[(*here, key.value)] = line
                walk(value, (*here, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                walk(value, (*here, number))

    root = yaml.compose(path.read_text(encoding="utf-8"))
    if root is not None:
        walk(root, ())
    return found
