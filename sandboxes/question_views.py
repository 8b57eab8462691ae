"""Answering a question on an exercise's page: it is judged at once, but where that takes the engine."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lessons import progress
from lessons.accounts import person
from sandboxes import grading, views
from sandboxes.at_hand import attempt_of, find_exercise
from sandboxes.graders.quiz import QuizSpec
from sandboxes.questions import read_answer


@require_POST
@login_required
def answer(request: HttpRequest, course_slug: str, lesson_slug: str, exercise_slug: str, check_id: str) -> HttpResponse:
    """Keep and judge an answer; answers with the question, and with the result if that was the last one."""
    found = find_exercise(course_slug, lesson_slug, exercise_slug)
    attempt = attempt_of(request, found) or progress.open_attempt(person(request), found.key)
    bound = progress.bind(found, request.user, attempt)
    spec = next((spec for spec in bound.checks if spec.id == check_id and isinstance(spec, QuizSpec)), None)
    if not isinstance(spec, QuizSpec):
        raise Http404
    said = ""
    given = read_answer(spec, request.POST)
    if given is None:
        said = _("Pon cada opción en un puesto distinto.") if spec.clase == "orden" else _("Elige o escribe una respuesta.")
    else:
        progress.save_answer(attempt, check_id, given)
    asks_only = grading.only_asks(bound)
    if given and asks_only and len(progress.answers_of(attempt)) == len(bound.checks):
        grading.check_answers(attempt)
    if not getattr(request, "htmx", False):
        return redirect(reverse("exercise", args=bound.key.split("/")) + f"#pregunta-{check_id}")
    context = views.questions_context(request, bound)
    question = next(question for question in context["questions"] if question.id == check_id)
    context |= {"exercise": bound, "question": question, "question_said": said}
    if asks_only:
        context |= {**views.result_context(request, bound), "with_result": True}
    return render(request, "sandboxes/question.html", context)
