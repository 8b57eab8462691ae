"""Watches what the sandboxes use: work counts as life, and who nears a limit is told, nobody else."""

from __future__ import annotations

from django.utils.translation import gettext as _

from sandboxes import activity
from sandboxes.engine import EngineError, Usage, lab_engine
from sandboxes.models import Machine, Sandbox, State

TRICKLE = 0.05
"""Cores. An idle engine with a redis in it uses less; a build or a test uses more."""


def watch(interval: float = 30) -> None:
    """One round over every node of the sandboxes in use; `interval` is the seconds since the last."""
    nodes = Machine.objects.filter(state=Machine.State.TAKEN, sandbox__state=State.READY).select_related("sandbox")
    for machine in nodes:
        assert machine.sandbox is not None
        try:
            usage = lab_engine().usage(machine.name)
        except EngineError:
            continue  # the reaper finds what is lost
        if machine.cpu_seen and (usage.cpu - machine.cpu_seen) / 1e9 / interval > TRICKLE:
            activity.touch(machine.sandbox.pk)
        Machine.objects.filter(pk=machine.pk).update(cpu_seen=usage.cpu)
        if warning := _warning(usage):
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
