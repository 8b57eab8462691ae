"""Where somebody is on their way through the course: what is done, what comes next, what failed, how long is left.

Reads what progress.py wrote and decides nothing. A page asks once: three queries, whatever the course's size.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core import signing
from django.utils import timezone

from lessons.catalog import Course, Exercise, Lesson
from lessons.models import CheckRun, Completion

RECENT = 400
"""Check runs that are looked at: for streaks and for what failed, older ones say nothing new."""
SALT = "lessons.journey.diploma"


@dataclass(frozen=True)
class Stop:
    """A lesson on the way."""

    lesson: Lesson
    completed: frozenset[str]
    """Keys of its exercises that are done."""
    earned: int

    @property
    def finished(self) -> bool:
        return bool(self.lesson.exercises) and len(self.completed) == len(self.lesson.exercises)

    @property
    def begun(self) -> bool:
        return bool(self.completed) and not self.finished

    @property
    def minutes_left(self) -> int:
        """Of its reading nothing is known, so it counts until an exercise is done."""
        doing = sum(exercise.minutes for exercise in self.lesson.exercises if exercise.key not in self.completed)
        return doing if self.completed else doing + self.lesson.front.minutos


@dataclass(frozen=True)
class Failed:
    """An exercise whose last check did not pass."""

    exercise: Exercise
    lesson: Lesson
    when: datetime
    missing: tuple[dict[str, Any], ...]
    """The results that failed, as the check run keeps them."""


@dataclass(frozen=True)
class Journey:
    """All that the course's map and the progress page show."""

    stops: tuple[Stop, ...]
    next: Exercise | None
    """Where to go on; None when all is done, or there is nothing to do."""
    resumed: bool
    """Whether `next` was begun already."""
    failed: tuple[Failed, ...]
    streak: int
    """Days in a row, up to today or yesterday, with a step done."""
    done: tuple[tuple[Exercise, Completion], ...]
    """The last first."""

    @property
    def count(self) -> int:
        return len(self.done)

    @property
    def total(self) -> int:
        return sum(len(stop.lesson.exercises) for stop in self.stops)

    @property
    def percent(self) -> int:
        return round(100 * self.count / self.total) if self.total else 0

    @property
    def earned(self) -> int:
        return sum(stop.earned for stop in self.stops)

    @property
    def points(self) -> int:
        return sum(stop.lesson.points for stop in self.stops)

    @property
    def minutes_left(self) -> int:
        return sum(stop.minutes_left for stop in self.stops if not stop.finished)

    @property
    def complete(self) -> bool:
        return bool(self.total) and self.count == self.total

    @property
    def finished_on(self) -> datetime | None:
        """When the last of the exercises was done, if all are."""
        return self.done[0][1].completed if self.complete else None


def journey_of(user: Any, course: Course) -> Journey:
    """The journey of somebody, who may be nobody yet."""
    done: list[Completion] = []
    runs: list[CheckRun] = []
    if user.is_authenticated:
        done = list(Completion.objects.filter(user=user, exercise__in=course.exercises).order_by("-completed", "-pk"))
        seen = CheckRun.objects.filter(attempt__user=user, finished__isnull=False).select_related("attempt")
        runs = list(seen.defer("evidence", "notes").order_by("-finished", "-pk")[:RECENT])
    earned = {completion.exercise: completion.points for completion in done}
    stops = tuple(_stop(lesson, earned) for lesson in course.lessons)
    onward, resumed = _next(course, earned, runs)
    return Journey(
        stops=stops,
        next=onward,
        resumed=resumed,
        failed=tuple(_failed(course, earned, runs)),
        streak=streak([timezone.localtime(run.finished).date() for run in runs if run.finished and _did(run)], today=timezone.localdate()),
        done=tuple((course.exercises[completion.exercise], completion) for completion in done),
    )


def _did(run: CheckRun) -> bool:
    return run.passed or any(item.get("status") == "passed" for item in run.results)


def _stop(lesson: Lesson, earned: dict[str, int]) -> Stop:
    keys = frozenset(exercise.key for exercise in lesson.exercises if exercise.key in earned)
    return Stop(lesson, keys, sum(earned[key] for key in keys))


def _next(course: Course, earned: dict[str, int], runs: Iterable[CheckRun]) -> tuple[Exercise | None, bool]:
    """What was last worked at and isn't done; else the first that isn't done after the last that is; else the first."""
    last = next((run.attempt.exercise for run in runs if run.attempt.exercise in course.exercises), None)
    if last and last not in earned:
        return course.exercises[last], True
    keys = list(course.exercises)
    after = keys.index(last) + 1 if last else 0
    onward = next((key for key in [*keys[after:], *keys[:after]] if key not in earned), None)
    return (course.exercises[onward] if onward else None), False


def _failed(course: Course, earned: dict[str, int], runs: Iterable[CheckRun]) -> Iterable[Failed]:
    looked_at = set(earned)
    for run in runs:
        key = run.attempt.exercise
        if key in looked_at or key not in course.exercises or run.error:
            continue
        looked_at.add(key)
        exercise = course.exercises[key]
        lesson = course.lesson(exercise.lesson_slug)
        missing = tuple(item for item in run.results if item.get("status") == "failed")
        if lesson and missing and run.finished:
            yield Failed(exercise, lesson, run.finished, missing)


def streak(days: Iterable[date], *, today: date) -> int:
    """Days in a row among `days`, up to today; a day that has not ended yet breaks nothing."""
    known = set(days)
    day = today if today in known else today - timedelta(days=1)
    count = 0
    while day in known:
        count, day = count + 1, day - timedelta(days=1)
    return count


def diploma_code(user: Any, course: Course) -> str:
    """What anybody can look a diploma up by; it tells nothing but whose it is, and can't be made up."""
    return signing.dumps([user.pk, course.slug], salt=SALT)


def diploma_owner(code: str, course: Course) -> int | None:
    """Whose diploma a code is; None if it is nobody's."""
    try:
        owner, slug = signing.loads(code, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return owner if slug == course.slug and isinstance(owner, int) else None
