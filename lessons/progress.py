"""Every read and write of progress: attempts, check runs, completions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac

from lessons import catalog, values
from lessons.catalog import Course, Exercise
from lessons.kinds import Status, Verdict
from lessons.models import Attempt, CheckRun, Completion, HintTaken, QuizAnswer, Regrade


@dataclass(frozen=True)
class Progress:
    """How far somebody has come. `completed` holds exercise keys."""

    completed: frozenset[str]
    total: int

    @property
    def count(self) -> int:
        return len(self.completed)

    @property
    def percent(self) -> int:
        return round(100 * self.count / self.total) if self.total else 0


def progress_of(user: Any, course: Course) -> Progress:
    """What `user` (who may be anonymous) has completed of `course`."""
    keys: set[str] = set()
    if user.is_authenticated:
        keys = set(Completion.objects.filter(user=user).values_list("exercise", flat=True))
    return Progress(frozenset(keys & set(course.exercises)), len(course.exercises))


def begin_attempt(user: User, exercise: str) -> Attempt:
    """Open an attempt, with values of its own, ending the one that may be open."""
    end_attempts(user, exercise)
    found = catalog.exercise(exercise)
    return Attempt.objects.create(user=user, exercise=exercise, values=_next_values(user, found) if found else {})


def _next_values(user: User, exercise: Exercise) -> dict[str, str]:
    """What the user's next attempt draws: known before it begins, so that the page can show it."""
    if not exercise.values:
        return {}
    number = Attempt.objects.filter(user=user, exercise=exercise.key).count()
    return values.draw(exercise.values, _seed(f"{user.pk}:{exercise.key}:{number}"))


def _seed(what: str) -> str:
    return salted_hmac("lessons.progress.values", what, algorithm="sha256").hexdigest()


def bind(exercise: Exercise, user: Any, attempt: Attempt | None) -> Exercise:
    """The exercise as it is for an attempt, or for the user's next one; for who is nobody yet, an example of it."""
    if not user.is_authenticated:
        return exercise.bound({**values.draw(exercise.values, ""), values.USER: values.USER})
    drawn = _next_values(user, exercise)
    if attempt:
        # A value may have come to the exercise after the attempt began.
        drawn = {**values.draw(exercise.values, _seed(f"attempt {attempt.pk}")), **attempt.values}
    return exercise.bound({**drawn, values.USER: user.username})


def exercise_of(attempt: Attempt) -> Exercise | None:
    """The attempt's exercise with the attempt's values; None if it has left the course."""
    found = catalog.exercise(attempt.exercise)
    return bind(found, attempt.user, attempt) if found else None


def save_answer(attempt: Attempt, check_id: str, given: list[str]) -> QuizAnswer:
    """Keep what was answered to a question, in place of what was answered before."""
    answer, _new = QuizAnswer.objects.get_or_create(attempt=attempt, check_id=check_id)
    QuizAnswer.objects.filter(pk=answer.pk).update(given=given, tries=F("tries") + 1, changed=timezone.now())
    answer.refresh_from_db()
    return answer


def answers_of(attempt: Attempt | None) -> dict[str, QuizAnswer]:
    """What was answered within an attempt, by question."""
    return {answer.check_id: answer for answer in QuizAnswer.objects.filter(attempt=attempt)} if attempt else {}


def current_attempt(user: Any, exercise: str) -> Attempt | None:
    """The attempt that is open, if one is."""
    return Attempt.objects.filter(user=user, exercise=exercise, ended=None).order_by("-started").first()


def hints_taken(user: User, exercise: str) -> int:
    return HintTaken.objects.filter(user=user, exercise=exercise).count()


def take_hint(user: User, exercise: Exercise, number: int) -> int:
    """Give the user the hint of that number (from 1), if it is the next one; how many they have now."""
    taken = hints_taken(user, exercise.key)
    if number == taken + 1 and number <= len(exercise.hints):
        HintTaken.objects.get_or_create(user=user, exercise=exercise.key, number=number)
        return number
    return taken


def hint_cost(taken: int) -> int:
    """Points that so many hints cost: the first is free."""
    return max(0, taken - 1)


def end_attempts(user: User, exercise: str) -> None:
    Attempt.objects.filter(user=user, exercise=exercise, ended=None).update(ended=timezone.now())


def open_attempt(user: User, exercise: str) -> Attempt:
    """The open attempt, or a new one."""
    return current_attempt(user, exercise) or begin_attempt(user, exercise)


def begin_check(attempt: Attempt, press: str = "") -> CheckRun | None:
    """Claim the attempt's one running check; None if one is running, or this press of the button (if it has a name) had its own."""
    try:
        with transaction.atomic():
            return CheckRun.objects.create(attempt=attempt, press=press)
    except IntegrityError:
        return None


