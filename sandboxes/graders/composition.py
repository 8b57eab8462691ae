"""`all`, `any` and `not`: checks made of others.

- id: servidor
  tipo: any
  titulo: El servidor es web o api
  pista: Arranca uno de los dos.   # optional: in place of the parts' own hint
  de:                        # parts are checks without id or title
    - {tipo: container, nombre: web, estado: running}
    - {tipo: container, nombre: api, estado: running}

A part that can't be observed leaves the whole unknown, unless the others already decide it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Protocol, runtime_checkable

from django.utils.translation import gettext as _
from pydantic import BeforeValidator, Field, SerializeAsAny

from lessons import kinds
from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import CannotObserve, StudentEngine

OF_THE_WHOLE = ("nodo", "puntos", "requiere", "extra", "inicial", "guarda")
"""What a part can't have: it is looked at where the whole is, and only the whole counts."""

SAID = 3
"""Of how many alternatives it is said what they lack."""


def _read(parts: Any) -> Any:
    if not isinstance(parts, list):
        return parts
    if wrong := next((name for part in parts if isinstance(part, dict) for name in OF_THE_WHOLE if name in part), ""):
        raise ValueError(f"una parte no lleva «{wrong}»: ponlo en la comprobación de la que es parte")
    return [kinds.parse(kinds.named(part, number)) if isinstance(part, dict) else part for number, part in enumerate(parts)]


class CompositionSpec(Spec):
    de: Annotated[list[SerializeAsAny[Spec]], BeforeValidator(_read), Field(min_length=1, max_length=10)]
    pista: str = ""


class NotSpec(CompositionSpec):
    de: Annotated[list[SerializeAsAny[Spec]], BeforeValidator(_read), Field(min_length=1, max_length=1)]
    pista: str


class PartSeen(Evidence):
    seen: dict[str, Any] | None = None
    error: str = ""


class CompositionEvidence(Evidence):
    parts: list[PartSeen]


class _Composition:
    evidence: ClassVar[type[Evidence]] = CompositionEvidence
    told: ClassVar[frozenset[str]] = frozenset({"tipo", "de"})

    def observe(self, spec: CompositionSpec, engine: StudentEngine) -> CompositionEvidence:
        return CompositionEvidence(parts=[_look(part, engine) for part in spec.de])


class AllKind(_Composition):
    name: ClassVar[str] = "all"
    spec: ClassVar[type[Spec]] = CompositionSpec

    def judge(self, spec: CompositionSpec, evidence: CompositionEvidence) -> Verdict:
        verdicts = _verdicts(spec, evidence)
        expected = _joined(verdicts, _("y"))
        for status in (Status.FAILED, Status.UNKNOWN):
            if found := next((verdict for verdict in verdicts if verdict.status == status), None):
                return Verdict(status, expected, found.observed, spec.pista or found.hint)
        return Verdict(Status.PASSED, expected, "; ".join(verdict.observed for verdict in verdicts))


class AnyKind(_Composition):
    name: ClassVar[str] = "any"
    spec: ClassVar[type[Spec]] = CompositionSpec

    def judge(self, spec: CompositionSpec, evidence: CompositionEvidence) -> Verdict:
        verdicts = _verdicts(spec, evidence)
        expected = _joined(verdicts, _("o"))
        for status in (Status.PASSED, Status.UNKNOWN):
            if found := next((verdict for verdict in verdicts if verdict.status == status), None):
                return Verdict(status, expected, found.observed)
        # Which of them was meant nobody knows: each says what it lacks.
        observed = "; ".join(_distinct(verdict.observed for verdict in verdicts))
        hint = spec.pista or _(" O bien: ").join(_distinct(verdict.hint for verdict in verdicts))
        return Verdict(Status.FAILED, expected, observed, hint)


class NotKind(_Composition):
    name: ClassVar[str] = "not"
    spec: ClassVar[type[Spec]] = NotSpec

    def judge(self, spec: NotSpec, evidence: CompositionEvidence) -> Verdict:
        verdict = _verdicts(spec, evidence)[0]
        expected = _("que no: %(what)s") % {"what": verdict.expected}
        match verdict.status:
            case Status.PASSED:
                return Verdict(
                    Status.FAILED, expected, verdict.observed, f"{spec.pista} {_why_still(spec.de[0], evidence.parts[0])}".strip()
                )
            case Status.FAILED:
                return Verdict(Status.PASSED, expected, verdict.observed)
            case _:
                return Verdict(verdict.status, expected, verdict.observed)


@runtime_checkable
class Lingers(Protocol):
    """A kind that knows what may keep a thing from being removed."""

    def lingering(self, spec: Any, evidence: Any) -> str:
        """One sentence; empty for nothing."""


def _why_still(part: Spec, found: PartSeen) -> str:
    kind = kinds.get(part.tipo)
    return kind.lingering(part, kind.evidence.model_validate(found.seen)) if isinstance(kind, Lingers) else ""


def _look(part: Spec, engine: StudentEngine) -> PartSeen:
    try:
        return PartSeen(seen=kinds.look(part, engine))
    except CannotObserve as error:
        return PartSeen(error=str(error))


def _verdicts(spec: CompositionSpec, evidence: CompositionEvidence) -> list[Verdict]:
    if len(spec.de) != len(evidence.parts):
        raise kinds.NotEnoughEvidence
    return [_judge(part, seen) for part, seen in zip(spec.de, evidence.parts, strict=True)]


def _judge(part: Spec, found: PartSeen) -> Verdict:
    if found.seen is None:
        return Verdict(Status.UNKNOWN, "", _("No se pudo comprobar: %(why)s.") % {"why": found.error.rstrip(".")})
    try:
        return kinds.get(part.tipo).judge(part, kinds.evidence_of(part, found.seen))
    except kinds.NotEnoughEvidence:
        return Verdict(Status.UNKNOWN, "", _("No se pudo comprobar: lo que se guardó no basta."))


def _distinct(texts: Iterable[str]) -> list[str]:
    """The first ones that differ: more than that nobody reads."""
    return list(dict.fromkeys(text for text in texts if text))[:SAID]


def _joined(verdicts: list[Verdict], word: str) -> str:
    return f"; {word} ".join(verdict.expected for verdict in verdicts if verdict.expected)
