"""The registry of check kinds: the interface that graders implement and register at start-up.

A check is `observe(engine) → evidence` and a pure `judge(evidence) → verdict`; the course only needs to know
which kinds exist and what their specification looks like, so nothing here imports a grader.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic_core import to_jsonable_python

from lessons.sources import strings_in
from lessons.values import NAME, fill_all, names_in


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
    credit: float = 0
    """What of its points a check that has not passed gives all the same, from 0 to 1."""

    def points(self, spec: Spec) -> float:
        return spec.puntos if self.status == Status.PASSED else round(spec.puntos * self.credit, 1)


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
    inicial: bool = False
    """It passes from the start, and must still pass at the end."""
    guarda: Annotated[str, Field(pattern=rf"{NAME}|^$")] | dict[Annotated[str, Field(pattern=NAME)], str] = ""
    """The name under which later checks find what this one saw, once it has passed; or names, each with what of it."""
    _written: dict[str, Any] | None = PrivateAttr(default=None)
    """As it was written, if it waits for what earlier checks keep."""
    _hidden: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def hidden(self) -> frozenset[str]:
        """Its fields that hold what the student is to find out: what earlier checks keep, and values that the statement does not say."""
        return self._hidden

    def hiding(self, raw: Mapping[str, Any], names: Collection[str]) -> Self:
        """The same, hiding what those names stand for, wherever it was written with them."""
        asked = {field: {name for _where, text in strings_in(value) for name in names_in(text)} for field, value in raw.items()}
        self._hidden |= {field for field, found in asked.items() if found & set(names)}
        return self

    def keeps(self) -> dict[str, str]:
        """What it keeps for later checks: name → which of the kind's `captures`, empty for the first."""
        return self.guarda if isinstance(self.guarda, dict) else {self.guarda: ""} if self.guarda else {}

    def awaited(self) -> list[str]:
        """What it needs of earlier checks, by the names they keep it under."""
        return [name for _where, text in strings_in(self._written) for name in names_in(text)]

    def completed(self, kept: Mapping[str, str]) -> Spec:
        """The specification with what earlier checks kept; raises ValidationError where that does not suit."""
        if not self._written:
            return self
        whole = parse(fill_all(self._written, kept)).hiding(self._written, kept)
        whole._hidden |= self._hidden
        return whole


SAMPLE = "1"
"""What stands for a value that is not known yet: it suits texts and numbers."""
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
        """Look at the student's engine. Untrusted: raises CannotObserve, never returns a guess.

        What it reads of `spec` (fields and properties) is the question that the evidence answers: see `look`."""

    def judge(self, spec: Any, evidence: Any) -> Verdict:
        """Decide from the evidence alone."""


@runtime_checkable
class Captures(Protocol):
    """A kind whose checks may keep what they saw for later ones (`guarda`)."""

    captures: ClassVar[Mapping[str, str]]
    """What may be kept, and what it is, in Spanish. The first is kept where none is named."""

    def captured(self, spec: Any, evidence: Any) -> Mapping[str, object]:
        """Of a check that has passed, what it saw of each; what it did not see is not there, or is None or empty."""


@runtime_checkable
class Tells(Protocol):
    """A kind whose evidence says by itself whether it answers another question: `judge` raises NotEnoughEvidence if not."""

    told: ClassVar[frozenset[str]]
    """What of a specification may have been corrected since."""


@runtime_checkable
class Live(Protocol):
    """A kind that is cheap enough, and changes nothing, to be looked at whenever something happens in the engine."""

    live: ClassVar[bool]


def is_live(spec: Spec) -> bool:
    """Whether a check may be looked at unasked; one made of others, if they all may."""
    parts = getattr(spec, PARTS, None)
    return all(is_live(part) for part in parts) if parts else isinstance(get(spec.tipo), Live)


@runtime_checkable
class Answered(Protocol):
    """A kind that looks at what was answered on the page, not at an engine."""

    def answered(self, spec: Any, answer: list[str] | None, tries: int) -> Evidence:
        """The evidence of an answer; None for none."""


def needs(checks: Iterable[Spec]) -> dict[str, list[str]]:
    """What each check waits for, by id: those it requires, and the earlier ones that keep what it needs."""
    keepers: dict[str, str] = {}
    found = {}
    for spec in checks:
        keepers |= dict.fromkeys(spec.keeps(), spec.id)
        found[spec.id] = [*spec.requiere, *(keepers.get(name, name) for name in spec.awaited())]
    return found


ASKED = "asked"
"""Where kept evidence has the question that it answers: what was read of the check to look, by name."""


class _Question:
    """A check's specification, as who looks reads it; notes what was read."""

    def __init__(self, spec: Spec) -> None:
        self._spec, self._read = spec, {"tipo": spec.tipo, "nodo": spec.nodo}

    def __getattr__(self, name: str) -> Any:
        self._read[name] = value = getattr(self._spec, name)
        return value


def look(spec: Spec, engine: Any) -> dict[str, Any]:
    """What the engine holds of what a check asks, as it is kept: the evidence, with the question. Raises CannotObserve."""
    question = _Question(spec)
    return _kept(get(spec.tipo).observe(question, engine), question)


def answered(spec: Spec, answer: list[str] | None, tries: int) -> dict[str, Any]:
    """The same of what was answered on the page; the kind must be Answered."""
    kind, question = get(spec.tipo), _Question(spec)
    assert isinstance(kind, Answered)
    return _kept(kind.answered(question, answer, tries), question)


def _kept(found: Evidence, question: _Question) -> dict[str, Any]:
    return {**found.model_dump(mode="json"), ASKED: _plain(question._read)}


def evidence_of(spec: Spec, kept: Mapping[str, Any]) -> Evidence:
    """The evidence that was kept, for this check; raises NotEnoughEvidence where it answers another question.

    The same reads of the same values lead to the same look: what was not read then does not matter."""
    kind = get(spec.tipo)
    told = kind.told if isinstance(kind, Tells) else frozenset()
    if any(name not in told and _plain(getattr(spec, name, None)) != value for name, value in kept.get(ASKED, {}).items()):
        raise NotEnoughEvidence
    try:
        return kind.evidence.model_validate(kept)
    except ValidationError as error:
        raise NotEnoughEvidence from error


def _plain(value: Any) -> Any:
    """As a database gives it back."""
    return json.loads(json.dumps(to_jsonable_python(value)))


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
    """The specification of a check; raises KeyError for an unknown kind and pydantic's ValidationError.

    One that still has marks waits for earlier checks: it is validated with a sample in their place."""
    marks = [name for _where, text in strings_in(raw) for name in names_in(text)]
    spec = get(str(raw.get("tipo"))).spec.model_validate(fill_all(raw, dict.fromkeys(marks, SAMPLE)))
    if marks:
        spec._written = raw
    return spec


def names() -> list[str]:
    return sorted(_kinds)


def captures(name: str) -> Mapping[str, str]:
    """What checks of a kind may keep; nothing for many."""
    kind = get(name)
    return kind.captures if isinstance(kind, Captures) else {}
