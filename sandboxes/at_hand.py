"""What a request is about: the exercise, the person, their sandbox of it and their attempt. Changes nothing."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from django.utils import timezone

from lessons import catalog, progress
from lessons.catalog import Exercise
from lessons.models import Attempt
from sandboxes import lifecycle
from sandboxes.models import ENDED, Sandbox


def find_exercise(course_slug: str, lesson_slug: str, exercise_slug: str) -> Exercise:
    found = catalog.exercise(f"{course_slug}/{lesson_slug}/{exercise_slug}")
    if found is None:
        raise Http404
    return found


def attempt_of(request: HttpRequest, exercise: Exercise) -> Attempt | None:
    """The attempt at hand: the live sandbox's, the kept one's, or one that is open without a machine."""
    sandbox = live_of(request, exercise) or next(iter(kept_of(request, exercise)), None)
    return (sandbox.attempt if sandbox else None) or progress.current_attempt(request.user, exercise.key)


def bind(request: HttpRequest, exercise: Exercise) -> Exercise:
    """The exercise with the values of the attempt at hand, or of the next one."""
    return progress.bind(exercise, request.user, attempt_of(request, exercise) if request.user.is_authenticated else None)


def live_of(request: HttpRequest, exercise: Exercise) -> Sandbox | None:
    """The user's sandbox of the exercise that is on its way or running."""
    live = lifecycle.current(request.user)
    return live if live and live.exercise == exercise.key else None


def kept_of(request: HttpRequest, exercise: Exercise) -> list[Sandbox]:
    """The user's resumable sandboxes of the exercise, the last one first."""
    return list(
        Sandbox.objects.filter(
            user=request.user.pk,
            exercise=exercise.key,
            kept_until__gt=timezone.now(),
            state__in=ENDED,
        ).order_by("-changed")
    )
