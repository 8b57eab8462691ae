"""The exercise's page, its lab panel and the buttons on it. The panel and the result are fragments (htmx)."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from lessons import catalog, progress
from lessons.accounts import person
from lessons.catalog import Exercise
from lessons.markdown import Place
from lessons.markdown import render as render_markdown
from lessons.models import CheckRun
from lessons.views import front_of, place_of
from sandboxes import checkpoints, expiry, grading, lifecycle, queue
from sandboxes.at_hand import attempt_of, bind, find_exercise, kept_of, live_of
from sandboxes.buttons import ACTIONS
from sandboxes.models import Recording, Sandbox, State
from sandboxes.preview import views as preview_views
from sandboxes.questions import questions
from sandboxes.recording.views import choice_context as recording_choice
from sandboxes.terminal import preferences
from sandboxes.visit_views import company_context

PRESS = 12
"""Characters by which one drawing of *Comprobar* is told from another: however often that is pressed, it is one check."""


def exercise(request: HttpRequest, course_slug: str, lesson_slug: str, exercise_slug: str) -> HttpResponse:
    """The whole page: text, panel, last result."""
    found = find_exercise(course_slug, lesson_slug, exercise_slug)
    lesson = catalog.course().lesson(lesson_slug)
    assert lesson is not None
    bound = bind(request, found)
    context = {"lesson": lesson, "onward": _onward(found), **_statement_context(bound)}
    if request.user.is_authenticated:
        context |= _panel_context(request, bound) | result_context(request, bound) | _hints_context(request, bound)
        context |= recording_choice(request)
        context |= questions_context(request, bound)
        context["terminal_preferences"] = json.dumps(preferences.read(request.user))
        context |= company_context(request, live_of(request, found))
        context["transfer_max"] = settings.ENV.transfer_max
        context["previews"] = {"available": preview_views.available(), "embeds": preview_views.embeds()}
    return render(request, "sandboxes/exercise.html", context)


def _onward(exercise: Exercise) -> dict[str, str]:
    """Where to go once it is done: the lesson's next exercise, else the next lesson, else the map."""
    course = catalog.course()
    lesson = course.lesson(exercise.lesson_slug)
    assert lesson is not None
    keys = [each.key for each in lesson.exercises]
    after = lesson.exercises[keys.index(exercise.key) + 1 :] if exercise.key in keys else lesson.exercises
    if after:
        return {"url": _url("exercise", after[0]), "title": after[0].title}
    later = next((each for each in course.lessons[lesson.number :] if each.written), None)
    if later:
        return {"url": reverse("lesson", args=[course.slug, later.slug]), "title": later.title}
    return {"url": reverse("course", args=[course.slug]), "title": course.title}


@require_GET
@login_required
def panel(request: HttpRequest, course_slug: str, lesson_slug: str, exercise_slug: str) -> HttpResponse:
    return _panel(request, find_exercise(course_slug, lesson_slug, exercise_slug))


@require_POST
@login_required
def act(request: HttpRequest, course_slug: str, lesson_slug: str, exercise_slug: str, action: str) -> HttpResponse:
    """One of the panel's buttons."""
    found = find_exercise(course_slug, lesson_slug, exercise_slug)
    perform = ACTIONS.get(action)
    if perform is None:
        raise Http404
    said = ""
    try:
        said = perform(request, found) or ""
    except lifecycle.Occupied as occupied:
        return _panel(request, found, occupied=occupied.sandbox)
    return _panel(request, found, said=said)


@require_POST
@login_required
def check(request: HttpRequest, course_slug: str, lesson_slug: str, exercise_slug: str) -> HttpResponse:
    """*Comprobar*: answers at once with «comprobando»; the page asks for the result until there is one."""
    found = find_exercise(course_slug, lesson_slug, exercise_slug)
    if not found.checks:
        raise Http404
    live, press = live_of(request, found), request.POST.get("press", "")
    press = press if press.isascii() and press.isalnum() and len(press) <= PRESS else ""
    if grading.only_asks(found):
        grading.check_answers(attempt_of(request, found) or progress.open_attempt(person(request), found.key), press)
        return _result(request, found)
    if live is None or live.state != State.READY:
        return _result(request, found, said=_("Para comprobar, el laboratorio tiene que estar en marcha."))
    grading.request_check(live, press)
    return _result(request, found)


@require_GET
@login_required
def result(request: HttpRequest, course_slug: str, lesson_slug: str, exercise_slug: str) -> HttpResponse:
    """What the last check run found; nothing (204) where the page has shown all of it: it says how many results it has."""
    exercise = find_exercise(course_slug, lesson_slug, exercise_slug)
    had = request.GET.get("tiene", "")
    if had.isascii() and had.isdigit() and progress.goes_on(person(request), exercise.key, found=int(had[:4])):
        return HttpResponse(status=204)
    return _result(request, exercise)


@require_POST
@login_required
def hint(request: HttpRequest, course_slug: str, lesson_slug: str, exercise_slug: str) -> HttpResponse:
    """The next hint: `number` says which, so that a second click does not take another."""
    found = bind(request, find_exercise(course_slug, lesson_slug, exercise_slug))
    number = request.POST.get("number", "")
    if number.isascii() and number.isdigit() and len(number) < 3:
        progress.take_hint(person(request), found, int(number))
    if not getattr(request, "htmx", False):
        return redirect(_url("exercise", found) + "#pistas")
    return render(request, "sandboxes/hints.html", {"exercise": found, **_hints_context(request, found)})


