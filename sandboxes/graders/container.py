"""`container`: a container that was created as asked and is, or ended, as asked.

- id: saludo
  tipo: container
  titulo: Un contenedor llamado «saludo» ha dicho «hola»
  nombre: saludo             # optional: any container may match without it
  imagen: busybox:1.37
  orden: [echo, hola]        # optional
  estado: exited             # optional: running, exited…
  codigo: 0                  # optional: exit code
  salida: hola               # optional: text in its output
  reinicio: unless-stopped   # optional, and all that follow: options, as `docker run` takes them
  puertos: ["8080:80"]
  env: {MODO: prueba, CLAVE: null}
  montajes: [datos:/data]
  usuario: "1000"
  memoria: 64m
  cpus: 0.5
  redes: [mired]
  salud: healthy
  etiquetas: {curso: docker, clave: null}
  terminal: true
  entrada: true
  procesos: 50
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import ContainerFacts, StudentEngine
from sandboxes.graders import container_options
from sandboxes.graders.container_faults import OUTPUT, STATES, Seen, Wanted, faults
from sandboxes.graders.text import command_line, engine_has, nearest, tagged

MOST = 50
"""Containers looked at, the newest ones."""


class ContainerSpec(Spec, Wanted):
    """All its fields are those of one container."""


class ContainerEvidence(Evidence):
    containers: list[Seen]


class ContainerKind:
    name: ClassVar[str] = "container"
    live: ClassVar[bool] = True
    spec: ClassVar[type[Spec]] = ContainerSpec
    evidence: ClassVar[type[Evidence]] = ContainerEvidence
    told: ClassVar[frozenset[str]] = frozenset({"nombre", "salida", "env", "etiquetas"})
    captures: ClassVar[Mapping[str, str]] = {
        "nombre": gettext_noop("su nombre"),
        "id": gettext_noop("su identificador"),
        "pid": gettext_noop("el número de su primer proceso en la máquina"),
        "direccion": gettext_noop("su dirección, en la primera de sus redes"),
        "codigo": gettext_noop("su código de salida"),
        "imagen": gettext_noop("su imagen, tal como se escribió"),
    }

    def observe(self, spec: ContainerSpec, engine: StudentEngine) -> ContainerEvidence:
        return ContainerEvidence(containers=[self._see(spec, facts, engine) for facts in engine.containers()[-MOST:]])

    def _see(self, spec: ContainerSpec, facts: ContainerFacts, engine: StudentEngine) -> Seen:
        ended_badly = facts.name == spec.nombre and facts.status == "exited" and facts.exit_code
        output = engine.logs(facts) if ended_badly or (spec.salida and facts.status != "created") else None
        return Seen(
            name=facts.name,
            image=_named(spec, facts, engine),
            command=[facts.path, *facts.args] if facts.path else facts.command,
            status=facts.status,
            exit_code=facts.exit_code,
            error=facts.error,
            output=None if output is None else output[-OUTPUT:],
            sought=spec.salida,
            said=bool(spec.salida) and spec.salida in (output or ""),
            tty=facts.tty,
            options=container_options.see(spec, facts),
            id=facts.id[:12],
            pid=facts.pid,
            address=next((address for address in facts.addresses.values() if address), ""),
        )

    def captured(self, spec: ContainerSpec, evidence: ContainerEvidence) -> Mapping[str, object]:
        seen = _best(spec, evidence)[0]
        return {
            "nombre": seen.name,
            "id": seen.id,
            "pid": seen.pid or None,
            "direccion": seen.address,
            "codigo": seen.exit_code,
            "imagen": seen.image,
        }

    def lingering(self, spec: ContainerSpec, evidence: ContainerEvidence) -> str:
        """Why it may be there still."""
        seen = _best(spec, evidence)[0]
        if seen.status != "running":
            return ""
        return _("«%(name)s» está en marcha: «docker rm» lo deja solo si antes lo paras con «docker stop», o con «docker rm -f».") % {
            "name": seen.name
        }

    def judge(self, spec: ContainerSpec, evidence: ContainerEvidence) -> Verdict:
        expected = _describe(spec)
        if not _candidates(spec, evidence):
            return _none_there(spec, evidence.containers, expected)
        # Its first fault is what the student hears.
        seen, found = _best(spec, evidence)
        if not found:
            return Verdict(Status.PASSED, expected, _("«%(name)s» lo cumple") % {"name": seen.name})
        observed, hint = found[0]
        return Verdict(Status.FAILED, expected, observed, hint)


def _named(spec: ContainerSpec, facts: ContainerFacts, engine: StudentEngine) -> str:
    """Its image as it was written; the name that is asked for where the id of that very image was written."""
    by_id = re.fullmatch(r"(sha256:)?[0-9a-f]{4,64}", facts.image) and facts.image_id.removeprefix("sha256:").startswith(
        facts.image.removeprefix("sha256:")
    )
    return spec.imagen if by_id and spec.imagen and engine.tags().get(tagged(spec.imagen)) == facts.image_id else facts.image


def _candidates(spec: ContainerSpec, evidence: ContainerEvidence) -> list[Seen]:
    return [seen for seen in evidence.containers if spec.nombre in ("", seen.name)]


def _best(spec: ContainerSpec, evidence: ContainerEvidence) -> tuple[Seen, list[tuple[str, str]]]:
    """The candidate with the fewest faults, the newest of them, and those."""
    judged = [(seen, faults(spec, seen)) for seen in reversed(_candidates(spec, evidence))]
    return min(judged, key=lambda pair: len(pair[1]))


def _describe(spec: ContainerSpec) -> str:
    parts = [_("un contenedor llamado «%(name)s»") % {"name": spec.nombre} if spec.nombre else _("un contenedor")]
    if spec.imagen:
        parts.append(_("de la imagen «%(image)s»") % {"image": spec.imagen})
    if spec.orden is not None:
        parts.append(_("que ejecute «%(command)s»") % {"command": command_line(spec.orden)})
    if spec.estado:
        parts.append(_("que esté %(state)s") % {"state": STATES.get(spec.estado, spec.estado)})
    if spec.codigo is not None:
        parts.append(_("con código de salida %(code)d") % {"code": spec.codigo})
    if spec.salida:
        parts.append(_("que haya escrito «%(text)s»") % {"text": spec.salida})
    return ", ".join([*parts, *container_options.describe(spec)])


def _none_there(spec: ContainerSpec, everybody: list[Seen], expected: str) -> Verdict:
    names = [seen.name for seen in everybody]
    observed = engine_has(names, nothing=_("ningún contenedor"))
    if not everybody:
        hint = _("Crea uno con «docker run». Los terminados también cuentan: se ven con «docker ps -a».")
        if spec.salida or spec.orden is not None:
            hint += " " + _("Si lo creaste con --rm, se borró solo al terminar.")
        hint += " " + _nothing_made(spec)
    elif near := nearest(spec.nombre, names):
        hint = _("Tienes uno llamado «%(near)s»: compara los nombres letra a letra.") % {"near": near}
    elif any(not faults(spec, seen) for seen in everybody):
        hint = _("Tienes uno que hace lo que se pide, pero Docker le puso el nombre. El nombre se elige con --name, antes de la imagen.")
    else:
        hint = (
            _("El nombre se elige al crearlo, con --name, antes de la imagen: docker run --name %(name)s IMAGEN.") % {"name": spec.nombre}
            + " "
            + _nothing_made(spec)
        )
    return Verdict(Status.FAILED, expected, observed, hint.strip())


def _nothing_made(spec: ContainerSpec) -> str:
    """What leaves no container, and no other trace: slips that the engine refuses at once."""
    if any(mount.startswith("/") for mount in spec.montajes):
        return _("Si dijo «invalid characters for a local volume name», a la carpeta de -v le falta la ruta entera, desde /.")
    return _("Si dijo «invalid reference format» o «unknown shorthand flag», mira los guiones: son dos, --name, y no uno ni una raya (—).")