def goes_on(user: User, exercise: str, *, found: int) -> bool:
    """Whether a check run of the user's is under way and has found so many results, no more."""
    running = (
        CheckRun.objects.filter(attempt__user=user, attempt__exercise=exercise, finished=None).values_list("results", flat=True).first()
    )
    return running is not None and len(running) == found


def under_way() -> int:
    """How many check runs there are at this moment, of everybody's."""
    return CheckRun.objects.filter(finished=None).count()


def is_under_way(check: CheckRun) -> bool:
    return CheckRun.objects.filter(pk=check.pk, finished=None).exists()


def last_check(user: User, exercise: str) -> CheckRun | None:
    return CheckRun.objects.filter(attempt__user=user, attempt__exercise=exercise).order_by("-requested", "-id").first()


def report_check(check: CheckRun, exercise: Exercise, verdicts: Sequence[tuple[str, Verdict]]) -> None:
    """Show what a check run has found so far, while it goes on."""
    CheckRun.objects.filter(pk=check.pk, finished=None).update(results=describe(exercise, verdicts))


def describe(exercise: Exercise, verdicts: Sequence[tuple[str, Verdict]]) -> list[dict[str, Any]]:
    """Verdicts as a check run keeps them."""
    specs = {spec.id: spec for spec in exercise.checks}
    return [
        {"id": id_, "title": specs[id_].titulo, **asdict(verdict), "points": verdict.points(specs[id_]), "worth": specs[id_].puntos}
        for id_, verdict in verdicts
    ]


def end_check(
    check: CheckRun,
    exercise: Exercise,
    verdicts: Sequence[tuple[str, Verdict]],
    evidence: Mapping[str, Any],
    *,
    made_by: tuple[str, str] = ("", ""),
) -> bool:
    """Record what a check run found; False if it had ended already (a worker was killed and its task came back).

    `made_by`: what the exercise and its graders were (sandboxes/fingerprint.py)."""
    done = {id_ for id_, verdict in verdicts if verdict.status == Status.PASSED}
    passed = all(spec.id in done for spec in exercise.checks if not spec.extra)
    results = describe(exercise, verdicts)
    earned = sum(item["points"] for item in results)
    with transaction.atomic():
        ended = CheckRun.objects.filter(pk=check.pk, finished=None).update(
            finished=timezone.now(),
            passed=passed,
            points=earned,
            results=results,
            evidence=dict(evidence),
            content=made_by[0],
            graders=made_by[1],
        )
        if ended and passed:
            _complete(check.attempt.user, exercise.key, earned)
    return bool(ended)


def _complete(user: User, exercise: str, earned: float) -> bool:
    """Note that the user has passed the exercise, with these points less what the hints cost; whether it is news."""
    points = int(earned) and max(1, int(earned) - hint_cost(hints_taken(user, exercise)))
    completion, new = Completion.objects.get_or_create(user=user, exercise=exercise, defaults={"points": points})
    if not new:
        Completion.objects.filter(pk=completion.pk, points__lt=points).update(points=points)
    return new


def breaks_ground(check: CheckRun) -> bool:
    """Whether a run passed, as none of its attempt had, or with fewer points."""
    points = CheckRun.objects.filter(pk=check.pk, passed=True).values_list("points", flat=True).first()
    if points is None:
        return False
    return not CheckRun.objects.filter(attempt=check.attempt_id, passed=True, points__gte=points).exclude(pk=check.pk).exists()


def past_checks(exercise: str) -> QuerySet[CheckRun]:
    """The check runs of an exercise that came to an end, the oldest first."""
    ended = CheckRun.objects.filter(attempt__exercise=exercise, error="", finished__isnull=False)
    return ended.select_related("attempt__user").order_by("pk")


def apply_regrade(regrade: Regrade) -> Regrade:
    """Make the changes of a regrade and keep it. Who has a run that passes has the exercise; who has none left, has not."""
    with transaction.atomic():
        regrade.save()
        touched = set()
        for change in regrade.changes:
            CheckRun.objects.filter(pk=change["check"]).update(
                **change["after"], content=regrade.content, graders=regrade.graders, regrade=regrade
            )
            touched.add(change["user"])
        for user in User.objects.filter(username__in=touched):
            passing = past_checks(regrade.exercise).filter(attempt__user=user, passed=True).order_by("-points").first()
            if passing and _complete(user, regrade.exercise, passing.points):
                regrade.gained.append(user.username)
            elif not passing and Completion.objects.filter(user=user, exercise=regrade.exercise).delete()[0]:
                regrade.lost.append(user.username)
        regrade.save()
    return regrade


def fail_check(check: CheckRun, why: str) -> bool:
    """End a check run that could not be carried out; `why` is what the student reads."""
    return bool(CheckRun.objects.filter(pk=check.pk, finished=None).update(finished=timezone.now(), error=why[:500]))


def note_check(check: CheckRun, notes: Sequence[str]) -> None:
    """Leave notes for the teacher on a check run."""
    CheckRun.objects.filter(pk=check.pk).update(notes=list(notes))
