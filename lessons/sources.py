"""Reads the course's YAML files into models, and says of each fault in which file and line it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from lessons import faults

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, where it is: ten times as fast."""
Where = tuple[str | int, ...]
"""A place in a YAML file, as the keys and positions that lead to it."""
Lines = dict[Where, int]


class CourseError(Exception):
    """The course's files are wrong; the message says where and why, in Spanish."""


class Strict(BaseModel):
    """What an author writes: an unknown field is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def load_model[Model: BaseModel](model: type[Model], path: Path) -> Model:
    """Read and validate a YAML file; raises CourseError with every fault."""
    source = read_text(path)
    try:
        decoded = yaml.load(source, LOADER)  # noqa: S506  # a safe loader
        lines_of(path)  # finds keys that come twice, of which YAML keeps the last
        return model.model_validate(decoded)
    except yaml.YAMLError as error:
        raise broken(error, path) from error
    except ValidationError as error:
        raise CourseError(explain(error, path, lines_of(path), ())) from error


def broken(error: yaml.YAMLError, path: Path) -> CourseError:
    """What is wrong with a text that is no YAML, with its file and line."""
    line, said = faults.of_yaml(error)
    return CourseError(f"{path}:{line}: YAML mal escrito: {one_line(said)}.")


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CourseError(f"{path}: falta el fichero.") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise CourseError(f"{path}:{line}: el fichero no está en UTF-8.") from error


def explain(error: ValidationError, path: Path, lines: Lines, prefix: Where) -> str:
    """Each fault that pydantic found, with its file and line."""
    said = []
    for fault in error.errors():
        where = (*prefix, *fault["loc"])
        said.append(one_line(f"{path}:{line_of(lines, where)}: {'.'.join(map(str, where)) or 'fichero'}: {faults.of_value(fault)}"))
    return "\n".join(said)


def one_line(text: str) -> str:
    """What an author wrote may be anything; what is said of it is one line."""
    return " ".join(text.split())


def line_of(lines: Lines, where: Where) -> int:
    while where and where not in lines:
        where = where[:-1]
    return lines.get(where, 1)


def lines_of(path: Path) -> Lines:
    """Where each key and item of a YAML file begins, from 1; raises CourseError for a key that comes twice."""
    return lines_in(path.read_text(encoding="utf-8"), path)


def lines_in(source: str, path: Path) -> Lines:
    """The same of a YAML text, which is (part of) the file at `path`."""
    found: Lines = {}

    def walk(node: yaml.Node, here: Where) -> None:
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

    root = yaml.compose(source, LOADER)
    if root is not None:
        walk(root, ())
    return found


def strings_in(value: Any, here: Where = ()) -> list[tuple[Where, str]]:
    """Every string of a decoded YAML value and its place."""
    match value:
        case str():
            return [(here, value)]
        case dict():
            return [found for key, item in value.items() for found in strings_in(item, (*here, key))]
        case list() | tuple():
            return [found for number, item in enumerate(value) for found in strings_in(item, (*here, number))]
        case _:
            return []
