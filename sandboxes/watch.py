"""Watches what the sandboxes use: work counts as life, and who comes to a limit is told, nobody else.

A look now and then sees only what is still so. What is over by then is not missed either: the kernel counts the processes it
refused, and the lab engine says at once whose memory ran out (`starved`, called by events/alarms.py).
"""

from __future__ import annotations

import time

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from sandboxes import activity
from sandboxes.engine import EngineError, Usage, lab_engine
from sandboxes.events import feed
from sandboxes.models import Machine, Sandbox, State

TRICKLE = 0.05
"""Cores. An idle engine with a redis in it uses less; a build or a test uses more."""
STIRRED = 0.01
"""Cores, on average since the last look: below it nothing can have come to a limit, and an exec is saved."""
_HAS_ROOM = """for folder in /var/tmp /var/lib/docker; do
  fallocate -l 16M $folder/.lab-room; code=$?; rm -f $folder/.lab-room; [ $code = 0 ] || exit $code
done"""
"""Reserves without writing. `df` can't tell: it shows the lab's whole file system, not the machine's quota."""
_REFUSED = """cd /sys/fs/cgroup/pids 2>/dev/null || cd /sys/fs/cgroup
if [ -e pids.events.local ]; then sed -n 's/^max //p' pids.events.local
elif [ "$(cat pids.peak 2>/dev/null || echo 0)" -lt "$(cat pids.max)" ]; then sed -sn 's/^max //p' pids.events init/pids.events 2>/dev/null
else echo 1; find . -name pids.events -exec sed -sn 's/^max //p' {} +; fi"""
"""How many new processes the kernel has refused for the machine's own limit. Version 1, and version 2 before Linux 6.11, counts
them for the group that asked, whoever's limit it was: those of containers count if the machine's was ever reached, and go with
them."""
_ITS_OWN = "! grep -qx 'oom 0' /sys/fs/cgroup/memory.events.local 2>/dev/null"
"""Version 2 tells of containers that came to a limit of their own, too."""


def watch(interval: float = 30) -> None:
    """One round over every node of the sandboxes in use; `interval` is the seconds since the last."""
    for machine in _in_use():
        try:
            usage = lab_engine().usage(machine.name)
        except EngineError:
            continue  # the reaper finds what is lost
        _look(machine, usage, interval)


def starved(name: str) -> None:
    """The lab engine says that the kernel has killed something in a machine for want of memory."""
    for machine in _in_use().filter(name=name):
        assert machine.sandbox
        try:
            if lab_engine().run(name, ["sh", "-c", _ITS_OWN], seconds=5).code:
                return
            limit = lab_engine().usage(name).memory_limit
        except EngineError:
            continue  # it has ended: losses.py knows why
        _tell(
            machine.sandbox,
            _("Tu laboratorio agotó su memoria (%(limit)d MiB) y el sistema mató procesos suyos: para lo que no uses.")
            % {"limit": limit >> 20},
        )


def _in_use() -> QuerySet[Machine]:
    return Machine.objects.filter(state=Machine.State.TAKEN, sandbox__state=State.READY).select_related("sandbox")


def _look(machine: Machine, usage: Usage, interval: float) -> None:
    assert machine.sandbox
    known = 0 < machine.cpu_seen <= usage.cpu  # it began anew, else
    share = (usage.cpu - machine.cpu_seen if known else usage.cpu) / 1e9 / interval
    worked = known and share > TRICKLE
    if worked:
        activity.touch(machine.sandbox.pk)
    refused = _refused(machine) if share > STIRRED else machine.refused_seen
    Machine.objects.filter(pk=machine.pk).update(cpu_seen=usage.cpu, refused_seen=refused)
    # A disk fills by work; asking costs an exec.
    more = refused > (machine.refused_seen if known else 0)
    warning = _warning(usage, refused=more) or (_disk_warning(machine) if worked else "")
    if warning:
        _tell(machine.sandbox, warning)


def _tell(sandbox: Sandbox, warning: str) -> None:
    told = Sandbox.objects.filter(pk=sandbox.pk, state=State.READY).exclude(notice=warning).update(notice=warning)
    if told:
        feed.publish(sandbox.pk, feed.NOTICE, {"at": time.time()})


def _warning(usage: Usage, *, refused: bool) -> str:
    if usage.pids_limit and (refused or usage.pids >= 0.95 * usage.pids_limit):
        return _(
            "Tu laboratorio ha llegado a su límite de procesos (%(limit)d): cierra o mata los que sobren, o reinícialo. Los que se "
            "multiplican sin fin los mata el sistema."
        ) % {"limit": usage.pids_limit}
    if usage.memory_limit and usage.memory >= 0.95 * usage.memory_limit:
        return _("Tu laboratorio ha llegado a su límite de memoria (%(limit)d MiB): para lo que no uses.") % {
            "limit": usage.memory_limit >> 20
        }
    return ""


def _refused(machine: Machine) -> int:
    try:
        done = lab_engine().run(machine.name, ["sh", "-c", _REFUSED], seconds=5)
    except EngineError:
        return machine.refused_seen
    return sum(int(word) for word in done.output.decode(errors="replace").split() if word.isascii() and word.isdigit() and len(word) < 16)


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
