"""Classes in the browser: those one gives, with what each student is doing now, and those one studies in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from lessons import catalog, cohorts
from lessons.accounts import person
from lessons.models import CheckRun, Cohort, Completion, Membership
from sandboxes import activity
from sandboxes.models import LIVE, Sandbox, State
from sandboxes.recording import tape

NAME_MAX = 80


@dataclass(frozen=True)
class Row:
    """One student, as their teacher sees them."""

    student: User
    sandbox: Sandbox | None
    """The one that lives."""
    doing: str
    """The title of the exercise it is of."""
    seen: datetime | None
    """Their last sign of life: in the laboratory, or else since they logged in."""
    done: int
    check: CheckRun | None
    """The last to end."""
    check_title: str

    @property
    def watchable(self) -> bool:
        return self.sandbox is not None and self.sandbox.state == State.READY


@require_http_methods(["GET", "POST"])
@login_required
def cohorts_page(request: HttpRequest) -> HttpResponse:
    """The classes one gives and those one studies in; making one, and joining one by its code."""
    if request.method == "POST":
        return _create(request) if "nombre" in request.POST else _look_for(request)
    context = {
        "given": cohorts.given_by(request.user).annotate(students=Count("memberships")).order_by("name"),
        "taken": cohorts.taken_by(request.user).order_by("name"),
        "teaches": request.user.is_staff,
    }
    return render(request, "sandboxes/cohorts.html", context)


def _create(request: HttpRequest) -> HttpResponse:
    name = request.POST["nombre"].strip()[:NAME_MAX]
    if not request.user.is_staff or not name:
        raise PermissionDenied
    return redirect(cohorts.create(person(request), name))


def _look_for(request: HttpRequest) -> HttpResponse:
    found = cohorts.find(request.POST.get("codigo", ""))
    if found is None:
        messages.error(request, _("No hay ninguna clase con ese código. Míralo otra vez, o pídeselo a quien la da."))
        return redirect("cohorts")
    return redirect("join-cohort", found.code)


@require_http_methods(["GET", "POST"])
@login_required
def join(request: HttpRequest, code: str) -> HttpResponse:
    """Into a class, once one has read what that means."""
    found = cohorts.find(code)
    if found is None:
        raise Http404
    if request.method == "POST":
        if cohorts.join(found, person(request)):
            messages.success(request, _("Ya estás en «%(name)s».") % {"name": found.name})
            _apply_recording([person(request).pk])
        return redirect("cohorts")
    context = {"cohort": found, "teachers": cohorts.teachers_of(found), "recording": tape.policy_in(found)}
    return render(request, "sandboxes/join_cohort.html", context)


@require_POST
@login_required
def leave(request: HttpRequest, cohort_id: int) -> HttpResponse:
    """Out of a class that one studies in."""
    cohort = get_object_or_404(cohorts.taken_by(request.user), pk=cohort_id)
    cohorts.leave(cohort, person(request).pk)
    _apply_recording([person(request).pk])
    messages.success(request, _("Has dejado «%(name)s».") % {"name": cohort.name})
    return redirect("cohorts")


@require_GET
@login_required
def cohort(request: HttpRequest, cohort_id: int) -> HttpResponse:
    """A class, to who gives it; `tabla` is its table alone."""
    found = _given(request, cohort_id)
    context: dict[str, Any] = {"cohort": found, "rows": rows_of(found), "total": len(catalog.course().exercises)}
    if getattr(request, "htmx", False):
        return render(request, "sandboxes/cohort_rows.html", context)
    context |= {
        "teachers": cohorts.teachers_of(found),
        "policies": Cohort.Recording.choices,
        "join_url": request.build_absolute_uri(reverse("join-cohort", args=[found.code])),
    }
    return render(request, "sandboxes/cohort.html", context)


@require_POST
@login_required
def change(request: HttpRequest, cohort_id: int, verb: str) -> HttpResponse:
    """One of the buttons of a class's page."""
    found = _given(request, cohort_id)
    perform = CHANGES.get(verb)
    if perform is None:
        raise Http404
    perform(request, found)
    return redirect("cohorts") if verb == "borrar" else redirect(found)


