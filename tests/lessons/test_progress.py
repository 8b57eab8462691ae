"""Attempts, check runs and completions, on the real database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from lessons import catalog, progress
from lessons.kinds import Status, Verdict
from lessons.models import Attempt, CheckRun, Completion

pytestmark = pytest.mark.django_db
COURSE = catalog.course()
EXERCISE = COURSE.exercises["docker-intensivo/hello-world/hello-world"]
OTHER = COURSE.exercises["docker-intensivo/capas-de-imagen/una-capa-menos"]


def verdicts(*statuses: Status) -> list[tuple[str, Verdict]]:
    """One verdict per check: the given ones first, and the rest passed."""
    filled = [*statuses, *[Status.PASSED] * (len(EXERCISE.checks) - len(statuses))]
    return [(check.id, Verdict(status, "esto", "aquello", "una pista")) for check, status in zip(EXERCISE.checks, filled, strict=True)]


def run(user: Any, *statuses: Status) -> CheckRun:
    check = progress.begin_check(progress.open_attempt(user, EXERCISE.key))
    assert check is not None
    assert progress.end_check(check, EXERCISE, verdicts(*statuses), {"imagen": {"id": "x"}})
    check.refresh_from_db()
    return check


def test_passing_every_check_completes_the_exercise(ana: Any) -> None:
    check = run(ana)
    assert check.passed
    completion = Completion.objects.get()
    assert (completion.user, completion.exercise, completion.points) == (ana, EXERCISE.key, EXERCISE.points)


def test_passing_twice_completes_once(ana: Any) -> None:
    run(ana)
    first = Completion.objects.get()
    assert run(ana).passed
    assert Completion.objects.get().completed == first.completed


@pytest.mark.parametrize("status", [Status.FAILED, Status.UNKNOWN])
def test_a_check_that_did_not_pass_completes_nothing(ana: Any, status: Status) -> None:
    check = run(ana, Status.PASSED, status)
    assert check.finished
    assert not check.passed
    assert not Completion.objects.exists()


def test_fewer_verdicts_than_checks_complete_nothing(ana: Any) -> None:
    check = progress.begin_check(progress.open_attempt(ana, EXERCISE.key))
    assert check is not None
    progress.end_check(check, EXERCISE, verdicts()[:1], {})
    check.refresh_from_db()
    assert not check.passed
    assert not Completion.objects.exists()


def test_failing_after_passing_keeps_the_completion(ana: Any) -> None:
    run(ana)
    run(ana, Status.FAILED)
    assert progress.progress_of(ana, COURSE).completed == {EXERCISE.key}


def test_a_result_says_what_the_student_reads(ana: Any) -> None:
    check = run(ana, Status.FAILED)
    assert check.results[0] == {
        "id": EXERCISE.checks[0].id,
        "title": EXERCISE.checks[0].titulo,
        "status": "failed",
        "expected": "esto",
        "observed": "aquello",
        "hint": "una pista",
        "credit": 0,
        "points": 0,
        "worth": 1,
    }
    assert check.evidence == {"imagen": {"id": "x"}}


def test_a_check_ends_once(ana: Any) -> None:
    """A worker was killed and its task came back: the second end changes nothing."""
    check = run(ana, Status.FAILED)
    assert not progress.end_check(check, EXERCISE, verdicts(), {})
    assert not progress.fail_check(check, "tarde")
    check.refresh_from_db()
    assert (check.passed, check.error) == (False, "")
    assert not Completion.objects.exists()


def test_a_check_that_could_not_be_carried_out_says_why(ana: Any) -> None:
    check = progress.begin_check(progress.open_attempt(ana, EXERCISE.key))
    assert check is not None
    assert progress.fail_check(check, "ñ" * 600)
    check.refresh_from_db()
    assert check.finished
    assert check.error == "ñ" * 500
    assert not progress.end_check(check, EXERCISE, verdicts(), {})
    assert not Completion.objects.exists()


def test_one_check_runs_per_attempt(ana: Any, bruno: Any) -> None:
    attempt = progress.open_attempt(ana, EXERCISE.key)
    running = progress.begin_check(attempt)
    assert running is not None
    assert progress.begin_check(attempt) is None
    assert progress.begin_check(progress.open_attempt(bruno, EXERCISE.key)) is not None
    progress.fail_check(running, "fin")
    assert progress.begin_check(attempt) is not None


def test_the_last_check_is_ones_own_and_of_the_exercise(ana: Any, bruno: Any) -> None:
    assert progress.last_check(ana, EXERCISE.key) is None
    run(ana, Status.FAILED)
    last = run(ana)
    run(bruno, Status.FAILED)
    assert progress.last_check(ana, EXERCISE.key) == last
    assert progress.last_check(ana, OTHER.key) is None


def test_a_new_attempt_ends_the_one_before(ana: Any, bruno: Any) -> None:
    others = progress.begin_attempt(bruno, EXERCISE.key)
    first = progress.begin_attempt(ana, EXERCISE.key)
    second = progress.begin_attempt(ana, EXERCISE.key)
    assert list(Attempt.objects.filter(ended=None).order_by("pk")) == [others, second]
    first.refresh_from_db()
    assert first.ended
    assert progress.open_attempt(ana, EXERCISE.key) == second


def test_an_ended_attempt_is_not_reopened(ana: Any) -> None:
    first = progress.open_attempt(ana, EXERCISE.key)
    progress.end_attempts(ana, EXERCISE.key)
    assert progress.open_attempt(ana, EXERCISE.key) != first


def test_progress_counts_exercises_of_the_course(ana: Any, bruno: Any) -> None:
    run(ana)
    Completion.objects.create(user=ana, exercise="otro-curso/x/y", points=9)
    found = progress.progress_of(ana, COURSE)
    assert (found.count, found.total) == (1, len(COURSE.exercises))
    assert found.percent == round(100 / len(COURSE.exercises))
    assert progress.progress_of(bruno, COURSE).count == 0


def test_everything_done_is_a_hundred(ana: Any) -> None:
    for key in COURSE.exercises:
        Completion.objects.create(user=ana, exercise=key, points=1)
    assert progress.progress_of(ana, COURSE).percent == 100


def test_somebody_anonymous_has_done_nothing() -> None:
    assert progress.progress_of(AnonymousUser(), COURSE) == progress.Progress(frozenset(), len(COURSE.exercises))


def test_a_course_without_exercises_is_at_zero(ana: Any) -> None:
    assert progress.progress_of(ana, replace(COURSE, exercises={})).percent == 0
