"""Looks a course's folder over and says of everything that is wrong, and of what deserves a look, in which file and line.

`catalog.load` stops at the first bad file; this goes on. It reads the texts as they are written, not as they are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from textwrap import dedent
from urllib.parse import urlsplit

from lessons import boxes, catalog, facts, figures, frontmatter, glossary, transcripts
from lessons.exercises import load_exercise
from lessons.sources import CourseError, lines_of, read_text
from lessons.values import names_in

YEAR = 366
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\\.)*)\]\(\s*<?([^)\s>]*)>?(?:\s+\"[^\"]*\")?\s*\)")
_FENCE = re.compile(r"^\s*(```+|~~~+)(.*)$")
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
    found: list[Fault] = []
    for term in course.glossary.terms:
        found += _links(folder / glossary.FILE, _line_of_term(folder, term), re.sub(r"`[^`]*`", "", term.definition), course)
    for lesson in course.lessons:
        home = lesson.folder
        if lesson.written:
            found += _text(home / "leccion.md", course, today)
            if not lesson.exercises:
                found.append(Fault(home / "leccion.md", 1, "la lección no tiene ningún ejercicio."))
        for exercise in lesson.exercises:
            statement = home / "ejercicios" / exercise.slug / "enunciado.md"
            found += _text(statement, course, today)
            if not exercise.hints:
                found.append(Fault(statement.with_name("ejercicio.yaml"), 1, "el ejercicio no tiene pistas.", warning=True))
    return found


def _line_of_term(folder: Path, term: glossary.Term) -> int:
    return lines_of(folder / glossary.FILE).get((term.name,), 1)


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


def _text(path: Path, course: catalog.Course, today: date) -> list[Fault]:
    """A text's faults; of a lesson's file, the front matter has been read by who loaded it."""
    source = read_text(path)
    first = frontmatter.split(source, path).first_line if path.name == "leccion.md" else 1
    found: list[Fault] = []
    fence, info, fence_line = "", "", 0
    body: list[str] = []
    opened: list[tuple[int, boxes.Head]] = []
    answered: set[int] = set()
    for number, line in enumerate(source.splitlines(), start=1):
        if number < first:
            continue
        if mark := _FENCE.match(line):
            if not fence:
                fence, info, fence_line, body = mark[1], mark[2].strip(), number, []
            elif line.strip() == fence or (line.strip().startswith(fence) and not line.strip().strip(fence[0])):
                found += _transcript(path, fence_line, info, body)
                fence = ""
            continue
        if fence:
            body.append(line)
            continue
        if opened and line.strip() == "---":
            answered.add(opened[-1][0])
        if boxes.CLOSE.match(line):
            found += _closed(path, number, opened, answered)
        elif box := boxes.OPEN.match(line):
            head = boxes.head_of(box[1])
            opened.append((number, head))
            found += _opened(path, number, head, today)
        if any(head.kind == boxes.MACHINE for _number, head in opened):
            found += _values(path, number, line)
        found += _links(path, number, re.sub(r"`[^`]*`", "", line), course)
    if fence:
        found.append(Fault(path, fence_line, f"el bloque de código no se cierra: falta «{fence}»."))
    found += [Fault(path, number, "el recuadro no se cierra: falta «:::».") for number, _head in opened]
    return found


def _transcript(path: Path, number: int, info: str, body: list[str]) -> Iterator[Fault]:
    if transcripts.is_transcript(info):
        # In a list, a block stands as far in as its item's text.
        for said in transcripts.parse(info, dedent("\n".join(body))).faults:
            yield Fault(path, number, said)


def _opened(path: Path, number: int, head: boxes.Head, today: date) -> Iterator[Fault]:
    if not head.known:
        yield Fault(path, number, f"no hay recuadros «{head.kind}»; los hay: {', '.join(boxes.TITLES)}.")
    for said in head.faults:
        yield Fault(path, number, said)
    if head.year and (today - date(head.year, head.month, 1)).days > YEAR:
        said = f"esto se comprobó en {head.year}-{head.month:02}, hace más de un año: ¿sigue siendo así?"
        yield Fault(path, number, said, warning=True)


def _values(path: Path, number: int, line: str) -> Iterator[Fault]:
    """In a machine's box, what stands for a value is one of the machine's facts."""
    for name in names_in(line):
        if name not in facts.KNOWN:
            yield Fault(path, number, f"no hay ningún dato «{name}» de la máquina; los hay: {', '.join(facts.KNOWN)}.")


def _closed(path: Path, number: int, opened: list[tuple[int, boxes.Head]], answered: set[int]) -> Iterator[Fault]:
    if not opened:
        yield Fault(path, number, "este «:::» no cierra ningún recuadro.")
        return
    start, head = opened.pop()
    if head.kind == "predice" and start not in answered:
        yield Fault(path, start, "a esta pregunta le falta su respuesta, tras una línea «---».")


def _links(path: Path, number: int, line: str, course: catalog.Course) -> Iterator[Fault]:
    for image, text, target in _LINK.findall(line):
        if image and not text.strip():
            yield Fault(path, number, f"la figura «{target}» no tiene texto alternativo: ![lo que se ve](…).")
        if not target:
            yield Fault(path, number, f"el enlace «{text}» no lleva a ningún sitio.")
        elif fault := _target_fault(path, target, course):
            yield Fault(path, number, fault)
        elif image and text.strip():
            for said in _figure_faults(path, target):
                yield Fault(path, number, said)
    for term in glossary.MARK.finditer(line):
        if not course.glossary.find(term[1]):
            yield Fault(path, number, f"«{term[1].strip()}» no está en el glosario ({glossary.FILE}).")


def _figure_faults(path: Path, target: str) -> list[str]:
    parts = urlsplit(target)
    if parts.scheme or target.startswith("/"):
        return [f"«{target}»: las figuras son de la carpeta «{figures.FOLDER}» de la lección; nada se pide fuera."]
    if not parts.path.startswith(f"{figures.FOLDER}/") or ".." in parts.path:
        return [f"«{target}»: las figuras van en la carpeta «{figures.FOLDER}», junto a este fichero."]
    return figures.faults(path.parent / parts.path)


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