def _add(request: HttpRequest, cohort: Cohort) -> None:
    """A student, or somebody else to give the class."""
    name = request.POST.get("usuario", "").strip().lower()
    user = User.objects.filter(username=name, is_active=True).first()
    role = cohorts.TEACHER if request.POST.get("papel") == "da" else cohorts.STUDENT
    if user is None:
        messages.error(request, _("No hay ninguna cuenta «%(name)s».") % {"name": name})
    elif role == cohorts.TEACHER and not user.is_staff:
        messages.error(request, _("«%(name)s» no es del profesorado: hace falta que quien administra el sitio lo diga.") % {"name": name})
    elif not cohorts.join(cohort, user, role=role):
        messages.error(request, _("«%(name)s» ya está en la clase.") % {"name": name})
    else:
        _apply_recording([user.pk])


def _remove(request: HttpRequest, cohort: Cohort) -> None:
    name = request.POST.get("usuario", "")
    place = Membership.objects.filter(cohort=cohort, user__username=name).first()
    if place is None or not cohorts.leave(cohort, place.user_id):
        messages.error(request, _("No se puede: a la clase le quedaría nadie que la dé, o ya no estaba."))
    else:
        _apply_recording([place.user_id])


def _new_code(_request: HttpRequest, cohort: Cohort) -> None:
    cohorts.renew_code(cohort)


def _settle(request: HttpRequest, cohort: Cohort) -> None:
    """Its name, and whether it is recorded."""
    name, recording = request.POST.get("nombre", "").strip()[:NAME_MAX], request.POST.get("grabacion", "")
    if recording not in Cohort.Recording.values:
        raise PermissionDenied
    Cohort.objects.filter(pk=cohort.pk).update(name=name or cohort.name, recording=recording)
    _apply_recording(list(cohort.memberships.values_list("user", flat=True)))


def _delete(_request: HttpRequest, cohort: Cohort) -> None:
    who = list(cohort.memberships.values_list("user", flat=True))
    cohort.delete()
    _apply_recording(who)


CHANGES: dict[str, Callable[[HttpRequest, Cohort], None]] = {
    "anadir": _add,
    "quitar": _remove,
    "codigo": _new_code,
    "ajustes": _settle,
    "borrar": _delete,
}


def _apply_recording(users: list[int]) -> None:
    """What their terminals are told that are open."""
    for user in users:
        tape.apply(user)


def _given(request: HttpRequest, cohort_id: int) -> Cohort:
    return get_object_or_404(cohorts.given_by(request.user), pk=cohort_id)


def rows_of(cohort: Cohort) -> list[Row]:
    """Its students by name; a fixed number of queries, however many they are."""
    last = CheckRun.objects.filter(attempt__user=OuterRef("pk"), finished__isnull=False).order_by("-finished").values("pk")[:1]
    members = User.objects.filter(memberships__cohort=cohort, memberships__role=cohorts.STUDENT)
    students = list(members.annotate(last_check=Subquery(last)).order_by("username"))
    live = {found.user_id: found for found in Sandbox.objects.filter(user__in=students, state__in=LIVE)}
    seen = activity.last_of(live.values())
    done = dict(
        Completion.objects.filter(user__in=students, exercise__in=catalog.course().exercises)
        .values_list("user")
        .annotate(count=Count("pk"))
    )
    checks = (
        CheckRun.objects.select_related("attempt")
        .defer("evidence", "notes", "results")
        .in_bulk([each.last_check for each in students if each.last_check])
    )
    return [_row(student, live.get(student.pk), seen, done.get(student.pk, 0), checks.get(student.last_check)) for student in students]


def _row(student: User, sandbox: Sandbox | None, seen: dict[Any, datetime], done: int, check: CheckRun | None) -> Row:
    return Row(
        student=student,
        sandbox=sandbox,
        doing=_title(sandbox.exercise) if sandbox else "",
        seen=seen.get(sandbox.pk) if sandbox else student.last_login,
        done=done,
        check=check,
        check_title=_title(check.attempt.exercise) if check else "",
    )


def _title(key: str) -> str:
    found = catalog.exercise(key)
    return found.title if found else key
