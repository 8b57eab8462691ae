"""What is wrong with one container, as far as `container` asks: that it started, and its image, command, state and output.

Pure: what is wanted against what was seen gives faults, as (observed, hint), the most telling first. The options with which
it was created are container_options.py's.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from lessons.kinds import Evidence, NotEnoughEvidence
from sandboxes.graders import container_errors, container_options
from sandboxes.graders.container_options import Fault
from sandboxes.graders.text import command_line, same_command, tagged

STATES = {
    "running": "en marcha",
    "exited": "terminado",
    "created": "creado, pero sin arrancar",
    "paused": "en pausa",
    "restarting": "reiniciándose",
    "dead": "muerto",
}


STOPPED = (137, 143)
"""Exit codes of what «docker stop» or «docker kill» ended: no fault, unless what is asked for can't be true for it."""
OUTPUT = 600
"""Characters kept of an output. A text that is asked for later is looked for in them; and they tell why it ended badly."""
END = 300


class Wanted(container_options.Options):
    """Fields of the specification."""

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
    output: str | None = None
    """The end of what it said, at most OUTPUT characters; None where it was not looked at."""
    sought: str = ""
    """The text that was asked for then."""
    said: bool = False
    """Whether that is in its output, as far as the engine keeps it."""
    tty: bool = False
    options: container_options.OptionsSeen | None = None
    """None in what was seen before options were looked at."""
    id: str = ""
    pid: int = 0
    address: str = ""


def faults(wanted: Wanted, seen: Seen) -> list[Fault]:
    """All that is wrong with it. Raises NotEnoughEvidence where its options were not looked at."""
    found = [*_start(wanted, seen), *_origin(wanted, seen), *_life(wanted, seen)]
    if seen.options is not None:
        found += container_options.faults(wanted, seen.name, seen.options)
    elif container_options.describe(wanted):
        raise NotEnoughEvidence
    return found


def _start(wanted: Wanted, seen: Seen) -> Iterator[Fault]:
    """It did not start, or ended badly: that explains the rest. One that was stopped did not end badly."""
    if seen.status == "created" and seen.command and seen.command[0].startswith("-"):
        yield (
            _("«%(name)s» intentó ejecutar «%(word)s»") % {"name": seen.name, "word": seen.command[0]},
            _("Las opciones de «docker run» van antes de la imagen; todo lo que va después es la orden del contenedor."),
        )
    elif seen.status == "created" and seen.error:
        yield _("«%(name)s» no llegó a arrancar: %(error)s") % {"name": seen.name, "error": seen.error[:160]}, _start_hint(seen)
    elif seen.status == "exited" and wanted.codigo is None and (hint := _why_it_ended(wanted, seen)):
        if seen.exit_code in STOPPED and not any(_life(wanted, seen)):
            return
        yield _("«%(name)s» terminó con el código %(code)d") % {"name": seen.name, "code": seen.exit_code}, hint


def _origin(wanted: Wanted, seen: Seen) -> Iterator[Fault]:
    """Its image and its command: chosen when it is created, and not to be changed."""
    again = ""
    if wanted.nombre:
        again = _("El nombre ya es de este: bórralo con «docker rm -f %(name)s» antes de crear otro.") % {"name": seen.name}
    if wanted.imagen and tagged(seen.image) != tagged(wanted.imagen):
        hint = _("La imagen se escribe con su etiqueta: «%(image)s». Sin etiqueta, Docker usa «latest».") % {"image": wanted.imagen}
        yield _("«%(name)s» es de la imagen «%(image)s»") % {"name": seen.name, "image": seen.image}, f"{hint} {again}".strip()
    if wanted.orden is not None and not same_command(wanted.orden, seen.command):
        yield (
            _("«%(name)s» ejecutó «%(command)s»") % {"name": seen.name, "command": command_line(seen.command)},
            f"{_command_hint(wanted.orden, seen.command)} {again}".strip(),
        )


def _life(wanted: Wanted, seen: Seen) -> Iterator[Fault]:
    """What became of it: its state, its exit code and what it said."""
    if wanted.estado and seen.status != wanted.estado:
        yield (
            _("«%(name)s» está %(state)s") % {"name": seen.name, "state": STATES.get(seen.status, seen.status)},
            _state_hint(wanted, seen),
        )
    if wanted.codigo is not None and seen.status == "exited" and seen.exit_code != wanted.codigo:
        yield (
            _("«%(name)s» terminó con el código %(code)d") % {"name": seen.name, "code": seen.exit_code},
            _("Mira qué dijo con «docker logs %(name)s».") % {"name": seen.name},
        )
    if wanted.salida and not _has_said(wanted.salida, seen):
        yield (
            _("«%(name)s» no ha escrito «%(text)s»") % {"name": seen.name, "text": wanted.salida},
            _("Compruébalo con «docker logs %(name)s»; mayúsculas y acentos cuentan.") % {"name": seen.name},
        )


def _why_it_ended(wanted: Wanted, seen: Seen) -> str:
    """By its last words, if it is the one that is asked for by its name."""
    last = (seen.output or "")[-END:] if seen.exit_code and seen.name == wanted.nombre else ""
    return container_errors.explain(last, seen.command, seen.exit_code)


def _has_said(text: str, seen: Seen) -> bool:
    """Raises NotEnoughEvidence of a text that was not asked for then, if more was said than was kept."""
    if seen.status == "created":
        return False
    if text == seen.sought:
        return seen.said
    if seen.output is None or (text not in seen.output and len(seen.output) == OUTPUT):
        raise NotEnoughEvidence
    return text in seen.output


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


def _state_hint(wanted: Wanted, seen: Seen) -> str:
    if wanted.estado == "running" and seen.status == "exited" and seen.exit_code == 0 and not seen.tty and _is_shell(seen.command):
        return _("Su programa es un intérprete sin terminal: no tiene nada que leer y acaba. Dale una con -it, o una orden que dure.")
    if wanted.estado == "running" and seen.status == "created":
        return _("Está creado y nadie lo ha arrancado: docker start %(name)s.") % {"name": seen.name}
    if wanted.estado == "running" and seen.status == "paused":
        return _("Está en pausa: docker unpause %(name)s.") % {"name": seen.name}
    if wanted.estado == "running" and seen.status == "exited":
        return _(
            "Un contenedor vive lo que vive su primer proceso: el de este terminó con el código %(code)d. Mira «docker logs %(name)s»."
        ) % {
            "code": seen.exit_code,
            "name": seen.name,
        }
    if wanted.estado == "exited" and seen.status == "running":
        return _("Sigue en marcha: espera a que termine o páralo con «docker stop %(name)s».") % {"name": seen.name}
    return _("Mira su estado con «docker ps -a».")
