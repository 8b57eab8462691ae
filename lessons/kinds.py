"""The registry of check kinds: the interface that graders implement and register at start-up.

A check is `observe(engine) → evidence` and a pure `judge(evidence) → verdict`; the course only needs to know
which kinds exist and what their specification looks like, so nothing here imports a grader.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, Field


class Status(StrEnum):
    """How a check came out."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It could not be checked; never counts against anybody."""
    PENDING = "pending"
    """Not looked at: a check that it requires has not passed."""


class NotEnoughEvidence(Exception):
    """What was kept of a past run does not hold what a check asks for today."""


@dataclass(frozen=True)
class Verdict:
    """What a check says to the student, in Spanish. `expected` and `observed` are short; `hint` may be empty."""

    status: Status
    expected: str
    observed: str
    hint: str = ""


class Spec(BaseModel):
    """What an exercise's file says of one check; kinds add their own fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    tipo: str
    titulo: str
    puntos: int = Field(default=1, ge=0, le=100)
    requiere: list[str] = []
    """Earlier checks that must pass before this one is looked at."""
    extra: bool = False
    """Gives points, but the exercise is passed without it."""
    nodo: str = ""
    """The node whose engine is looked at; empty for the first."""


PARTS = "de"
"""The field where a check that is made of others has them."""


def named(raw: dict[str, Any], number: int) -> dict[str, Any]:
    """A part of a check needs neither id nor title of its own."""
    return {"id": str(number), "titulo": "", **raw}


class Evidence(BaseModel):
    """What was seen, kept with the check run so that it can be judged again."""

    model_config = ConfigDict(frozen=True)


class Kind(Protocol):
    """One kind of check; see sandboxes/graders/ for those there are."""

    name: ClassVar[str]
    spec: ClassVar[type[Spec]]
    evidence: ClassVar[type[Evidence]]

    def observe(self, spec: Any, engine: Any) -> Evidence:
        """Look at the student's engine. Untrusted: raises CannotObserve, never returns a guess."""

    def judge(self, spec: Any, evidence: Any) -> Verdict:
        """Decide from the evidence alone."""


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Make a kind known by its name; a second one of the same name is a programming error."""
    if kind.name in _kinds:
        raise ValueError(f"check kind {kind.name!r} is registered twice")
    _kinds[kind.name] = kind


def get(name: str) -> Kind:
    """The kind of that name; raises KeyError."""
    return _kinds[name]


def parse(raw: dict[str, Any]) -> Spec:
    """The specification of a check; raises KeyError for an unknown kind and pydantic's ValidationError."""
    return get(str(raw.get("tipo"))).spec.model_validate(raw)


def names() -> list[str]:
    return sorted(_kinds)
