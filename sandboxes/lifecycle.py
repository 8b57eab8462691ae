"""A sandbox's life: start, continue, reset, extend, stop. The sole writer of sandbox state.

    start ─ requested ─→ starting ─→ ready ─→ removed | expired | lost      (machines kept for *Continuar*)
                                  └→ failed
Every step is a conditional update (`move`): of two that try, one wins, and losing is no error. A start with a
warm machine is over within the request; else a worker does it (`bring_up`). A crash between two steps is
healed by reaper.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lessons import progress
from lessons.catalog import Exercise
from lessons.catalog import exercise as find_exercise
from sandboxes import activity, egress, pool, queue, visits
from sandboxes.assembly import all_at_hand, assemble
from sandboxes.engine import EngineError, NoSuchContainer, lab_engine
from sandboxes.events import feed
from sandboxes.models import ENDED, LIVE, Checkpoint, Machine, Sandbox, State
from sandboxes.turns import turn

log = structlog.get_logger()

SESSION_ENDED = 4410
"""The close code that terminals of an ended sandbox get: docs/terminal-protocol.md."""
REPLENISH_AFTER = 2
"""Seconds from a hand-over until a machine is made in its place: making one would take the processor from the student's prompt."""


class Occupied(Exception):
    """The student has a live sandbox of another exercise."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(str(sandbox))
        self.sandbox = sandbox


def current(user: Any) -> Sandbox | None:
    """The user's live sandbox."""
    return Sandbox.objects.filter(user=user, state__in=LIVE).select_related("attempt").first()


def latest(user: Any, exercise: str) -> Sandbox | None:
    """The user's sandbox of an exercise that changed last. With none live, it is what ended last, which need not be the youngest."""
    return Sandbox.objects.filter(user=user, exercise=exercise).order_by("-changed").first()


def start(user: User, exercise: Exercise, *, swap: bool = False, proposed: UUID | None = None, since: datetime | None = None) -> Sandbox:
    """The user's sandbox for `exercise`: the live one, or a new one. Two clicks, two tabs: one sandbox.

    `proposed` is the name that the page would give to a new one, so that it can wait for it before it exists. `since`: it comes
    in the place of one that the user has had since then, and waits behind nobody who came later.

    Raises Occupied if another exercise's sandbox lives, unless `swap` stops it."""
    live = current(user)
    if live and live.exercise == exercise.key:
        return live
    if live:
        if not swap:
            raise Occupied(live)
        since = live.changed
        _end(live, reason=_("Abriste el laboratorio de otro ejercicio."))
    try:
        with transaction.atomic():
            # One may be open already: questions can be answered before there is a machine.
            attempt = progress.open_attempt(user, exercise.key)
            sandbox = Sandbox(user=user, exercise=exercise.key, attempt=attempt, changed=since or timezone.now())
            sandbox.pk = proposed or sandbox.pk
            sandbox.save(force_insert=True)
    except IntegrityError:
        # Another click was first, or the name is taken.
        return start(user, exercise, swap=swap, since=since)
    _begin(sandbox)
    return sandbox


def start_here(user: User, exercise: Exercise) -> Sandbox:
    """A sandbox for a user who has none, carried out to its end within this call: for proofs. It may have failed."""
    sandbox = Sandbox.objects.create(user=user, exercise=exercise.key, attempt=progress.open_attempt(user, exercise.key))
    bring_up(sandbox)
    sandbox.refresh_from_db()
    return sandbox


def clear(sandbox: Sandbox) -> None:
    """End a sandbox and remove its machines at once, whatever its state."""
    move(sandbox, LIVE, State.REMOVED, reason="", notice="")
    put_down(sandbox)


def resume(sandbox: Sandbox) -> Sandbox:
    """Bring a stopped sandbox back with its images and containers. Raises Occupied as `start` does."""
    live = current(sandbox.user)
    if live:
        if live.pk == sandbox.pk:
            return live
        raise Occupied(live)
    try:
        moved = sandbox.kept_until is not None and move(sandbox, ENDED, State.REQUESTED, reason="", notice="", kept_until=None)
    except IntegrityError:
        moved = False
    if moved:
        _begin(sandbox)
    sandbox.refresh_from_db()
    return sandbox


def reset(sandbox: Sandbox) -> Sandbox:
    """A clean sandbox in place of this one, which is kept for a while in case it was a slip."""
    exercise = find_exercise(sandbox.exercise)
    since = sandbox.changed
    _end(sandbox, reason=_("Lo reiniciaste."))
    if exercise is None:
        return sandbox
    return start(sandbox.user, exercise, since=since)


def restore(checkpoint: Checkpoint, sandbox: Sandbox) -> Sandbox:
    """A sandbox as it was when a step was done, in place of this one, which is kept in case it was a slip.

    It is the same attempt: what was drawn for it stays."""
    since = sandbox.changed
    _end(sandbox, reason=_("Volviste al paso %(step)d.") % {"step": checkpoint.step})
    try:
        with transaction.atomic():
            back = Sandbox.objects.create(
                user=sandbox.user, exercise=sandbox.exercise, attempt=checkpoint.attempt, checkpoint=checkpoint, changed=since
            )
    except IntegrityError:
        return current(sandbox.user) or sandbox
    _begin(back)
    return back


def stop(sandbox: Sandbox, *, reason: str, state: State = State.REMOVED) -> bool:
    """End a live sandbox; its machines are stopped and kept by a worker, and who waits for room gets it. False if it had ended already."""
    ended = _end(sandbox, reason=reason, state=state)
    if ended:
        queue.serve()
    return ended


