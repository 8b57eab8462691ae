"""Small ways of saying things that every grader needs."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable

from django.utils.translation import gettext as _


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


def command_line(words: Iterable[str]) -> str:
    return shlex.join(words)


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
