"""The pages of the course: its index and its lessons."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from lessons import catalog
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
            "text": render_markdown(found.text),
            "previous": lessons[position - 1] if position else None,
            "next": lessons[position + 1] if position + 1 < len(lessons) else None,
        },
    )


def _find(slug: str) -> catalog.Course:
    current = catalog.course()
    if slug != current.slug:
        raise Http404
    return current
