"""The course's glossary: `glosario.yaml`, a map of term to definition, beside curso.yaml.

Terms are found whatever their case. Refuses to guess: a term that is not there is no term.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lessons.sources import LOADER, CourseError, broken, lines_of, one_line, read_text

FILE = "glosario.yaml"
MARK = re.compile(r"\[\[([^\[\]|\\\n]+)(?:\\?\|([^\[\]\n]+))?\]\]")
"""`[[capa]]`, or `[[capa|capas]]`; within a table the bar is written `\\|`."""
_MARKUP = re.compile(r"\[\[(?:[^\[\]|]+\|)?([^\[\]|]+)\]\]|\[([^\]]*)\]\([^)]*\)|(\*\*|__|`)")


@dataclass(frozen=True)
class Term:
    """A term; `definition` is Markdown, `plain` the same without its marks."""

    name: str
    slug: str
    definition: str

    @property
    def plain(self) -> str:
        return one_line(_MARKUP.sub(lambda found: found[1] or found[2] or "", self.definition))


@dataclass(frozen=True)
class Glossary:
    """All the terms, in the order of the dictionary. `digest` changes when any of them does."""

    terms: tuple[Term, ...] = field(default=(), compare=False)
    digest: str = ""
    _found: Mapping[str, Term] = field(default_factory=dict, repr=False, compare=False)

    def find(self, name: str) -> Term | None:
        return self._found.get(_key(name))


EMPTY = Glossary()


def load(path: Path) -> Glossary:
    """Read a glossary; raises CourseError. A course without one has an empty one."""
    if not path.exists():
        return EMPTY
    source = read_text(path)
    try:
        decoded: Any = yaml.load(source, LOADER)  # noqa: S506  # a safe loader
        lines = lines_of(path)
    except yaml.YAMLError as error:
        raise broken(error, path) from error
    if not isinstance(decoded, dict):
        raise CourseError(f"{path}:1: el glosario es un mapa de término a definición.")
    found: dict[str, Term] = {}
    for name, definition in decoded.items():
        line = lines.get((str(name),), 1)
        if not isinstance(name, str) or not isinstance(definition, str) or not definition.strip():
            raise CourseError(f"{path}:{line}: «{name}» no tiene por definición un texto.")
        if _key(name) in found:
            raise CourseError(f"{path}:{line}: «{name}» ya está, como «{found[_key(name)].name}».")
        found[_key(name)] = Term(name, slug_of(name), definition.strip())
    terms = tuple(sorted(found.values(), key=lambda term: term.slug))
    return Glossary(terms, hashlib.sha256(source.encode()).hexdigest()[:16], found)


def slug_of(name: str) -> str:
    """A term's name as its place on the glossary's page."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "-", bare).strip("-") or hashlib.sha256(name.encode()).hexdigest()[:8]


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split()).casefold())
