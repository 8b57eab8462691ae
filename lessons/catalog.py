"""Loads the course from its files and validates it into frozen objects.

    content/<course>/curso.yaml                              title, lessons in order
    content/<course>/glosario.yaml                           its terms
    content/<course>/NN-slug/leccion.md                      the lesson's text
    content/<course>/NN-slug/ejercicios/<slug>/ejercicio.yaml, enunciado.md

Every error names file and line. Refuses to know who studies: that is progress.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated

from django.conf import settings
from pydantic import Field

from lessons import glossary
from lessons.exercises import Exercise, ExerciseFile, Lab, Mistake, load_exercise
from lessons.frontmatter import Front, load_text
from lessons.sources import CourseError, Strict, line_of, lines_of, load_model

__all__ = ["CONTENT", "Course", "CourseError", "Exercise", "ExerciseFile", "Lab", "Lesson", "Mistake", "course", "exercise", "load"]

PRACTICE = "laboratorio"
"""The slug of a lesson's practice."""
CONTENT = Path(__file__).resolve().parent / "content"


class _LessonEntry(Strict):
    carpeta: str = Field(pattern=r"^\d\d-[a-z0-9-]+$")
    titulo: str
    resumen: str = ""
    ejercicios: list[Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]] = []


class _CourseFile(Strict):
    titulo: str
    resumen: str
    lecciones: list[_LessonEntry] = Field(min_length=1)


@dataclass(frozen=True)
class Lesson:
    """One lesson; without a text it is shown as being prepared."""

    number: int
    slug: str
    title: str
    summary: str
    text: str
    """Without its front matter."""
    exercises: tuple[Exercise, ...]
    folder: Path
    practice: Exercise | None = None
    """Its text with a lab beside it: an exercise in which nothing is checked."""
    front: Front = field(default_factory=Front)

    @property
    def written(self) -> bool:
        return bool(self.text)

    @property
    def points(self) -> int:
        return sum(exercise.points for exercise in self.exercises)

    @property
    def minutes(self) -> int:
        """What reading it and doing its exercises is said to take."""
        return self.front.minutos + sum(exercise.minutes for exercise in self.exercises)


@dataclass(frozen=True)
class Course:
    """A whole course, in order."""

    slug: str
    title: str
    summary: str
    lessons: tuple[Lesson, ...]
    exercises: dict[str, Exercise] = field(default_factory=dict, repr=False)
    glossary: glossary.Glossary = glossary.EMPTY

    def lesson(self, slug: str) -> Lesson | None:
        return next((lesson for lesson in self.lessons if lesson.slug == slug), None)


@cache
def course(slug: str | None = None) -> Course:
    """The course of that slug (the configured one by default); raises CourseError. Kept in memory."""
    return load(home(slug))


def home(slug: str | None = None) -> Path:
    """The folder of a course: one of ours by its slug, else the configured one (LAB_COURSE_DIR or LAB_COURSE)."""
    if slug is None and settings.ENV.course_dir:
        return Path(settings.ENV.course_dir)
    return CONTENT / (slug or settings.ENV.course)


def exercise(key: str) -> Exercise | None:
    """The exercise of that key in the configured course, or the practice of a lesson."""
    return course().exercises.get(key) or next(
        (lesson.practice for lesson in course().lessons if lesson.practice and lesson.practice.key == key), None
    )


def load(folder: Path) -> Course:
    """Read and validate a course's folder; raises CourseError with every fault of the first bad file."""
    path = folder / "curso.yaml"
    parsed = load_model(_CourseFile, path)
    lines = lines_of(path)
    slugs: dict[str, int] = {}
    for position, entry in enumerate(parsed.lecciones):
        line = line_of(lines, ("lecciones", position, "carpeta"))
        if entry.carpeta[:2] != f"{position + 1:02}":
            raise CourseError(
                f"{path}:{line}: «{entry.carpeta}» es la lección {position + 1}: su carpeta debe empezar por {position + 1:02}."
            )
        if slugs.setdefault(entry.carpeta[3:], line) != line:
            raise CourseError(f"{path}:{line}: hay otra lección «{entry.carpeta[3:]}» en la línea {slugs[entry.carpeta[3:]]}.")
        if len(set(entry.ejercicios)) != len(entry.ejercicios):
            line = line_of(lines, ("lecciones", position, "ejercicios"))
            raise CourseError(f"{path}:{line}: un ejercicio de «{entry.carpeta}» está dos veces.")
    lessons = tuple(_load_lesson(folder, entry, number) for number, entry in enumerate(parsed.lecciones, start=1))
    exercises = {exercise.key: exercise for lesson in lessons for exercise in lesson.exercises}
    return Course(folder.name, parsed.titulo, parsed.resumen, lessons, exercises, glossary.load(folder / glossary.FILE))


def _load_lesson(folder: Path, entry: _LessonEntry, number: int) -> Lesson:
    home = folder / entry.carpeta
    slug = entry.carpeta.split("-", 1)[1]
    path = home / "leccion.md"
    read = load_text(path) if path.exists() else None
    exercises = tuple(load_exercise(home / "ejercicios" / name, f"{folder.name}/{slug}/{name}") for name in entry.ejercicios)
    return Lesson(
        number=number,
        slug=slug,
        title=entry.titulo,
        summary=entry.resumen,
        text=read.text if read else "",
        front=read.front if read else Front(),
        folder=home,
        practice=_practice(entry, f"{folder.name}/{slug}/{PRACTICE}", read.text, exercises) if read else None,
        exercises=exercises,
    )


def _practice(entry: _LessonEntry, key: str, text: str, exercises: tuple[Exercise, ...]) -> Exercise | None:
    """A lab to try a lesson's commands in: as its first exercise's, with the nodes that the text names."""
    if PRACTICE in entry.ejercicios:
        return None
    lab = exercises[0].lab if exercises else Lab()
    named = dict.fromkeys(re.findall(r"^[ \t]*```terminal\b.*?\bnodo=([a-z][a-z0-9-]*)", text, re.MULTILINE))
    nodes = list(dict.fromkeys([*lab.nodos, *named]))[:5]
    return Exercise(
        key=key,
        slug=PRACTICE,
        title=entry.titulo,
        summary=entry.resumen,
        minutes=0,
        text=text,
        lab=lab.model_copy(update={"nodos": nodes, "compartir": True}),
        checks=(),
        solutions=(),
        mistakes=(),
    )
