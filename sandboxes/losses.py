"""Why a machine that was in use runs no more, in words for its student. Ends and stops nothing.

Whoever on the host ends those that take too much leaves a word for each container (host/endings.py). For want of memory the
kernel kills whatever is largest, which is never a machine's first program: that ends no machine, and watch.py tells of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from sandboxes.engine import Container, Death, EngineError, lab_engine
from sandboxes.models import Machine


def lost(container: Container | None) -> bool:
    """Whether a machine that should run does not. Paused is one that is being copied (checkpoints.keep)."""
    return container is None or container.state not in ("running", "paused")


def why(names: Sequence[str], containers: Mapping[str, Container]) -> str:
    """Of a sandbox's machines, among all containers of the lab."""
    deaths = {name: _death(name) for name in names if lost(containers.get(name))}
    for name, death in deaths.items():
        if death and (said := _told(name, death)):
            return said
    if not any(name in containers for name in names):
        return gone()
    known = [death for death in deaths.values() if death]
    # When the whole lab was stopped all are lost, and some of them had to be killed.
    if not known or all(lost(container) for container in containers.values()):
        return _("El laboratorio se detuvo (se reinició el servidor o su motor). Puedes continuarlo donde lo dejaste.")
    if any(death.killed for death in known):
        return _("El laboratorio se detuvo de golpe: se mató el primero de sus procesos. Puedes continuarlo donde lo dejaste.")
    return _("El laboratorio se apagó desde dentro: terminó el primero de sus procesos. Puedes continuarlo donde lo dejaste.")


def gone() -> str:
    """Of a sandbox none of whose machines is there any more."""
    return _("Las máquinas de este laboratorio ya no están en el servidor: lo que había en ellas se ha perdido. Tu progreso sigue ahí.")


def _death(name: str) -> Death | None:
    try:
        return lab_engine().death(name)
    except EngineError:
        return None


def _told(name: str, death: Death) -> str:
    """What has been written of this end; a word that is older than the container's last start is of another."""
    if not settings.ENV.endings_dir:
        return ""
    note = Path(settings.ENV.endings_dir) / death.id
    try:
        if note.stat().st_mtime < death.began.timestamp():
            return ""
        word = note.read_text().strip()
    except OSError:
        return ""
    if word == "disk":
        size = Machine.objects.filter(name=name).values_list("disk", flat=True).first()
        return _("El laboratorio se detuvo: escribió más de lo que cabe en su disco (%(size)s). Continúalo y borra lo que sobre.") % {
            "size": size
        }
    if word == "kernel":
        return _(
            "El laboratorio se detuvo: llenaba la memoria del núcleo, que es de toda la máquina (redes, vecinos, conexiones…). Puedes "
            "continuarlo donde lo dejaste."
        )
    if word == "descriptors":
        return _(
            "El laboratorio se detuvo: mandaba descriptores de ficheros de un proceso a otro sin recogerlos, y los que hay en camino se "
            "cuentan entre todos. Puedes continuarlo donde lo dejaste."
        )
    if word == "processes":
        return _(
            "El laboratorio se detuvo: sus procesos se multiplicaban y llenaron su límite una y otra vez (una bomba de procesos). "
            "Puedes continuarlo donde lo dejaste."
        )
    return _(
        "El laboratorio se detuvo: creó cientos de grupos de control (cgroups), que son de toda la máquina. Puedes continuarlo "
        "donde lo dejaste."
    )
