"""What is wrong with a Dockerfile whatever an exercise asks: it does not build, or not what it seems to say.

Pure: instructions in, a fault as (observed, hint) out, or none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.utils.translation import gettext as _

from sandboxes.graders import recipe
from sandboxes.graders.text import nearest

Fault = tuple[str, str]

_INSTALL = re.compile(r"\bapt(?:-get)?\s+(?:-\S+\s+)*install\b")
_UPDATE = re.compile(r"\bapt(?:-get)?\s+(?:-\S+\s+)*update\b")
_YES = re.compile(r"(?:^|\s)(?:-[a-zA-Z]*y[a-zA-Z]*|-qq|--yes|--assume-yes)\b")
_DEPENDENCIES = re.compile(r"\b(?:pip3?|npm|yarn|apt|apt-get|apk|bundle|go|composer)\s+(?:-\S+\s+)*(?:install|ci|add|mod download)\b")


def always(found: list[recipe.Instruction], missing: list[str], ignored: Sequence[str] = ()) -> Fault | None:
    """The first slip, by line. `missing` and `ignored`: what COPY asks for, and is not there or is left out."""
    if not found:
        return _("no hay ninguna instrucción"), _("La primera de un Dockerfile es FROM, con la imagen de la que parte.")
    for instruction in found:
        if fault := _slip(instruction):
            return fault
    first = next(instruction for instruction in found if instruction.word != "ARG" or instruction is found[-1])
    if first.word != "FROM":
        return (
            _("la primera instrucción es %(word)s") % {"word": first.word},
            _("Un Dockerfile empieza por FROM, con la imagen de la que parte; antes solo puede ir ARG."),
        )
    return _apt_fault(found) or _missing_fault(found, missing) or _ignored_fault(ignored)


def _slip(instruction: recipe.Instruction) -> Fault | None:
    where = {"line": instruction.line, "word": instruction.word}
    if instruction.word not in recipe.WORDS:
        near = nearest(instruction.word, recipe.WORDS)
        hint = (
            _("¿Querías decir %(near)s?") % {"near": near}
            if near
            else _("Si seguía a la línea de arriba, esa debe acabar en «\\»; si es un comentario, empieza por #.")
        )
        return _("en la línea %(line)d, «%(word)s» no es ninguna instrucción") % where, hint
    if comment := recipe.trailing_comment(instruction):
        return (
            _("en la línea %(line)d, detrás de %(word)s, dice «%(comment)s»") % {**where, "comment": comment[:80]},
            _("Detrás de una instrucción, # no empieza un comentario: pasa a formar parte del valor. Ponlo en una línea aparte."),
        )
    if recipe.single_quoted(instruction):
        return (
            _("en la línea %(line)d, la lista de %(word)s va entre comillas simples") % where,
            _('Así no es una lista, y la ejecuta /bin/sh: escribe %(word)s ["orden", "argumento"], con comillas dobles.') % where,
        )
    if not instruction.args:
        return _("en la línea %(line)d, %(word)s no dice nada más") % where, _("Le falta lo que va detrás.")
    if instruction.word == "FROM" and len(instruction.values) not in (1, 3):
        return (
            _("en la línea %(line)d, FROM lleva %(count)d palabras") % {**where, "count": len(instruction.values)},
            _("Es «FROM imagen:etiqueta» o «FROM imagen:etiqueta AS nombre», sin espacios en el nombre."),
        )
    return None


def _apt_fault(found: list[recipe.Instruction]) -> Fault | None:
    updated = False
    for instruction in found:
        if instruction.word == "FROM":
            updated = False
        if instruction.word != "RUN":
            continue
        updated = updated or bool(_UPDATE.search(instruction.args))
        install = _INSTALL.search(instruction.args)
        if not install:
            continue
        where = {"line": instruction.line}
        if not updated:
            return (
                _("en la línea %(line)d se instala con apt sin tener las listas de paquetes") % where,
                _("Escríbelo en el mismo RUN: apt-get update && apt-get install -y PAQUETES."),
            )
        if not _YES.search(re.split(r"[;&|]", instruction.args[install.start() :])[0]) and "APT::Get::Assume-Yes" not in instruction.args:
            return (
                _("en la línea %(line)d, a apt-get install le falta -y") % where,
                _("Mientras se construye nadie puede contestar que sí, y apt lo deja: Abort. Añade -y."),
            )
    return None


def _missing_fault(found: list[recipe.Instruction], missing: list[str]) -> Fault | None:
    if not missing:
        return None
    taken = next(
        (row for row in found for source in recipe.sources(row) if source.strip("/").removeprefix("./") == missing[0].strip("/")), None
    )
    return (
        _("«%(name)s» no está en el contexto") % {"name": missing[0]},
        _("%(word)s, en la línea %(line)d, copia desde la carpeta que le das a «docker build»: mira el nombre y la carpeta.")
        % {"word": taken.word, "line": taken.line}
        if taken
        else _("COPY y ADD copian desde la carpeta que le das a «docker build»: mira el nombre y la carpeta."),
    )


def _ignored_fault(ignored: Sequence[str]) -> Fault | None:
    if not ignored:
        return None
    return (
        _("«%(name)s» está en la carpeta, pero .dockerignore lo aparta") % {"name": ignored[0]},
        _("Para el constructor es como si no estuviera: «not found». Quita esa línea de .dockerignore, o añade «!%(name)s» detrás.")
        % {"name": ignored[0]},
    )


def no_such_stage(stages: Sequence[recipe.Stage]) -> Fault | None:
    """A COPY from a stage that does not come before. An image there is told by its tag, its folder or its digest."""
    for number, stage in enumerate(stages):
        earlier = [other.name for other in stages[:number] if other.name]
        for row in stage.instructions:
            name = row.flag("from").lower() if row.word == "COPY" else ""
            if not name or name in (*earlier, *map(str, range(number))) or re.search(r"[:/@$]", name):
                continue
            near = nearest(name, earlier)
            return (
                _("en la línea %(line)d, «%(name)s» no es ninguna etapa anterior") % {"line": row.line, "name": name},
                _("¿Querías decir COPY --from=%(near)s?") % {"near": near}
                if near
                else _("Una etapa se nombra con FROM … AS nombre, o por su número, desde 0; una imagen, con su etiqueta."),
            )
    return None


def caching(found: list[recipe.Instruction]) -> Fault | None:
    """Where what changes often goes before what takes long; and lists of packages that the cache keeps for ever."""
    everything: recipe.Instruction | None = None
    for instruction in found:
        if instruction.word == "FROM":
            everything = None
        if instruction.word in ("COPY", "ADD") and not instruction.flag("from") and instruction.values[:1] in (["."], ["./"]):
            everything = everything or instruction
        if instruction.word != "RUN":
            continue
        if everything and _DEPENDENCIES.search(instruction.args):
            return (
                _("se copia todo en la línea %(copy)d y se instala después, en la %(run)d")
                % {"copy": everything.line, "run": instruction.line},
                _("Cada cambio en tus ficheros obliga a instalar de nuevo: copia antes solo la lista de dependencias, instala y luego copia"
                  " lo demás."),
            )  # fmt: skip
        if _UPDATE.search(instruction.args) and not _INSTALL.search(instruction.args):
            return (
                _("en la línea %(line)d, apt-get update va solo en un RUN") % {"line": instruction.line},
                _("La caché guarda esas listas para siempre, aunque envejezcan: une update e install con && en el mismo RUN."),
            )
    return None
