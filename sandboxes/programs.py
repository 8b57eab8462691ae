"""Looks, from outside of a machine, at the programs that answer for its engine.

Graders believe what a student's engine says, and the student is root there. So when an exercise is passed, the
programs behind those answers are compared with the sandbox image's, read by the lab engine; what differs is noted
for the teacher. It proves nothing against anybody who replaces them and puts them back: see docs/amenazas.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext as _

from lessons import progress
from lessons.models import CheckRun
from sandboxes.engine import EngineError, Flavor, Limits, lab_engine
from sandboxes.models import Sandbox, State

log = structlog.get_logger()

PROGRAMS = ("/usr/bin/docker", "/usr/sbin/dockerd", "/usr/bin/containerd", "/usr/sbin/runc", "/usr/bin/perl")
SHADOWS = ("/usr/local/bin/docker", "/usr/local/sbin/docker", "/usr/local/bin/dockerd", "/usr/local/sbin/dockerd")
"""Where another program would come before them in root's path; the image has nothing there."""
REFERENCE_SECONDS = 30 * 86400
AFTER = 10
"""Seconds until a passed run is examined, and until it is tried again: reading 180 MB costs what a few check runs cost."""
PUT_OFF_MOST = 30
_TURN, _TURN_SECONDS = "programs:turn", 60


def examine_in_turn(check: CheckRun, *, put_off: int) -> bool:
    """Examine it, unless somebody waits for a check or another is being examined: then False, unless that has been so for long."""
    patient = put_off < PUT_OFF_MOST
    if patient and progress.under_way():
        return False
    with the_turn(check) as mine:
        if patient and not mine:
            return False
        examine(check)
    return True


@contextmanager
def the_turn(check: CheckRun) -> Iterator[bool]:
    """The turn to examine; whether it is ours. A worker that was killed loses it in a minute."""
    mine = cache.add(_TURN, check.pk, _TURN_SECONDS)
    try:
        yield mine
    finally:
        if mine:
            cache.delete(_TURN)


def examine(check: CheckRun) -> None:
    """Note on a passed check run which programs of its machines are not the image's."""
    sandbox = Sandbox.objects.filter(attempt=check.attempt_id, state=State.READY).first()
    try:
        notes = [note for machine in sandbox.machines.all() for note in altered(machine.name, node=machine.node)] if sandbox else []
    except EngineError as error:
        # The machine ended meanwhile; what can't be looked at is not suspicious.
        log.info("programs could not be looked at", check=check.pk, error=str(error))
        return
    if notes:
        progress.note_check(check, notes)


def altered(name: str, *, node: str) -> list[str]:
    """What of the machine's programs is not as in its image, a Spanish sentence each; raises EngineError."""
    genuine = _genuine()
    seen = {path: lab_engine().digest(name, path) for path in genuine}
    return [_sentence(path, seen[path], node) for path, digest in genuine.items() if seen[path] != digest]


def _sentence(path: str, seen: str, node: str) -> str:
    if path in SHADOWS:
        return _("En «%(node)s» hay un programa propio, %(path)s, que se antepone al del motor.") % {"node": node, "path": path}
    if not seen:
        return _("En «%(node)s» falta %(path)s.") % {"node": node, "path": path}
    return _("En «%(node)s», %(path)s no es el de la máquina original.") % {"node": node, "path": path}


def _genuine() -> dict[str, str]:
    """The digests in the sandbox image, from a machine that never starts; kept as long as the image is the same."""
    key = f"programs:{settings.ENV.sandbox_image}"
    known: dict[str, str] | None = cache.get(key)
    if known is None:
        name = f"lab-{uuid.uuid4().hex[:16]}"
        engine = lab_engine()
        try:
            engine.create(name, hostname="lab", labels={"lab.purpose": "programs"}, limits=Limits(), flavor=Flavor())
            known = {path: engine.digest(name, path) for path in (*PROGRAMS, *SHADOWS)}
        finally:
            engine.remove(name)
        cache.set(key, known, REFERENCE_SECONDS)
    return known
