"""`process`: a program that runs in a container, and as whom. Read from /proc, so the image needs no `ps`.

- id: redis
  tipo: process
  titulo: redis-server no corre como root
  contenedor: redis
  programa: redis-server     # its name, without folder
  usuario: redis             # optional: name or number
  primero: true              # optional: is the container's process 1
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import StudentEngine
from sandboxes.graders.text import engine_has, listing


class ProcessSpec(Spec):
    contenedor: str
    programa: str
    usuario: str = ""
    primero: bool = False


class ProcessSeen(Evidence):
    pid: int
    uid: int
    owner: str
    program: str
    line: str


class ProcessEvidence(Evidence):
    names: list[str]
    status: str | None = None
    processes: list[ProcessSeen] = []


class ProcessKind:
    name: ClassVar[str] = "process"
    live: ClassVar[bool] = True
    spec: ClassVar[type[Spec]] = ProcessSpec
    evidence: ClassVar[type[Evidence]] = ProcessEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "pid": gettext_noop("su número dentro del contenedor"),
        "usuario": gettext_noop("el usuario con el que corre"),
        "orden": gettext_noop("su orden entera"),
    }

    def observe(self, spec: ProcessSpec, engine: StudentEngine) -> ProcessEvidence:
        found = engine.container(spec.contenedor)
        running = engine.processes(found) if found and found.status == "running" and found.pid else []
        return ProcessEvidence(
            names=[container.name for container in engine.containers()][-50:],
            status=found.status if found else None,
            processes=[
                ProcessSeen(
                    pid=seen.pid,
                    uid=seen.uid,
                    owner=seen.owner,
                    program=_program(seen.words),
                    line=" ".join(seen.words)[:200],
                )
                for seen in running[:100]
            ],
        )

    def captured(self, spec: ProcessSpec, evidence: ProcessEvidence) -> Mapping[str, object]:
        first = next(seen for seen in evidence.processes if seen.program == spec.programa)
        return {"pid": first.pid, "usuario": first.owner, "orden": first.line}

    def judge(self, spec: ProcessSpec, evidence: ProcessEvidence) -> Verdict:
        expected = _("«%(program)s» en marcha en «%(name)s»") % {"program": spec.programa, "name": spec.contenedor}
        if spec.usuario:
            expected += _(", como el usuario «%(user)s»") % {"user": spec.usuario}
        if spec.primero:
            expected += _(", como primer proceso")
        if evidence.status is None:
            observed = _("no hay ningún contenedor «%(name)s»; %(names)s") % {
                "name": spec.contenedor,
                "names": engine_has(evidence.names, nothing=_("ninguno")),
            }
            return Verdict(
                Status.FAILED, expected, observed, _("Créalo con «docker run -d --name %(name)s …».") % {"name": spec.contenedor}
            )
        if evidence.status == "created":
            return Verdict(
                Status.FAILED,
                expected,
                _("«%(name)s» se creó y no llegó a arrancar") % {"name": spec.contenedor},
                _("No tiene registros: «docker start %(name)s» dice por qué.") % {"name": spec.contenedor},
            )
        if evidence.status != "running":
            return Verdict(
                Status.FAILED,
                expected,
                _("«%(name)s» no está en marcha") % {"name": spec.contenedor},
                _("Mira por qué con «docker logs %(name)s» y arráncalo con «docker start %(name)s».") % {"name": spec.contenedor},
            )
        hits = [seen for seen in evidence.processes if seen.program == spec.programa]
        if not hits:
            programs = dict.fromkeys(seen.program for seen in evidence.processes)
            return Verdict(
                Status.FAILED,
                expected,
                _("en «%(name)s» corre %(programs)s") % {"name": spec.contenedor, "programs": listing(programs, nothing="")}
                if programs
                else _("en «%(name)s» no corre nada") % {"name": spec.contenedor},
                _("Lo que un contenedor ejecuta lo ponen ENTRYPOINT y CMD, o lo que va tras la imagen en «docker run»."),
            )
        first = hits[0]
        if spec.usuario and not any(spec.usuario in (seen.owner, str(seen.uid)) for seen in hits):
            return Verdict(
                Status.FAILED,
                expected,
                _("corre como «%(user)s»") % {"user": first.owner},
                _("El usuario lo pone USER en el Dockerfile (tras crearlo con RUN) o --user al crear el contenedor."),
            )
        if spec.primero and not any(seen.pid == 1 for seen in hits):
            one = next((seen.line for seen in evidence.processes if seen.pid == 1), "")
            return Verdict(
                Status.FAILED,
                expected,
                _("el primer proceso es «%(line)s»") % {"line": one},
                _('Escribe CMD o ENTRYPOINT con corchetes, ["programa", "argumento"], o usa «exec programa» en el guion de entrada.'),
            )
        return Verdict(Status.PASSED, expected, _("«%(line)s», como «%(user)s»") % {"line": first.line, "user": first.owner})


def _program(words: list[str]) -> str:
    return words[0].split(" ")[0].rsplit("/", 1)[-1].removesuffix(":")[:100] if words else ""
