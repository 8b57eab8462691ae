"""Small ways of saying things that every grader needs."""

from __future__ import annotations

import difflib
import posixpath
import re
import shlex
from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _


def engine_has(names: Sequence[str], *, nothing: str) -> str:
    """What the student's engine has of a kind, or that it has `nothing` («ningún contenedor»)."""
    if not names:
        return _("tu motor no tiene %(nothing)s") % {"nothing": nothing}
    return _("tu motor tiene %(names)s") % {"names": listing(names, nothing=nothing)}


def mounted(name: str, mounts: Sequence[str]) -> str:
    """What a container has mounted."""
    if not mounts:
        return _("«%(name)s» no tiene nada montado") % {"name": name}
    return _("«%(name)s» tiene montado %(mounts)s") % {"name": name, "mounts": listing(mounts, nothing="")}


def in_networks(name: str, networks: Sequence[str]) -> str:
    """Where a container is."""
    if not networks:
        return _("«%(name)s» no está en ninguna red") % {"name": name}
    return _("«%(name)s» está en %(networks)s") % {"name": name, "networks": listing(networks, nothing="")}


def in_folder(names: Sequence[str]) -> str:
    """What there is in the folder where something is looked for."""
    if not names:
        return _("esa carpeta está vacía o no existe")
    return _("en esa carpeta hay %(names)s") % {"names": listing(names, nothing="")}


def listing(names: Iterable[str], *, nothing: str, most: int = 5) -> str:
    """«a», «b» y «c»; `nothing` when there is none."""
    shown = [f"«{name}»" for name in names]
    if not shown:
        return nothing
    if len(shown) > most:
        return _("%(some)s y %(count)d más") % {"some": ", ".join(shown[:most]), "count": len(shown) - most}
    return shown[0] if len(shown) == 1 else _("%(first)s y %(last)s") % {"first": ", ".join(shown[:-1]), "last": shown[-1]}


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that looks like a slip of `name`."""
    found = difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.7)
    return found[0] if found else None


def tagged(reference: str) -> str:
    """An image's name as the engine keeps it, however it was written: with its tag, and without Docker Hub's host and folder."""
    short = reference.removeprefix("docker.io/").removeprefix("library/")
    name, _at, digest = short.partition("@")
    if ":" in name.rsplit("/", 1)[-1]:
        return name
    return short if digest else f"{name}:latest"


def is_user(wanted: str, found: str) -> bool:
    """Whether a USER is the one that is asked for; with a group behind it, too, where none is asked for."""
    return wanted == (found if ":" in wanted else found.partition(":")[0])


UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def in_bytes(size: str) -> int:
    """`64m`, as Docker's options take sizes, in bytes; raises ValueError."""
    found = re.fullmatch(r"(\d{1,15})([bkmg]?)", size.lower())
    if not found:
        raise ValueError(f"«{size}» no es un tamaño: se escribe como en Docker, 64m o 1g")
    return int(found[1]) * UNITS[found[2]]


def in_words(size: int) -> str:
    """Bytes as a student reads them."""
    for unit, count in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= count:
            return f"{size / count:.4g} {unit}".replace(".", ",")
    return f"{size} B"


def a_size(size: str) -> str:
    """For pydantic: a size, checked."""
    in_bytes(size)
    return size


def a_pattern(pattern: str) -> str:
    """For pydantic: a regular expression, checked."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"la expresión regular no vale: {error}") from error
    return pattern


def matches(pattern: str, text: str) -> bool:
    """Whether some line matches; long lines are cut, since the text is the student's and time is everybody's."""
    return any(re.search(pattern, line[:1000]) for line in text.splitlines()[:2000])


def command_line(words: Iterable[str]) -> str:
    return shlex.join(words)


def same_command(wanted: Sequence[str], found: Sequence[str]) -> bool:
    """Whether a program and its arguments are those that are asked for; by its whole path, too, where a plain name is."""
    if not wanted or not found or list(wanted[1:]) != list(found[1:]):
        return list(wanted) == list(found)
    return wanted[0] in (found[0], posixpath.basename(found[0]) if found[0].startswith("/") else "")


def missing_image_hint(wanted: str, tags: list[str]) -> str:
    """What may have gone wrong with an image's name, from the names there are; empty if nothing resembles it."""
    repository, _colon, tag = wanted.partition(":")
    same = [other for other in tags if other.partition(":")[0] == repository]
    if same:
        return _(
            "Tienes %(same)s: la etiqueta es la parte que va tras los dos puntos; si no la escribes es «latest». Aquí se pide «%(tag)s»."
        ) % {"same": listing(same, nothing=""), "tag": tag or "latest"}
    if near := nearest(wanted, tags):
        return _("Te falta poco: tienes «%(near)s». Compara los nombres letra a letra.") % {"near": near}
    return ""
