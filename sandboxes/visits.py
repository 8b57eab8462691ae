"""Who is in another's sandbox: a teacher who watches or types along, a classmate who was invited. The sole writer of Visit.

A visit begins and ends by conditional updates. What changed is told to the pages on both sides and to the visitor's open
sockets, which ask `mode_of` again and close if it says None. Refuses to open a terminal: that is the consumer's.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import get_random_string

from lessons import catalog, cohorts
from sandboxes.events import feed
from sandboxes.models import LIVE, Sandbox, State, Visit
from sandboxes.terminal import preferences

READ, TYPE = Visit.Mode.READ, Visit.Mode.TYPE
Outcome = Visit.Outcome
LEASE = timedelta(seconds=75)
"""How long a teacher's visit outlives its page, where nobody could note that it closed."""
GRACE = 15
"""Seconds within which a page that closed may come back (a reload, a short cut) and find its visit."""
CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def watch(teacher: User, sandbox: Sandbox) -> bool:
    """Begin to watch, or go on. False if it is not a running sandbox of a student of theirs."""
    if sandbox.user_id == teacher.pk or sandbox.state != State.READY or not cohorts.is_student_of(teacher, sandbox.user_id):
        return False
    _open(sandbox, teacher, READ, accepted=True)
    return True


def ask(teacher: User, sandbox: Sandbox) -> bool:
    """Ask to type along; the owner answers. False if they are not watching."""
    if mode_of(teacher.pk, sandbox.pk) is None:
        return False
    _open(sandbox, teacher, TYPE, accepted=False)
    return True


def answer(visit_id: int, owner: User, *, yes: bool) -> bool:
    """The owner's word on what was asked. False if nobody waits for it any more."""
    asked = Visit.objects.filter(pk=visit_id, sandbox__user=owner, sandbox__state=State.READY, accepted=None, ended=None, code="")
    changed = asked.update(accepted=timezone.now()) if yes else asked.update(ended=timezone.now(), outcome=Outcome.REFUSED)
    if changed:
        _tell(Visit.objects.get(pk=visit_id))
    return bool(changed)


def invite(sandbox: Sandbox) -> Visit | None:
    """The sandbox's open invitation, new if there is none. None if its exercise is for one, it is not running or two are in it."""
    if sandbox.state != State.READY or not may_be_shared(sandbox):
        return None
    try:
        with transaction.atomic():
            made = Visit.objects.create(sandbox=sandbox, mode=TYPE, code=get_random_string(12, CODE_LETTERS))
    except IntegrityError:
        return Visit.objects.filter(sandbox=sandbox, ended=None, visitor=None).first()
    _tell(made)
    return made


def invitation(code: str) -> Visit | None:
    """The invitation that has this code and may still be taken."""
    found = Visit.objects.filter(code=code, visitor=None, ended=None, sandbox__state=State.READY)
    return found.select_related("sandbox__user").first()


def take(invited: Visit, user: User) -> bool:
    """Come by an invitation. False if it is one's own, or somebody was first, or it was withdrawn."""
    if invited.sandbox.user_id == user.pk:
        return False
    now = timezone.now()
    try:
        with transaction.atomic():
            open_still = Visit.objects.filter(pk=invited.pk, visitor=None, ended=None, sandbox__state=State.READY)
            taken = open_still.update(visitor=user, accepted=now, seen=now)
    except IntegrityError:
        return False
    if taken:
        _tell(Visit.objects.get(pk=invited.pk))
    return bool(taken)


def may_be_shared(sandbox: Sandbox) -> bool:
    """Whether the exercise lets two work in one sandbox."""
    exercise = catalog.exercise(sandbox.exercise)
    return exercise is not None and exercise.lab.compartir


def leave(user_id: int, sandbox_id: UUID, *, outcome: str = Outcome.LEFT) -> bool:
    """Out of somebody's sandbox, in every mode. False if they were not in it."""
    return _end(Visit.objects.filter(sandbox=sandbox_id, visitor=user_id), outcome)


def dismiss(visit_id: int, owner: User) -> bool:
    """The owner sends a visitor away, or withdraws an invitation. False if it was over."""
    found = Visit.objects.filter(pk=visit_id, sandbox__user=owner, ended=None).first()
    if found is None:
        return False
    if found.visitor_id is None:
        return _end(Visit.objects.filter(pk=found.pk), Outcome.DISMISSED)
    return leave(found.visitor_id, found.sandbox_id, outcome=Outcome.DISMISSED)


def end_all(sandbox_id: UUID) -> None:
    """The sandbox is over: so is whoever was in it."""
    _end(Visit.objects.filter(sandbox=sandbox_id), Outcome.OVER)