def _end(sandbox: Sandbox, *, reason: str, state: State = State.REMOVED) -> bool:
    """The same for one in whose place another comes at once."""
    if not move(sandbox, LIVE, state, reason=reason, notice="", kept_until=_keep_until()):
        return False
    progress.end_attempts(sandbox.user, sandbox.exercise)
    close_terminals(f"sandbox-{sandbox.pk}", SESSION_ENDED)
    visits.end_all(sandbox.pk)
    from sandboxes import tasks

    tasks.enqueue(tasks.put_away, str(sandbox.pk))
    return True


def extend(sandbox: Sandbox) -> None:
    """Start the idle countdown over."""
    Sandbox.objects.filter(pk=sandbox.pk, state=State.READY).update(active=timezone.now())
    activity.touch(sandbox.pk)


def dismiss_notice(sandbox: Sandbox) -> None:
    """Its student has read it."""
    Sandbox.objects.filter(pk=sandbox.pk).update(notice="")


def move(sandbox: Sandbox, sources: tuple[State, ...], target: State, **fields: Any) -> bool:
    """The one way a sandbox changes state: only from one of `sources`; False if somebody else was first."""
    moved = Sandbox.objects.filter(pk=sandbox.pk, state__in=sources).update(state=target, changed=timezone.now(), **fields)
    if moved:
        sandbox.refresh_from_db()
        if target == State.READY:
            feed.forget(sandbox.pk)
        if target != State.STARTING:
            transaction.on_commit(lambda: feed.stir(sandbox.pk))
    return bool(moved)


def bring_up(sandbox: Sandbox) -> None:
    """Take a requested sandbox to ready, with the machines it has, warm ones or new ones. Idempotent.

    Leaves it in the queue when the lab is full; says why when it fails."""
    with turn(sandbox.pk):
        if not queue.has_room() or not move(sandbox, (State.REQUESTED,), State.STARTING):
            return
        exercise = find_exercise(sandbox.exercise)
        if exercise is None:
            move(sandbox, (State.STARTING,), State.FAILED, reason=_("Ese ejercicio ya no está en el curso."))
            return
        before = set(sandbox.machines.values_list("pk", flat=True))
        try:
            assemble(sandbox, exercise)
        except EngineError as error:
            log.warning("a sandbox could not be started", sandbox=str(sandbox.pk), error=str(error))
            _fail(sandbox, before)
            return
        now = timezone.now()
        if move(sandbox, (State.STARTING,), State.READY, ready=now, active=now):
            _tell_terminals(f"sandbox-{sandbox.pk}", "terminal.ready")
        else:
            _let_go(sandbox)


def _fail(sandbox: Sandbox, before: set[int]) -> None:
    """A start that failed: what it made goes, what the student had stays for another try."""
    from sandboxes import tasks

    for machine in sandbox.machines.exclude(pk__in=before).order_by("-position"):
        pool.discard(machine)
    failed = move(
        sandbox,
        (State.STARTING,),
        State.FAILED,
        reason=_("El motor del laboratorio no pudo arrancarlo. Vuelve a intentarlo."),
        kept_until=_keep_until() if before else None,
    )
    if failed:
        close_terminals(f"sandbox-{sandbox.pk}", SESSION_ENDED)
    if failed and egress.asks(sandbox.exercise):
        tasks.enqueue(tasks.refresh_egress)


def _let_go(sandbox: Sandbox) -> None:
    """It was stopped while it started: put away what there is."""
    sandbox.refresh_from_db()
    if not sandbox.live:
        _stop_machines(sandbox)


def put_away(sandbox: Sandbox) -> None:
    """Stop the machines of an ended sandbox and keep them, or remove them if nothing is to be kept."""
    with turn(sandbox.pk):
        sandbox.refresh_from_db()
        if not sandbox.live:
            _stop_machines(sandbox)


def _stop_machines(sandbox: Sandbox) -> None:
    if sandbox.kept_until is None:
        put_down(sandbox)
        return
    for machine in sandbox.machines.all():
        try:
            lab_engine().stop(machine.name)
        except NoSuchContainer:
            machine.delete()
    if not sandbox.machines.exists():
        Sandbox.objects.filter(pk=sandbox.pk).update(kept_until=None)
    if egress.asks(sandbox.exercise):
        egress.refresh()


def put_down(sandbox: Sandbox) -> None:
    """Remove the machines of a sandbox for good."""
    if egress.asks(sandbox.exercise):
        egress.refresh()
    # The first node last: the others are on its network.
    for machine in Machine.objects.filter(sandbox=sandbox).order_by("-position"):
        pool.discard(machine)
    Sandbox.objects.filter(pk=sandbox.pk).update(kept_until=None)


def close_terminals(group: str, code: int) -> None:
    """Close every terminal of a group (`sandbox-<id>`, `user-<id>`) with this close code."""
    _tell_terminals(group, "terminal.close", code=code)


def _tell_terminals(group: str, what: str, **more: Any) -> None:
    """Those that are open, or wait for the sandbox, in whatever process they are; what they look up is committed by then."""
    transaction.on_commit(lambda: async_to_sync(get_channel_layer().group_send)(group, {"type": what, **more}))


def _keep_until() -> datetime | None:
    return timezone.now() + timedelta(days=settings.ENV.keep_days) if settings.ENV.keep_days else None


def _begin(sandbox: Sandbox) -> None:
    """Hand over within the request if everything is at hand, else leave it to a worker, in turn."""
    from sandboxes import tasks

    if queue.place(sandbox) == 1 and not sandbox.machines.exists() and all_at_hand(sandbox, find_exercise(sandbox.exercise)):
        bring_up(sandbox)
    if sandbox.state == State.REQUESTED:
        tasks.enqueue(tasks.bring_up, str(sandbox.pk))
    tasks.enqueue(tasks.tend_pool, after=REPLENISH_AFTER)
