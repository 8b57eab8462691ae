"""`command`: what a command says, run in the sandbox as the student would. It must change nothing.

- id: contexto
  tipo: command
  titulo: docker usa el contexto «remoto»
  orden: docker context show
  codigo: 0                  # 0 by default; null accepts any
  salida: remoto             # optional: appears in its output
  regex: "^remoto$"          # optional: some line matches
  segundos: 10               # optional, at most 20
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import AfterValidator, Field

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import StudentEngine
from sandboxes.graders.text import a_pattern, matches

KEPT = 16384
TOO_LONG = 124
"""What timeout(1) ends with."""


class CommandSpec(Spec):
    orden: str
    codigo: int | None = 0
    salida: str = ""
    regex: Annotated[str, AfterValidator(a_pattern)] = ""
    segundos: int = Field(default=10, ge=1, le=20)
    pista: str = ""


class CommandEvidence(Evidence):
    code: int
    output: str


class CommandKind:
    name: ClassVar[str] = "command"
    spec: ClassVar[type[Spec]] = CommandSpec
    evidence: ClassVar[type[Evidence]] = CommandEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "salida": gettext_noop("la primera línea de lo que dice"),
        "codigo": gettext_noop("su código de salida"),
    }

    def observe(self, spec: CommandSpec, engine: StudentEngine) -> CommandEvidence:
        code, output = engine.run(["su", "-", "alumno", "-c", spec.orden], seconds=spec.segundos)
        return CommandEvidence(code=code, output=output.decode(errors="replace")[:KEPT])

    def captured(self, spec: CommandSpec, evidence: CommandEvidence) -> Mapping[str, object]:
        return {"salida": evidence.output, "codigo": evidence.code}

    def judge(self, spec: CommandSpec, evidence: CommandEvidence) -> Verdict:
        expected = _("«%(command)s»") % {"command": spec.orden}
        if spec.codigo is not None:
            expected += _(" termina con el código %(code)d") % {"code": spec.codigo}
        if spec.salida or spec.regex:
            expected += _(" y dice «%(text)s»") % {"text": spec.salida or spec.regex}
        said = evidence.output.strip()[-200:]
        if evidence.code == TOO_LONG:
            observed = _("no ha terminado en %(count)d segundos") % {"count": spec.segundos}
            return Verdict(Status.FAILED, expected, observed, spec.pista or _("Pruébala en la terminal: ¿se queda esperando algo?"))
        if spec.codigo is not None and evidence.code != spec.codigo:
            return Verdict(
                Status.FAILED,
                expected,
                _("terminó con el código %(code)d y dijo «%(said)s»") % {"code": evidence.code, "said": said},
                spec.pista or _command_hint(evidence),
            )
        if spec.salida not in evidence.output or (spec.regex and not matches(spec.regex, evidence.output)):
            observed = _("dijo «%(said)s»") % {"said": said} if said else _("no dijo nada")
            return Verdict(Status.FAILED, expected, observed, spec.pista or _("Pruébala en la terminal y compara lo que dice."))
        return Verdict(Status.PASSED, expected, _("dijo «%(said)s»") % {"said": said} if said else _("hecho"))


def _command_hint(evidence: CommandEvidence) -> str:
    """By the messages of engine 26."""
    if "Cannot connect to the Docker daemon" in evidence.output:
        return _("Tu motor está parado: arráncalo con «sudo service docker start».")
    if "permission denied while trying to connect" in evidence.output:
        return _("Tu usuario no está en el grupo docker, o aún no has vuelto a entrar desde que lo está.")
    if evidence.code == 127:
        return _("Ese programa no está: mira si el nombre está bien escrito y si está instalado.")
    return _("Pruébala en la terminal y lee lo que dice.")