def end_unentitled(*, student: int | None = None, teacher: int | None = None) -> None:
    """End what teachers have open with students who are no longer theirs: somebody has left a class, or teaches no more."""
    found = Visit.objects.filter(ended=None, code="").select_related("visitor", "sandbox")
    found = found.filter(sandbox__user=student) if student else found
    found = found.filter(visitor=teacher) if teacher else found
    for visit in found:
        if not cohorts.is_student_of(visit.visitor, visit.sandbox.user_id):
            _end(Visit.objects.filter(pk=visit.pk), Outcome.UNENTITLED)


def mode_of(user_id: int, sandbox_id: UUID) -> str | None:
    """What somebody may do in another's sandbox now; None if nothing."""
    modes = set(_current(Visit.objects.filter(sandbox=sandbox_id, visitor=user_id)).values_list("mode", flat=True))
    return TYPE.value if TYPE in modes else READ.value if READ in modes else None


def of_sandbox(sandbox: Sandbox) -> list[Visit]:
    """What is open in a sandbox: who is there, who asks to type, who is invited; the first to come first."""
    return list(Visit.objects.filter(sandbox=sandbox, ended=None).select_related("visitor").order_by("asked", "pk"))


def history(user: User) -> QuerySet[Visit]:
    """Visits to one's sandboxes, by oneself and, of a teacher, to their students'; the last first."""
    students = cohorts.students_of(user)
    mine = Q(sandbox__user=user) | Q(visitor=user) | Q(sandbox__user__in=students)
    return Visit.objects.filter(mine, visitor__isnull=False).select_related("visitor", "sandbox__user").order_by("-asked", "-pk")


def note_seen(user_id: int, sandbox_id: UUID) -> None:
    """The visitor's page is there."""
    Visit.objects.filter(sandbox=sandbox_id, visitor=user_id, ended=None).update(seen=timezone.now())


def end_unseen(user_id: int, sandbox_id: UUID, *, since: Any) -> None:
    """The visitor's page closed at `since`: end a teacher's visit, unless a page has been there again. A classmate may come back."""
    _end(Visit.objects.filter(sandbox=sandbox_id, visitor=user_id, code="", seen__lte=since), Outcome.LOST)


def sweep() -> None:
    """End what a crash has left open: visits without a page, and those of sandboxes that are over."""
    _end(Visit.objects.filter(code="", seen__lt=timezone.now() - LEASE), Outcome.LOST)
    _end(Visit.objects.exclude(sandbox__state__in=LIVE), Outcome.OVER)


def rearranged(owner_id: int) -> None:
    """The owner has arranged their terminals otherwise: who is with them sees it so."""
    for sandbox in Sandbox.objects.filter(user=owner_id, state=State.READY, visits__ended=None, visits__accepted__isnull=False).distinct():
        feed.publish(sandbox.pk, feed.TOGETHER, _message(sandbox))


def group_of(user_id: int, sandbox_id: UUID) -> str:
    """The channel group of a visitor's sockets on a sandbox."""
    return f"visit-{sandbox_id}-{user_id}"


def _current(visits: QuerySet[Visit]) -> QuerySet[Visit]:
    return visits.filter(accepted__isnull=False, ended=None, sandbox__state=State.READY)


def _open(sandbox: Sandbox, visitor: User, mode: Visit.Mode, *, accepted: bool) -> None:
    """A visit in that mode, if none is open."""
    now = timezone.now()
    try:
        with transaction.atomic():
            made = Visit.objects.create(
                sandbox=sandbox, visitor=visitor, mode=mode, asked=now, seen=now, accepted=now if accepted else None
            )
    except IntegrityError:
        return
    _tell(made)


def _end(visits: QuerySet[Visit], outcome: str) -> bool:
    """End those of them that are open; each ends once."""
    ended = []
    for visit in visits.filter(ended=None).select_related("sandbox"):
        if Visit.objects.filter(pk=visit.pk, ended=None).update(ended=timezone.now(), outcome=outcome):
            ended.append(visit)
    for visit in ended:
        _tell(visit)
    return bool(ended)


def _tell(visit: Visit) -> None:
    """Tell both sides' pages, and the visitor's sockets, that something changed; once it is committed."""

    def send() -> None:
        feed.publish(visit.sandbox_id, feed.TOGETHER, _message(visit.sandbox))
        if visit.visitor_id is not None:
            group = group_of(visit.visitor_id, visit.sandbox_id)
            async_to_sync(get_channel_layer().group_send)(group, {"type": "visit.changed"})

    transaction.on_commit(send)


def _message(sandbox: Sandbox) -> dict[str, Any]:
    """What pages are told: that they should look, and how the owner's terminals stand."""
    return {"at": time.time(), "layout": preferences.layout_of(sandbox.user_id, sandbox.pk)}
