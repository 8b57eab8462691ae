"""Classes: who is in which, how one gets in, and whose work a teacher sees. Knows no laboratories.

Who is staff may teach, and sees the students of the classes they give; a superuser sees everybody.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from lessons.models import Cohort, Membership, new_code

ALWAYS, OPTIONAL, NEVER = "siempre", "opcional", "nunca"
_STRICTEST = (ALWAYS, OPTIONAL, NEVER)
TEACHER, STUDENT = Membership.Role.TEACHER, Membership.Role.STUDENT


def create(teacher: User, name: str) -> Cohort:
    """A class of this teacher's."""
    with transaction.atomic():
        cohort = Cohort.objects.create(name=name)
        Membership.objects.create(cohort=cohort, user=teacher, role=TEACHER)
    return cohort


def given_by(user: Any) -> QuerySet[Cohort]:
    """The classes that somebody gives; a superuser, all there are."""
    if not _teaches(user):
        return Cohort.objects.none()
    if user.is_superuser:
        return Cohort.objects.all()
    return Cohort.objects.filter(memberships__user=user, memberships__role=TEACHER)


def taken_by(user: Any) -> QuerySet[Cohort]:
    """The classes that somebody studies in."""
    return Cohort.objects.filter(memberships__user=user.pk, memberships__role=STUDENT)


def students_of(teacher: Any) -> QuerySet[User]:
    """Those whose work this teacher sees."""
    if not _teaches(teacher):
        return User.objects.none()
    if teacher.is_superuser:
        return User.objects.all()
    return User.objects.filter(memberships__role=STUDENT, memberships__cohort__in=given_by(teacher)).distinct()


def is_student_of(teacher: Any, student_id: int) -> bool:
    return students_of(teacher).filter(pk=student_id).exists()


def find(code: str) -> Cohort | None:
    """The class that has this code, however it was written."""
    return Cohort.objects.filter(code="".join(code.split()).lower()).first()


def join(cohort: Cohort, user: User, *, role: str = STUDENT) -> bool:
    """Put somebody in a class; False if they were in it already, as whatever."""
    try:
        with transaction.atomic():
            Membership.objects.create(cohort=cohort, user=user, role=role)
    except IntegrityError:
        return False
    return True


def leave(cohort: Cohort, user_id: int) -> bool:
    """Out of a class; False if they were not in it, or nobody would be left to give it."""
    found = Membership.objects.filter(cohort=cohort, user=user_id).first()
    if found is None or (found.role == TEACHER and teachers_of(cohort).count() == 1):
        return False
    found.delete()
    return True


def teachers_of(cohort: Cohort) -> QuerySet[User]:
    return User.objects.filter(memberships__cohort=cohort, memberships__role=TEACHER).order_by("username")


def renew_code(cohort: Cohort) -> None:
    """Another code: the former no longer lets anybody in."""
    Cohort.objects.filter(pk=cohort.pk).update(code=new_code())
    cohort.refresh_from_db()


def recording_of(user_id: int, *, otherwise: str) -> str:
    """Whether somebody's terminals are recorded, as their classes say: of several, the strictest; `otherwise` where none says."""
    said = Cohort.objects.filter(memberships__user=user_id, memberships__role=STUDENT).values_list("recording", flat=True)
    asked = {each or otherwise for each in said} or {otherwise}
    return next((policy for policy in _STRICTEST if policy in asked), otherwise)


def _teaches(user: Any) -> bool:
    return bool(user.is_active and user.is_staff)