def questions_context(request: HttpRequest, bound: Exercise) -> dict[str, Any]:
    attempt = attempt_of(request, bound)
    seed = f"{request.user.pk}:{attempt.pk if attempt else 0}"
    return {"questions": questions(bound, progress.answers_of(attempt), seed=seed)}


def _panel(request: HttpRequest, exercise: Exercise, *, said: str = "", occupied: Sandbox | None = None) -> HttpResponse:
    if not getattr(request, "htmx", False) and request.method == "POST":
        return redirect(_url("exercise", exercise))
    context = {"exercise": exercise, "said": said, "occupied": occupied, **_panel_context(request, exercise)}
    if request.method == "POST" and (exercise.varies or grading.asks(exercise)):
        bound = bind(request, exercise)
        context |= {**_statement_context(bound), **questions_context(request, bound), "statement_changes": True}
    if occupied:
        context["occupied_exercise"] = catalog.exercise(occupied.exercise)
    return render(request, "sandboxes/panel.html", context)


def _result(request: HttpRequest, exercise: Exercise, *, said: str = "") -> HttpResponse:
    if not getattr(request, "htmx", False) and request.method == "POST":
        return redirect(_url("exercise", exercise))
    bound = bind(request, exercise)
    return render(request, "sandboxes/result.html", {"exercise": bound, "said": said, **result_context(request, bound)})


def _statement_context(bound: Exercise) -> dict[str, Any]:
    lesson = catalog.course().lesson(bound.lesson_slug)
    assert lesson is not None
    if bound is lesson.practice:
        return {"exercise": bound, "text": render_markdown(bound.text, place=place_of(lesson)), "front": front_of(lesson), "practice": True}
    place = Place(lesson.folder / "ejercicios" / bound.slug, _url("exercise", bound))
    return {"exercise": bound, "text": render_markdown(bound.text, place=place)}


def _hints_context(request: HttpRequest, bound: Exercise) -> dict[str, Any]:
    taken = progress.hints_taken(person(request), bound.key)
    return {
        "hints": [render_markdown(text) for text in bound.hints[:taken]],
        "next_hint": taken + 1 if taken < len(bound.hints) else None,
        "hint_url": _url("lab-hint", bound),
    }


def _panel_context(request: HttpRequest, exercise: Exercise) -> dict[str, Any]:
    live = live_of(request, exercise)
    sandbox = live or lifecycle.latest(request.user, exercise.key)
    kept = kept_of(request, exercise)
    context: dict[str, Any] = {
        "sandbox": sandbox,
        "state": sandbox.state if sandbox else "none",
        "kept": kept[0] if kept else None,
        "urls": {action: _url("lab-act", exercise, action) for action in ACTIONS},
        "panel_url": _url("lab-panel", exercise),
        "nodes": exercise.lab.nodos,
    }
    if live and live.state == State.READY:
        context["end"] = end = expiry.end_of(live)
        context["seconds_left"] = max(0, int(end.left.total_seconds()))
        context["no_internet"] = exercise.lab.internet and not settings.ENV.internet
        context["steps"] = [
            (kept.step, exercise.steps[kept.step - 1].titulo) for kept in checkpoints.offered(live) if kept.step <= len(exercise.steps)
        ]
        context["nodes"] = [machine.node for machine in live.machines.all()]
    if live and live.state == State.REQUESTED:
        context["place"] = queue.place(live)
        context["ahead"] = context["place"] - 1
        context["full"] = not queue.has_room()
    return context


def _seen(exercise: Exercise, check: CheckRun | None) -> list[dict[str, Any]]:
    """Every check and what is known of it: the run's results, as far as it has come."""
    results = check.results if check and not check.error else []
    known = {item["id"] for item in results}
    waiting = [
        {"id": spec.id, "title": spec.titulo, "worth": spec.puntos, "status": ""} for spec in exercise.checks if spec.id not in known
    ]
    return [*results, *(waiting if not (check and check.finished and results) else [])]


def result_context(request: HttpRequest, exercise: Exercise) -> dict[str, Any]:
    found = progress.last_check(person(request), exercise.key)
    return {
        "onward": _onward(exercise),
        "check": found,
        # The end is told by the page's websocket: to ask is for what there is before it, and for who has none.
        "pause": max(400, 150 * progress.under_way()) if found and not found.finished else 0,
        "seen": _seen(exercise, found),
        "questions_asked": {spec.id for spec in exercise.checks if spec.tipo == "quiz"},  # no command is the cause of an answer
        "show_cause": found is not None and Recording.objects.filter(sandbox__attempt=found.attempt_id).exists(),
        "check_url": _url("lab-check", exercise),
        "check_press": get_random_string(PRESS),
        "result_url": _url("lab-result", exercise),
    }


def _url(name: str, exercise: Exercise, *more: str) -> str:
    return reverse(name, args=[*exercise.key.split("/"), *more])
