"""Looks a course's folder over and says of everything that is wrong, and of what deserves a look, in which file and line.

`catalog.load` stops at the first bad file; this goes on. It reads the texts as they are written, not as they are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from lessons import catalog
from lessons.exercises import load_exercise
from lessons.sources import CourseError, read_text

GLOSSARY = "glosario.yaml"
YEAR = 366
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\\.)*)\]\(\s*<?([^)\s>]*)>?(?:\s+\"[^\"]*\")?\s*\)")
_TERM = re.compile(r"\[\[([^\]|]+)(?:\|[^\]]*)?\]\]")
_FENCE = re.compile(r"^\s*(```+|~~~+)")
_CONTAINER = re.compile(r"^:::\s*(\S.*)?$")
_DATE = re.compile(r"\bfecha=\"?(\d{4})-(\d{2})(?:-(\d{2}))?")
_LESSON_URL = re.compile(r"/curso/([^/#?]+)/(?:([^/#?]+)/)?(?:([^/#?]+)/)?")


@dataclass(frozen=True)
class Fault:
    """Something that is wrong, or (`warning`) that deserves a look."""

    path: Path
    line: int
    said: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {'aviso: ' if self.warning else ''}{self.said}"


def lint(folder: Path, *, today: date) -> list[Fault]:
    """Everything that is to be said of a course."""
    try:
        course = catalog.load(folder)
    except CourseError as error:
        return list(_faults(error, folder))
    terms, found = _terms(folder)
    for lesson in course.lessons:
        home = folder / f"{lesson.number:02}-{lesson.slug}"
        if lesson.written:
            found += _text(home / "leccion.md", course, terms, today)
            if not lesson.exercises:
                found.append(Fault(home / "leccion.md", 1, "la lección no tiene ningún ejercicio.", warning=True))
        for exercise in lesson.exercises:
            statement = home / "ejercicios" / exercise.slug / "enunciado.md"
            found += _text(statement, course, terms, today)
            if not exercise.hints:
                found.append(Fault(statement.with_name("ejercicio.yaml"), 1, "el ejercicio no tiene pistas.", warning=True))
    return found


def _faults(error: CourseError, folder: Path) -> Iterator[Fault]:
    """The faults of the file at which loading stopped, and those of every exercise beside it."""
    told = {str(error)}
    for path in sorted(folder.glob("*/ejercicios/*/ejercicio.yaml")):
        try:
            load_exercise(path.parent, f"{folder.name}/{path.parents[2].name[3:]}/{path.parent.name}")
        except CourseError as other:
            told.add(str(other))
    for said in sorted(told):
        for line in said.splitlines():
            place = re.match(r"(.+?):(\d+): (.+)", line) or re.match(r"(.+?)()(?:: )(.+)", line)
            yield Fault(Path(place[1]), int(place[2] or 1), place[3]) if place else Fault(folder, 1, line)


def _terms(folder: Path) -> tuple[set[str], list[Fault]]:
    """The glossary's terms, and what is wrong with it."""
    path = folder / GLOSSARY
    if not path.exists():
        return set(), []
    try:
        decoded: Any = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return set(), [Fault(path, mark.line + 1 if mark else 1, f"YAML mal escrito: {getattr(error, 'problem', error)}")]
    if not isinstance(decoded, dict):
        return set(), [Fault(path, 1, "el glosario es un mapa de término a definición.")]
    return {str(term).casefold() for term in decoded}, []


def _text(path: Path, course: catalog.Course, terms: set[str], today: date) -> list[Fault]:
    text = read_text(path)
    found: list[Fault] = []
    fence, fence_line = "", 0
    opened: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if mark := _FENCE.match(line):
            if not fence:
                fence, fence_line = mark[1], number
            elif line.strip() == fence or (line.strip().startswith(fence) and not line.strip().strip(fence[0])):
                fence = ""
            continue
        if fence:
            continue
        if container := _CONTAINER.match(line):
            found += _container(path, number, container[1] or "", opened, today)
        found += _links(path, number, re.sub(r"`[^`]*`", "", line), course, terms)
    if fence:
        found.append(Fault(path, fence_line, f"el bloque de código no se cierra: falta «{fence}»."))
    found += [Fault(path, number, "el recuadro no se cierra: falta «:::».") for number in opened]
    return found


def _container(path: Path, number: int, said: str, opened: list[int], today: date) -> Iterator[Fault]:
    if not said:
        if opened:
            opened.pop()
        else:
            yield Fault(path, number, "este «:::» no cierra ningún recuadro.")
        return
    opened.append(number)
    if said.split()[0] != "version":
        return
    when = _DATE.search(said)
    if not when or "fuente=" not in said:
        yield Fault(path, number, 'una frase sobre una versión lleva «fecha=2026-11» y «fuente="https://…"».')
    elif not 1 <= int(when[2]) <= 12:
        yield Fault(path, number, f"no hay mes {when[2]}.")
    elif (today - date(int(when[1]), int(when[2]), 1)).days > YEAR:
        yield Fault(path, number, f"esto se comprobó en {when[1]}-{when[2]}, hace más de un año: ¿sigue siendo así?", warning=True)


def _links(path: Path, number: int, line: str, course: catalog.Course, terms: set[str]) -> Iterator[Fault]:
    for image, text, target in _LINK.findall(line):
        if image and not text.strip():
            yield Fault(path, number, f"la figura «{target}» no tiene texto alternativo: ![lo que se ve](…).")
        if not target:
            yield Fault(path, number, f"el enlace «{text}» no lleva a ningún sitio.")
        elif fault := _target_fault(path, target, course):
            yield Fault(path, number, fault)
    for term in _TERM.findall(line):
        if term.strip().casefold() not in terms:
            yield Fault(path, number, f"«{term.strip()}» no está en el glosario ({GLOSSARY}).")


def _target_fault(path: Path, target: str, course: catalog.Course) -> str:
    parts = urlsplit(target)
    if parts.scheme:
        return "" if parts.scheme in ("https", "http", "mailto") else f"«{target}»: los enlaces son a https."
    if place := _LESSON_URL.fullmatch(parts.path):
        lesson = course.lesson(place[2]) if place[2] else None
        there = place[1] == course.slug and (not place[2] or lesson)
        if there and (not place[3] or f"{course.slug}/{place[2]}/{place[3]}" in course.exercises):
            return ""
        return f"«{target}» no es ninguna página del curso."
    if parts.path.startswith("/"):
        return ""
    if parts.path and not (path.parent / parts.path).exists():
        return f"«{target}» no existe: se busca desde la carpeta de este fichero."
    return ""
