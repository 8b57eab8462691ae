"""Checkpoints: a copy of a sandbox's machines for each step of its exercise that was done, to go back to.

    due     which steps a check run has just done (grading)
    keep    copies the machines (worker)
    sweep   removes what belongs to no attempt that can still use it (reaper)

A row comes before its copies and goes after them, so that a crash leaves a trace.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from lessons.catalog import Exercise
from lessons.models import Attempt
from sandboxes.engine import EngineError, lab_engine
from sandboxes.events import feed
from sandboxes.models import LIVE, Checkpoint, Machine, Sandbox, State
from sandboxes.turns import turn

log = structlog.get_logger()

GRACE = timedelta(minutes=5)
"""How old a half-made checkpoint, or a copy without a row, must be before it counts as left by a crash."""


def due(exercise: Exercise, attempt: Attempt, passed: Iterable[str]) -> list[int]:
    """The steps, from 1, whose check has passed and of which there is no copy."""
    done = set(passed)
    kept = set(Checkpoint.objects.filter(attempt=attempt).values_list("step", flat=True))
    return [number for number, step in enumerate(exercise.steps, start=1) if step.comprobacion in done and number not in kept]


def keep(sandbox: Sandbox, step: int) -> bool:
    """Copy the machines of a ready sandbox as its step's checkpoint. False if there is nothing to copy, or too much."""
    if settings.ENV.storage != "btrfs":
        return False  # a copy of a machine holds nothing of its volume
    with turn(sandbox.pk):
        sandbox.refresh_from_db()
        if sandbox.state != State.READY or sandbox.attempt is None:
            return False
        machines = list(sandbox.machines.all())
        engine = lab_engine()
        try:
            written = sum(engine.written(machine.name) for machine in machines)
            if written > settings.ENV.checkpoint_max << 20:
                log.info("a sandbox is too large for a checkpoint", sandbox=str(sandbox.pk), bytes=written)
                return False
            copies = {machine.node: uuid.uuid4().hex for machine in machines}
            with transaction.atomic():
                row = Checkpoint.objects.create(attempt=sandbox.attempt, step=step, copies=copies)
            for machine in machines:
                engine.commit(machine.name, copies[machine.node])
        except IntegrityError:
            return False  # somebody else keeps it
        except EngineError as error:
            log.warning("a checkpoint could not be kept", sandbox=str(sandbox.pk), step=step, error=str(error))
            return False
        kept = Checkpoint.objects.filter(pk=row.pk).update(complete=True)
        if kept:
            feed.publish(sandbox.pk, feed.NOTICE, {"at": time.time()})
        return bool(kept)


def offered(sandbox: Sandbox | None) -> list[Checkpoint]:
    """The steps that a sandbox can be brought back to."""
    if sandbox is None or sandbox.attempt_id is None:
        return []
    return list(Checkpoint.objects.filter(attempt=sandbox.attempt_id, complete=True))


def sweep() -> None:
    """Remove the checkpoints of attempts none of whose sandboxes lives or is kept, and copies that nobody knows of."""
    now = timezone.now()
    listed = lab_engine().checkpoints()
    usable = Sandbox.objects.filter(Q(state__in=LIVE) | Q(kept_until__gt=now), attempt__isnull=False)
    for row in Checkpoint.objects.exclude(attempt__in=usable.values("attempt")):
        _remove(row)
    for row in Checkpoint.objects.filter(complete=False, created__lt=now - GRACE):
        _remove(row)
    # The rows are read after the copies were listed: a copy made in between has a row.
    known = {copy for row in Checkpoint.objects.all() for copy in row.copies.values()} | set(
        Machine.objects.values_list("images", flat=True)
    )
    for copy in listed:
        if copy not in known:
            _remove_copy(copy)


def _remove(row: Checkpoint) -> None:
    if all(_remove_copy(copy) for copy in row.copies.values()):
        row.delete()


def _remove_copy(copy: str) -> bool:
    try:
        lab_engine().remove_checkpoint(copy)
    except EngineError as error:
        # A machine still stands on it; the next sweep comes soon.
        log.info("a checkpoint stays", copy=copy, error=str(error))
        return False
    return True
