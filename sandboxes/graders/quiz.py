"""`quiz`: a question that is answered on the page and judged on the server; the right answer never leaves it.

- id: nucleo
  tipo: quiz
  titulo: De quién es el núcleo
  pregunta: ¿Qué núcleo usa un contenedor?   # Markdown
  clase: una                 # una, varias, orden, numero or texto
  opciones: [El del anfitrión, Uno propio, El de la imagen]   # of una, varias and orden
  respuesta: El del anfitrión  # varias: a list; orden: the options in order, as they are by default; texto: one or more
  tolerancia: 0              # optional, of numero
  explicacion: Un contenedor es un proceso del anfitrión.   # shown with the answer; Markdown

`varias` and `orden` give a part of the points for a part of the answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ClassVar, Literal, Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import CannotObserve, StudentEngine
from sandboxes.graders.text import listing

CHOICES = ("una", "varias", "orden")


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Answers = Annotated[
    list[str],
    BeforeValidator(_as_list),
    WithJsonSchema({"anyOf": [{"type": ["string", "number"]}, {"type": "array", "items": {"type": ["string", "number"]}}]}),
]


class QuizSpec(Spec):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    pregunta: str = Field(min_length=1)
    clase: Literal["una", "varias", "orden", "numero", "texto"]
    opciones: list[str] = Field(default=[], max_length=12)
    respuesta: Answers = []
    tolerancia: float = Field(default=0, ge=0)
    explicacion: str = Field(min_length=1)

    @model_validator(mode="after")
    def whole(self) -> Self:
        if self.clase in CHOICES:
            if len(self.opciones) < 2 or len(set(self.opciones)) != len(self.opciones):
                raise ValueError("opciones: hacen falta dos o más, distintas")
            if unknown := [given for given in self.respuesta if given not in self.opciones]:
                raise ValueError(f"respuesta: «{unknown[0]}» no es ninguna de las opciones")
        elif self.opciones:
            raise ValueError(f"una pregunta de clase «{self.clase}» no tiene opciones")
        if self.clase == "orden" and self.respuesta and len(self.respuesta) != len(self.opciones):
            raise ValueError("respuesta: faltan opciones; sin «respuesta», el orden es el de «opciones»")
        if self.clase in ("una", "numero") and len(self.respuesta) != 1:
            raise ValueError("respuesta: ha de haber una")
        if self.clase in ("varias", "texto") and not self.respuesta:
            raise ValueError("respuesta: ha de haber al menos una")
        if self.clase == "numero" and a_number(self.respuesta[0]) is None:
            raise ValueError(f"respuesta: «{self.respuesta[0]}» no es un número")
        return self

    @property
    def offered(self) -> list[str]:
        """The options, in whatever order."""
        return sorted(self.opciones)

    @property
    def right(self) -> list[str]:
        return self.respuesta or self.opciones


class QuizEvidence(Evidence):
    answer: list[str] | None = None
    """What was answered: texts of options, or what was typed; None for nothing."""
    tries: int = 0
    question: str = ""
    offered: list[str] = []
    """Among which it was."""


class QuizKind:
    name: ClassVar[str] = "quiz"
    spec: ClassVar[type[Spec]] = QuizSpec
    evidence: ClassVar[type[Evidence]] = QuizEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "respuesta": gettext_noop("lo que se respondió"),
    }

    def observe(self, spec: QuizSpec, engine: StudentEngine) -> QuizEvidence:
        raise CannotObserve("una pregunta no se mira en el motor: no puede ser parte de otra comprobación")

    def answered(self, spec: QuizSpec, answer: list[str] | None, tries: int) -> QuizEvidence:
        return QuizEvidence(answer=answer, tries=tries, question=spec.pregunta, offered=spec.offered)

    def captured(self, spec: QuizSpec, evidence: QuizEvidence) -> Mapping[str, object]:
        return {"respuesta": (evidence.answer or [""])[0]}

    def judge(self, spec: QuizSpec, evidence: QuizEvidence) -> Verdict:
        expected = _("la respuesta correcta a «%(title)s»") % {"title": spec.titulo}
        if evidence.answer is None:
            return Verdict(Status.FAILED, expected, _("aún no has respondido"), _("Responde a la pregunta, en esta misma página."))
        said = listing(evidence.answer, nothing="", most=12)
        observed = _("respondiste %(said)s") % {"said": said} if said else _("no respondiste nada")
        credit = _credit(spec, evidence.answer)
        if credit == 1:
            return Verdict(Status.PASSED, expected, observed)
        return Verdict(Status.FAILED, expected, observed, _hint(spec, evidence.answer), credit=credit)


def _credit(spec: QuizSpec, answer: list[str]) -> float:
    """How much of the question is right, from 0 to 1."""
    right = spec.right
    match spec.clase:
        case "varias":
            good = len(set(answer) & set(right))
            return max(0, good - len(set(answer) - set(right))) / len(set(right))
        case "orden":
            return sum(a == b for a, b in zip(answer, right, strict=False)) / len(right) if len(answer) == len(right) else 0
        case "numero":
            given, wanted = a_number(answer[0] if answer else ""), a_number(right[0])
            return float(given is not None and wanted is not None and abs(given - wanted) <= Decimal(str(spec.tolerancia)))
        case "texto":
            return float(bool(answer) and plain(answer[0]) in map(plain, right))
        case _:
            return float(answer == right)


def _hint(spec: QuizSpec, answer: list[str]) -> str:
    right = spec.right
    match spec.clase:
        case "varias":
            return _("Marcaste bien %(good)d de %(all)d, y de más %(bad)d.") % {
                "good": len(set(answer) & set(right)),
                "bad": len(set(answer) - set(right)),
                "all": len(set(right)),
            }
        case "orden":
            return _("En su sitio: %(good)d de %(all)d.") % {
                "good": sum(a == b for a, b in zip(answer, right, strict=False)),
                "all": len(right),
            }
        case "numero" if a_number(answer[0] if answer else "") is None:
            return _("Escribe solo un número, como 42 o 1,5.")
        case _:
            return _("No es esa. Vuelve a la lección o compruébalo en tu motor antes de responder otra vez.")


def a_number(text: str) -> Decimal | None:
    """`1,5`, `1.5` or ` 42 `; None for anything else."""
    found = re.fullmatch(r"\s*([+-]?\d{1,15}(?:[.,]\d{1,9})?)\s*", text, re.ASCII)
    try:
        return Decimal(found[1].replace(",", ".")) if found else None
    except InvalidOperation:
        return None


def plain(text: str) -> str:
    """What counts of a short text: neither capitals, accents nor spaces, nor the quotes and the full stop around it."""
    letters = unicodedata.normalize("NFD", text.casefold())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter) or letter == "\u0303")
    return " ".join(bare.split()).strip("«»\"'`´“”.").strip()
