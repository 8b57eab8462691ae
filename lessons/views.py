"""The pages of the course: its index and its lessons."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString

from lessons import catalog
from lessons.glossary import Term
from lessons.markdown import Place, render_line, render_text
from lessons.markdown import render as render_markdown


def home(_request: HttpRequest) -> HttpResponse:
    """Straight to the one course there is."""
    return redirect(reverse("course", args=[catalog.course().slug]))


def course(request: HttpRequest, course_slug: str) -> HttpResponse:
    _find(course_slug)
    return render(request, "lessons/course.html")


def lesson(request: HttpRequest, course_slug: str, lesson_slug: str) -> HttpResponse:
    found = _find(course_slug).lesson(lesson_slug)
    if found is None:
        raise Http404
    position = found.number - 1
    lessons = catalog.course().lessons
    return render(
        request,
        "lessons/lesson.html",
        {
            "lesson": found,
            "text": render_text(found.text, place=place_of(found)),
            "front": front_of(found),
            "previous": lessons[position - 1] if position else None,
            "next": lessons[position + 1] if position + 1 < len(lessons) else None,
        },
    )


def place_of(lesson: catalog.Lesson) -> Place:
    """Where a lesson's figures are."""
    return Place(lesson.folder, reverse("lesson", args=[catalog.course().slug, lesson.slug]))


def front_of(lesson: catalog.Lesson) -> dict[str, Any]:
    """What stands above and below a lesson's text, rendered."""
    return {
        "aims": [render_line(text) for text in lesson.front.objetivos],
        "before": [render_line(text) for text in lesson.front.antes],
        "readings": lesson.front.lecturas,
        "review": [(render_line(each.pregunta), render_markdown(each.respuesta)) for each in lesson.front.repaso],
    }


def glossary(request: HttpRequest) -> HttpResponse:
    """Every term, by letter."""
    letters: dict[str, list[tuple[Term, SafeString]]] = {}
    for term in catalog.course().glossary.terms:
        letters.setdefault(term.slug[0].upper(), []).append((term, render_line(term.definition)))
    return render(request, "lessons/glossary.html", {"letters": letters.items()})


def _find(slug: str) -> catalog.Course:
    current = catalog.course()
    if slug != current.slug:
        raise Http404
    return current
