"""The pages of the course: its map, lessons, glossary and search, and how far one has come."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from lessons import boxes, catalog, facts, journey
from lessons import search as finder
from lessons.glossary import Term
from lessons.markdown import Place, render_line, render_text
from lessons.markdown import render as render_markdown
from lessons.pages import pages_of
from lessons.values import USER, fill


def home(_request: HttpRequest) -> HttpResponse:
    """Straight to the one course there is."""
    return redirect(reverse("course", args=[catalog.course().slug]))


def course(request: HttpRequest, course_slug: str) -> HttpResponse:
    """The map of the course, with how far the reader has come."""
    return render(request, "lessons/course.html", _standing(request.user, _find(course_slug)))


@login_required
def progress(request: HttpRequest) -> HttpResponse:
    """What one has done, what to go over, what is left."""
    return render(request, "lessons/progress.html", _standing(request.user, catalog.course()))


def _standing(user: Any, current: catalog.Course) -> dict[str, Any]:
    found = journey.journey_of(user, current)
    return {"journey": found, "diploma_code": journey.diploma_code(user, current) if found.complete else ""}


def diploma(request: HttpRequest, code: str) -> HttpResponse:
    """Somebody's diploma, for whoever has its address; while all is not done there is none."""
    current = catalog.course()
    whose = journey.diploma_owner(code, current)
    owner = User.objects.filter(pk=whose, is_active=True).first() if whose is not None else None
    found = journey.journey_of(owner, current) if owner else None
    if owner is None or found is None or not found.complete:
        raise Http404
    address = request.build_absolute_uri(request.path)
    return render(request, "lessons/diploma.html", {"owner": owner, "journey": found, "address": address})


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """What of the course holds the words that are asked."""
    asked = request.GET.get("q", "").strip()[: finder.LONGEST]
    results = finder.index().find(asked) if asked else []
    return render(request, "lessons/search.html", {"asked": asked, "results": results})


def lesson(request: HttpRequest, course_slug: str, lesson_slug: str) -> HttpResponse:
    found = _find(course_slug).lesson(lesson_slug)
    if found is None:
        raise Http404
    position = found.number - 1
    lessons = catalog.course().lessons
    pages = pages_of(fill(found.text, {USER: request.user.get_username() or USER}))
    asked = re.fullmatch(r"[1-9]\d?", request.GET.get("pagina", ""), re.ASCII)
    number = min(int(asked[0]), len(pages)) if asked else 1
    return render(
        request,
        "lessons/lesson.html",
        {
            "lesson": found,
            "text": render_text(pages[number - 1].text, place=place_of(found)),
            "pages": [page.title for page in pages] if len(pages) > 1 else [],
            "page": number,
            "last_page": number == len(pages),
            "front": front_of(found),
            "practice_url": practice_url(found),
            "previous": lessons[position - 1] if position else None,
            "next": lessons[position + 1] if position + 1 < len(lessons) else None,
        },
    )


def place_of(lesson: catalog.Lesson) -> Place:
    """Where a lesson's figures are."""
    return Place(lesson.folder, reverse("lesson", args=[catalog.course().slug, lesson.slug]))


def practice_url(lesson: catalog.Lesson) -> str:
    """The lesson with a lab of its own beside it; empty if it has no text."""
    return reverse("exercise", args=lesson.practice.key.split("/")) if lesson.practice else ""


def front_of(lesson: catalog.Lesson) -> dict[str, Any]:
    """What stands above and below a lesson's text, rendered."""
    return {
        "aims": [render_line(text) for text in lesson.front.objetivos],
        "before": [render_line(text) for text in lesson.front.antes],
        "readings": lesson.front.lecturas,
        "review": [(render_line(each.pregunta), render_markdown(each.respuesta)) for each in lesson.front.repaso],
    }


def differences(request: HttpRequest) -> HttpResponse:
    """All that the lessons tell of how a reader's own machine differs from the lab's."""
    known = facts.current()
    found = [(lesson, boxes.of_machines(boxes.where_true(lesson.text, known))) for lesson in catalog.course().lessons]
    told = [(lesson, [render_markdown(box, place=place_of(lesson)) for box in boxes_of]) for lesson, boxes_of in found if boxes_of]
    return render(request, "lessons/differences.html", {"told": told})


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
