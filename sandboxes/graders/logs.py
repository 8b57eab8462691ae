"""`logs`: what a container has written.

- id: arranque
  tipo: logs
  titulo: El servidor dice que está listo
  contenedor: web
  texto: listo               # optional: appears
  regex: "^escucha en \\\\d+"  # optional: some line matches
  veces: 1                   # optional: so many lines with it, at least
  sin: error                 # optional: must not appear
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import AfterValidator, Field

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import StudentEngine
from sandboxes.graders.text import a_pattern, engine_has

KEPT = 16384
"""Characters of output looked at and kept, the last ones."""


class LogsSpec(Spec):
    contenedor: str
    texto: str = ""
    regex: Annotated[str, AfterValidator(a_pattern)] = ""
    veces: int = Field(default=1, ge=1)
    sin: str = ""


class LogsEvidence(Evidence):
    names: list[str]
    status: str | None = None
    output: str = ""


class LogsKind:
    name: ClassVar[str] = "logs"
    live: ClassVar[bool] = True
    spec: ClassVar[type[Spec]] = LogsSpec
    evidence: ClassVar[type[Evidence]] = LogsEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "linea": gettext_noop("la última línea que cumple lo que se pide"),
    }

    def observe(self, spec: LogsSpec, engine: StudentEngine) -> LogsEvidence:
        found = engine.container(spec.contenedor)
        return LogsEvidence(
            names=[container.name for container in engine.containers()][-50:],
            status=found.status if found else None,
            output=engine.logs(found)[-KEPT:] if found and found.status != "created" else "",
        )

    def captured(self, spec: LogsSpec, evidence: LogsEvidence) -> Mapping[str, object]:
        hits = _hits(spec, evidence)
        return {"linea": hits[-1] if hits else None}

    def judge(self, spec: LogsSpec, evidence: LogsEvidence) -> Verdict:
        expected = _describe(spec)
        if evidence.status is None:
            return Verdict(
                Status.FAILED,
                expected,
                _("no hay ningún contenedor «%(name)s»; %(names)s")
                % {"name": spec.contenedor, "names": engine_has(evidence.names, nothing=_("ninguno"))},
                _("Si lo creaste con --rm, sus registros se fueron con él."),
            )
        lines = evidence.output.splitlines()
        hits = _hits(spec, evidence)
        last = _("lo último que escribió es «%(line)s»") % {"line": lines[-1][:160]} if lines else _("no ha escrito nada")
        if spec.sin and spec.sin in evidence.output:
            return Verdict(
                Status.FAILED,
                expected,
                _("ha escrito «%(text)s»") % {"text": spec.sin},
                _("Los registros guardan todo lo que dijo: arregla la causa y crea el contenedor de nuevo."),
            )
        if (spec.texto or spec.regex) and len(hits) < spec.veces:
            return Verdict(Status.FAILED, expected, last, self._hint(spec, evidence))
        return Verdict(Status.PASSED, expected, hits[-1][:160] if hits else last)

    def _hint(self, spec: LogsSpec, evidence: LogsEvidence) -> str:
        if spec.texto and spec.texto.lower() in evidence.output.lower() and spec.texto not in evidence.output:
            return _("Casi: mayúsculas y minúsculas cuentan.")
        if evidence.status == "created":
            return _("El contenedor no ha arrancado nunca: «docker start %(name)s».") % {"name": spec.contenedor}
        if not evidence.output:
            return _("Docker solo recoge lo que el primer proceso escribe en su salida, no lo que va a ficheros ni a «docker exec».")
        return _("Míralo con «docker logs %(name)s».") % {"name": spec.contenedor}


def _hits(spec: LogsSpec, evidence: LogsEvidence) -> list[str]:
    lines = evidence.output.splitlines()
    return [line for line in lines if spec.texto in line and (not spec.regex or re.search(spec.regex, line[:1000]))]


def _describe(spec: LogsSpec) -> str:
    parts = [_("«%(name)s» ha escrito «%(text)s»") % {"name": spec.contenedor, "text": spec.texto or spec.regex}] * bool(
        spec.texto or spec.regex
    )
    if spec.veces > 1:
        parts.append(_("%(count)d veces o más") % {"count": spec.veces})
    if spec.sin:
        parts.append(_("«%(name)s» no ha escrito «%(text)s»") % {"name": spec.contenedor, "text": spec.sin})
    return ", ".join(parts)
