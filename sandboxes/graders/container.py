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
  procesos: 50
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from lessons.kinds import Evidence, NotEnoughEvidence, Spec, Status, Verdict
from sandboxes.engine.student import ContainerFacts, StudentEngine
from sandboxes.graders import container_errors, container_options
from sandboxes.graders.text import command_line, engine_has, nearest

STATES = {
    "running": "en marcha",
    "exited": "terminado",
    "created": "creado, pero sin arrancar",
    "paused": "en pausa",
    "restarting": "reiniciándose",
    "dead": "muerto",
}

MOST = 50
"""Containers looked at, the newest ones."""


class ContainerSpec(Spec, container_options.Options):
    nombre: str = ""
    imagen: str = ""
    orden: list[str] | None = None
    estado: str = ""
    codigo: int | None = None
    salida: str = ""


class Seen(Evidence):
    """One container, as far as this check cares."""

    name: str
    image: str
    command: list[str]
    status: str
    exit_code: int
    error: str = ""
    said: bool | None = None
    """Whether the wanted text is in its output; None if it was not asked for."""
    end: str = ""
    """The end of what it said, of one that ended badly and is asked for by its name."""
    tty: bool = False
    options: container_options.OptionsSeen | None = None
    """None in what was seen before options were looked at."""
    id: str = ""
    pid: int = 0
    address: str = ""


class ContainerEvidence(Evidence):
    containers: list[Seen]


