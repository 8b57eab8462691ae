"""Values that change from attempt to attempt, written `{{name}}` in an exercise: drawn, found and filled in.

A copied answer then differs from the right one. Refuses to know where they are kept: that is progress.py.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from lessons.sources import Strict

USER = "usuario"
"""Always there: the student's name, also in the class registry."""
NAME = r"^[a-z][a-z0-9_]{0,30}$"
_MARK = re.compile(r"\{\{\s*([^\W\d][\w-]*)\s*\}\}")
PASSWORD = "contrasena"  # noqa: S105  # a name
"""In solutions and mistakes: the student's password of the class registry."""
RESERVED = frozenset({"end", "else", "break", "continue", USER, PASSWORD})
"""Words of Docker's own templates, which are left as they are, and ours."""
_CONSONANTS, _VOWELS = "bdfgklmnrsvz", "aeiou"


class Value(Strict):
    """How a value is drawn: exactly one of its ways."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    numero: tuple[int, int] | None = None
    """A whole number between two, both included."""
    elige: list[str] | None = Field(default=None, min_length=2)
    """One of these."""
    palabra: Literal[True] | None = None
    """Eight letters that can be pronounced: a name or a secret."""

    @model_validator(mode="after")
    def in_one_way(self) -> Self:
        if sum(way is not None for way in (self.numero, self.elige, self.palabra)) != 1:
            raise ValueError("escribe una sola de estas: «numero: [min, max]», «elige: [a, b]» o «palabra: true»")
        if self.numero and self.numero[0] >= self.numero[1]:
            raise ValueError("el primer número debe ser menor que el segundo")
        return self

    def draw(self, dice: random.Random) -> str:
        if self.numero:
            return str(dice.randint(*self.numero))
        if self.elige:
            return dice.choice(self.elige)
        return "".join(dice.choice(_CONSONANTS) + dice.choice(_VOWELS) for _ in range(4))

    def extremes(self) -> list[str]:
        """Draws that between them show whether every draw suits."""
        if self.numero:
            return [str(number) for number in self.numero]
        return self.elige or ["kabekabe"]


def draw(values: Mapping[str, Value], seed: str) -> dict[str, str]:
    """One value of each; the same for the same seed."""
    return {name: value.draw(random.Random(f"{seed}:{name}")) for name, value in values.items()}  # noqa: S311  # no secret rests on it


def names_in(text: str) -> list[str]:
    """The names that a text asks for, in order."""
    return [name for name in _MARK.findall(text) if name in (USER, PASSWORD) or name not in RESERVED]


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its values in place; names that are none stay as they are."""
    return _MARK.sub(lambda mark: values.get(mark[1], mark[0]), text)


def fill_all(value: Any, values: Mapping[str, str]) -> Any:
    """The same for every string of a decoded YAML value."""
    match value:
        case str():
            return fill(value, values)
        case dict():
            return {fill(key, values) if isinstance(key, str) else key: fill_all(item, values) for key, item in value.items()}
        case list() | tuple():
            return [fill_all(item, values) for item in value]
        case _:
            return value
