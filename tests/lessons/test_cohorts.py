"""Classes: who is in them, how one gets in, and whose work a teacher sees."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command

from lessons import cohorts
from lessons.models import Cohort, Membership

pytestmark = pytest.mark.django_db


@pytest.fixture
def cohort(carmen: Any) -> Cohort:
    return cohorts.create(carmen, "1.º de ASIR")


def test_teacher_sees_the_students_of_their_classes_and_nobody_else(ana: Any, bruno: Any, carmen: Any, olga: Any, cohort: Cohort) -> None:
    assert list(cohorts.students_of(carmen)) == []
    assert cohorts.join(cohort, ana)
    assert list(cohorts.students_of(carmen)) == [ana]
    assert cohorts.is_student_of(carmen, ana.pk)
    assert not cohorts.is_student_of(carmen, bruno.pk)
    assert set(cohorts.students_of(olga)) >= {ana, bruno, carmen}
    assert list(cohorts.students_of(ana)) == []


def test_student_of_two_classes_of_one_teacher_is_one(ana: Any, carmen: Any, cohort: Cohort) -> None:
    other = cohorts.create(carmen, "2.º")
    for each in (cohort, other):
        cohorts.join(each, ana)
    assert list(cohorts.students_of(carmen)) == [ana]


def test_who_is_no_longer_staff_teaches_nobody(ana: Any, carmen: Any, cohort: Cohort) -> None:
    cohorts.join(cohort, ana)
    carmen.is_staff = False
    carmen.save()
    assert list(cohorts.students_of(carmen)) == []
    assert list(cohorts.given_by(carmen)) == []


def test_code_lets_in_however_it_is_written_until_it_is_renewed(cohort: Cohort) -> None:
    former = cohort.code
    assert cohorts.find(f" {former[:4].upper()} {former[4:]}") == cohort
    cohorts.renew_code(cohort)
    assert cohorts.find(former) is None
    assert cohorts.find(cohort.code) == cohort
    assert cohorts.find("") is None


def test_nobody_is_in_a_class_twice(ana: Any, carmen: Any, cohort: Cohort) -> None:
    assert cohorts.join(cohort, ana)
    assert not cohorts.join(cohort, ana)
    assert not cohorts.join(cohort, carmen)
    assert Membership.objects.count() == 2


def test_last_teacher_does_not_leave_a_class(ana: Any, carmen: Any, olga: Any, cohort: Cohort) -> None:
    cohorts.join(cohort, ana)
    assert not cohorts.leave(cohort, carmen.pk)
    cohorts.join(cohort, olga, role=cohorts.TEACHER)
    assert cohorts.leave(cohort, carmen.pk)
    assert cohorts.leave(cohort, ana.pk)
    assert not cohorts.leave(cohort, ana.pk)


@pytest.mark.parametrize(
    ("said", "expected"),
    [([], "opcional"), ([""], "opcional"), (["nunca"], "nunca"), (["nunca", ""], "opcional"), (["nunca", "siempre", ""], "siempre")],
)
def test_recording_is_as_the_strictest_of_ones_classes_says(ana: Any, carmen: Any, said: list[str], expected: str) -> None:
    for number, recording in enumerate(said):
        each = cohorts.create(carmen, str(number))
        Cohort.objects.filter(pk=each.pk).update(recording=recording)
        cohorts.join(each, ana)
    assert cohorts.recording_of(ana.pk, otherwise="opcional") == expected


def test_demonstration_has_a_class_once(capsys: Any) -> None:
    call_command("demo_accounts")
    call_command("demo_accounts")
    (found,) = Cohort.objects.all()
    assert [place.user.username for place in found.memberships.order_by("pk")] == ["carmen", "ana"]