class ContainerKind:
    name: ClassVar[str] = "container"
    live: ClassVar[bool] = True
    spec: ClassVar[type[Spec]] = ContainerSpec
    evidence: ClassVar[type[Evidence]] = ContainerEvidence
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
        said = None
        if spec.salida and facts.status != "created":
            said = spec.salida in engine.logs(facts)
        return Seen(
            name=facts.name,
            image=facts.image,
            command=[facts.path, *facts.args] if facts.path else facts.command,
            status=facts.status,
            exit_code=facts.exit_code,
            error=facts.error,
            said=said,
            end=engine.logs(facts)[-300:] if facts.name == spec.nombre and facts.status == "exited" and facts.exit_code else "",
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


def _candidates(spec: ContainerSpec, evidence: ContainerEvidence) -> list[Seen]:
    return [seen for seen in evidence.containers if spec.nombre in ("", seen.name)]


def _best(spec: ContainerSpec, evidence: ContainerEvidence) -> tuple[Seen, list[tuple[str, str]]]:
    """The candidate with the fewest faults, the newest of them, and those."""
    judged = [(seen, _faults(spec, seen)) for seen in reversed(_candidates(spec, evidence))]
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
    elif any(not _faults(spec, seen) for seen in everybody):
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


def _faults(spec: ContainerSpec, seen: Seen) -> list[tuple[str, str]]:
    """What is wrong with one container, as (observed, hint), the most telling first."""
    faults = []
    command = command_line(seen.command)
    if seen.status == "created" and seen.command and seen.command[0].startswith("-"):
        faults.append(
            (
                _("«%(name)s» intentó ejecutar «%(word)s»") % {"name": seen.name, "word": seen.command[0]},
                _("Las opciones de «docker run» van antes de la imagen; todo lo que va después es la orden del contenedor."),
            )
        )
    elif seen.status == "created" and seen.error:
        faults.append(
            (
                _("«%(name)s» no llegó a arrancar: %(error)s") % {"name": seen.name, "error": seen.error[:160]},
                _start_hint(seen),
            )
        )
    elif seen.status == "exited" and (hint := container_errors.explain(seen.end, seen.command, seen.exit_code)) and spec.codigo is None:
        faults.append((_("«%(name)s» terminó con el código %(code)d") % {"name": seen.name, "code": seen.exit_code}, hint))
    again = (
        _("El nombre ya es de este: bórralo con «docker rm -f %(name)s» antes de crear otro.") % {"name": seen.name} if spec.nombre else ""
    )
    if spec.imagen and seen.image != spec.imagen:
        faults.append(
            (
                _("«%(name)s» es de la imagen «%(image)s»") % {"name": seen.name, "image": seen.image},
                " ".join(
                    [
                        _("La imagen se escribe con su etiqueta: «%(image)s». Sin etiqueta, Docker usa «latest».") % {"image": spec.imagen},
                        again,
                    ]
                ).strip(),
            )
        )
    if spec.orden is not None and seen.command != spec.orden:
        faults.append(
            (
                _("«%(name)s» ejecutó «%(command)s»") % {"name": seen.name, "command": command},
                f"{_command_hint(spec.orden, seen.command)} {again}".strip(),
            )
        )
    if spec.estado and seen.status != spec.estado:
        faults.append(
            (
                _("«%(name)s» está %(state)s") % {"name": seen.name, "state": STATES.get(seen.status, seen.status)},
                _state_hint(spec, seen),
            )
        )
    if spec.codigo is not None and seen.status == "exited" and seen.exit_code != spec.codigo:
        faults.append(
            (
                _("«%(name)s» terminó con el código %(code)d") % {"name": seen.name, "code": seen.exit_code},
                _("Mira qué dijo con «docker logs %(name)s».") % {"name": seen.name},
            )
        )
    if spec.salida and not seen.said:
        faults.append(
            (
                _("«%(name)s» no ha escrito «%(text)s»") % {"name": seen.name, "text": spec.salida},
                _("Compruébalo con «docker logs %(name)s»; mayúsculas y acentos cuentan.") % {"name": seen.name},
            )
        )
    if seen.options is not None:
        faults += container_options.faults(spec, seen.name, seen.options)
    elif container_options.describe(spec):
        raise NotEnoughEvidence
    return faults


def _is_shell(command: list[str]) -> bool:
    return len(command) == 1 and command[0].rsplit("/", 1)[-1] in ("sh", "bash", "ash", "dash")


def _start_hint(seen: Seen) -> str:
    again = _("Bórralo con «docker rm %(name)s», corrige la orden y créalo de nuevo.") % {"name": seen.name}
    return f"{container_errors.explain(seen.error, seen.command, seen.exit_code)} {again}".strip()


def _command_hint(wanted: list[str], found: list[str]) -> str:
    if len(found) == 1 and found[0].split() == wanted:
        return _("Toda la orden va entre comillas y Docker la toma por el nombre de un programa: entrecomilla solo el texto.")
    if found and wanted and found[0] == wanted[0]:
        return _("El programa es el que se pide, pero sus argumentos no: se esperan «%(args)s».") % {"args": command_line(wanted[1:])}
    return _("La orden del contenedor es lo que va después de la imagen.")


def _state_hint(spec: ContainerSpec, seen: Seen) -> str:
    if spec.estado == "running" and seen.status == "exited" and seen.exit_code == 0 and not seen.tty and _is_shell(seen.command):
        return _("Su programa es un intérprete sin terminal: no tiene nada que leer y acaba. Dale una con -it, o una orden que dure.")
    if spec.estado == "running" and seen.status == "created":
        return _("Está creado y nadie lo ha arrancado: docker start %(name)s.") % {"name": seen.name}
    if spec.estado == "running" and seen.status == "paused":
        return _("Está en pausa: docker unpause %(name)s.") % {"name": seen.name}
    if spec.estado == "running" and seen.status == "exited":
        return _(
            "Un contenedor vive lo que vive su primer proceso: el de este terminó con el código %(code)d. Mira «docker logs %(name)s»."
        ) % {
            "code": seen.exit_code,
            "name": seen.name,
        }
    if spec.estado == "exited" and seen.status == "running":
        return _("Sigue en marcha: espera a que termine o páralo con «docker stop %(name)s».") % {"name": seen.name}
    return _("Mira su estado con «docker ps -a».")
