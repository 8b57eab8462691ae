"""For teachers: their students' attempts, and of each check run what the graders saw and said, then and today."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from lessons import catalog, cohorts, progress
from lessons.models import Attempt, CheckRun, HintTaken
from sandboxes import fingerprint
from sandboxes.grading import rejudge

PER_PAGE = 50


@require_GET
@login_required
def attempts(request: HttpRequest) -> HttpResponse:
    """The last attempts, of all one's students or of `usuario`, of every exercise or of `ejercicio`."""
    _for_staff(request)
    found = _theirs(request).select_related("user").prefetch_related("checks").order_by("-started")
    user, exercise = request.GET.get("usuario", "").strip(), request.GET.get("ejercicio", "").strip()
    if user:
        found = found.filter(user__username=user)
    if exercise:
        found = found.filter(exercise=exercise)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("pagina"))
    context = {"page": page, "user_wanted": user, "exercise_wanted": exercise, "exercises": catalog.course().exercises.values()}
    return render(request, "sandboxes/attempts.html", context)


@require_GET
@login_required
def evidence(request: HttpRequest, check_id: int) -> HttpResponse:
    """One check run: each verdict beside its evidence, and what it would be today where that differs."""
    _for_staff(request)
    check = get_object_or_404(CheckRun.objects.select_related("attempt__user").filter(attempt__in=_theirs(request)), pk=check_id)
    exercise = progress.exercise_of(check.attempt)
    today = dict(rejudge(check)) if exercise else {}
    content, graders = fingerprint.of_run(check.attempt.exercise)
    rows = [_row(check, item, today) for item in check.results]
    context = {
        "check": check,
        "attempt": check.attempt,
        "exercise": exercise,
        "rows": rows,
        "content_changed": bool(check.content and check.content != content),
        "graders_changed": bool(check.graders and check.graders != graders),
        "hints": HintTaken.objects.filter(user=check.attempt.user, exercise=check.attempt.exercise).count(),
    }
    return render(request, "sandboxes/evidence.html", context)


def _row(check: CheckRun, item: dict[str, Any], today: dict[str, Any]) -> dict[str, Any]:
    seen = check.evidence.get(item["id"])
    now = today.get(item["id"])
    return {
        **item,
        "seen": json.dumps(seen, ensure_ascii=False, indent=2) if seen is not None else "",
        "today": now if now and seen is not None and now.status != item["status"] else None,
    }


def _theirs(request: HttpRequest) -> QuerySet[Attempt]:
    """The attempts of a teacher's students, and their own."""
    return Attempt.objects.filter(Q(user__in=cohorts.students_of(request.user)) | Q(user=request.user.pk))


def _for_staff(request: HttpRequest) -> None:
    if not request.user.is_staff:
        raise PermissionDenied
