"""Watches what the sandboxes use: work counts as life, and who nears a limit is told, nobody else."""

from __future__ import annotations

from django.utils.translation import gettext as _

from sandboxes import activity
from sandboxes.engine import EngineError, Usage, lab_engine
from sandboxes.models import Machine, Sandbox, State

TRICKLE = 0.05
"""Cores. An idle engine with a redis in it uses less; a build or a test uses more."""
_HAS_ROOM = """for folder in /var/tmp /var/lib/docker; do
  fallocate -l 16M $folder/.lab-room; code=$?; rm -f $folder/.lab-room; [ $code = 0 ] || exit $code
done"""
"""Reserves without writing. `df` can't tell: it shows the lab's whole file system, not the machine's quota."""


def watch(interval: float = 30) -> None:
    """One round over every node of the sandboxes in use; `interval` is the seconds since the last."""
    nodes = Machine.objects.filter(state=Machine.State.TAKEN, sandbox__state=State.READY).select_related("sandbox")
    for machine in nodes:
        assert machine.sandbox is not None
        try:
            usage = lab_engine().usage(machine.name)
        except EngineError:
            continue  # the reaper finds what is lost
        worked = bool(machine.cpu_seen) and (usage.cpu - machine.cpu_seen) / 1e9 / interval > TRICKLE
        if worked:
            activity.touch(machine.sandbox.pk)
        Machine.objects.filter(pk=machine.pk).update(cpu_seen=usage.cpu)
        # A disk fills by work; asking costs an exec.
        warning = _warning(usage) or (_disk_warning(machine) if worked else "")
        if warning:
            Sandbox.objects.filter(pk=machine.sandbox.pk, state=State.READY).update(notice=warning)


def _warning(usage: Usage) -> str:
    if usage.pids_limit and usage.pids >= 0.95 * usage.pids_limit:
        return _("Tu laboratorio ha llegado a su límite de procesos (%(limit)d): cierra o mata los que sobren, o reinícialo.") % {
            "limit": usage.pids_limit
        }
    if usage.memory_limit and usage.memory >= 0.95 * usage.memory_limit:
        return _("Tu laboratorio ha llegado a su límite de memoria (%(limit)d MiB): para lo que no uses.") % {
            "limit": usage.memory_limit >> 20
        }
    return ""


def _disk_warning(machine: Machine) -> str:
    try:
        done = lab_engine().run(machine.name, ["sh", "-c", _HAS_ROOM], seconds=5)
    except EngineError:
        return ""
    said = done.output.decode(errors="replace").lower()
    if done.code and ("quota" in said or "no space" in said):
        return _("Tu laboratorio ha llenado su disco (%(limit)s): borra ficheros, imágenes o contenedores que no uses.") % {
            "limit": machine.disk
        }
    return ""
