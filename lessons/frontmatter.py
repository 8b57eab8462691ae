"""What a lesson's file says above its text, between two lines `---`: times, aims, readings, questions to go over it.

Every fault names the line of the file it is in. Refuses to know what the text says.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError

from lessons.sources import LOADER, CourseError, Lines, Strict, broken, explain, lines_in, read_text

FENCE = "---"
Line = Annotated[str, Field(min_length=1, max_length=400)]


class Reading(Strict):
    """Somewhere to read on."""

    titulo: Line
    url: str = Field(pattern=r"^https?://\S+$")


class Question(Strict):
    """A question to go over the lesson by oneself; its answer is shown on demand."""

    pregunta: Line
    respuesta: Annotated[str, Field(min_length=1)]


class Front(Strict):
    """A lesson's front matter; all of it optional."""

    minutos: int = Field(default=0, ge=0, le=600)
    """0: not said."""
    objetivos: list[Line] = []
    antes: list[Line] = []
    lecturas: list[Reading] = []
    repaso: list[Question] = []


@dataclass(frozen=True)
class LessonText:
    """A lesson's file, split. `first_line` is the line of the file at which the text begins, from 1."""

    front: Front
    text: str
    first_line: int


def load_text(path: Path) -> LessonText:
    """Read a lesson's file; raises CourseError with every fault of its front matter."""
    return split(read_text(path), path)


def split(source: str, path: Path) -> LessonText:
    """A lesson's front matter and its text; raises CourseError."""
    lines = source.splitlines(keepends=True)
    if not lines or lines[0].rstrip() != FENCE:
        return LessonText(Front(), source, 1)
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.rstrip() == FENCE), None)
    if end is None:
        raise CourseError(f"{path}:1: lo de encima del texto no se cierra: falta otra línea «---».")
    # A blank first line keeps the numbers of the file.
    head = "\n" + "".join(lines[1:end])
    try:
        decoded = yaml.load(head, LOADER)  # noqa: S506  # a safe loader
        places: Lines = lines_in(head, path)
        front = Front.model_validate(decoded or {})
    except yaml.YAMLError as error:
        raise broken(error, path) from error
    except ValidationError as error:
        raise CourseError(explain(error, path, places, ())) from error
    return LessonText(front, "".join(lines[end + 1 :]).lstrip("\n"), end + 2)
