"""Pages of who is in another's laboratory: the visitor's, the owner's notice of them, invitations, and who was where and when."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from lessons import catalog, cohorts
from lessons.accounts import person
from sandboxes import visits
from sandboxes.models import Sandbox, State, Visit
from sandboxes.terminal import preferences

PER_PAGE = 50


@require_GET
@login_required
def history(request: HttpRequest) -> HttpResponse:
    """Who has been in one's laboratories, and where one has been; a teacher's students' too."""
    page = Paginator(visits.history(person(request)), PER_PAGE).get_page(request.GET.get("pagina"))
    return render(request, "sandboxes/visits.html", {"page": page})


# The owner


@require_GET
@login_required
def company(request: HttpRequest, sandbox: UUID) -> HttpResponse:
    """The owner's notice of who is in their laboratory."""
    return _company(request, _own(request, sandbox))


@require_POST
@login_required
def answer(request: HttpRequest, visit_id: int, verb: str) -> HttpResponse:
    """The owner's word: yes, no, or enough."""
    visit = get_object_or_404(Visit.objects.select_related("sandbox"), pk=visit_id, sandbox__user=request.user.pk)
    if verb == "dejar":
        visits.dismiss(visit.pk, person(request))
    elif verb in ("aceptar", "rechazar"):
        visits.answer(visit.pk, person(request), yes=verb == "aceptar")
    else:
        raise Http404
    return _company(request, visit.sandbox)


@require_POST
@login_required
def invite(request: HttpRequest, sandbox: UUID) -> HttpResponse:
    found = _own(request, sandbox)
    if visits.invite(found) is None:
        raise PermissionDenied
    return _company(request, found)


def company_context(request: HttpRequest, sandbox: Sandbox | None) -> dict[str, Any]:
    """Who is in a laboratory, as its owner's page shows it."""
    if sandbox is None or sandbox.state != State.READY:
        return {"company_of": None}
    there = visits.of_sandbox(sandbox)
    invited = next((visit for visit in there if visit.invited and visit.visitor_id is None), None)
    return {
        "company_of": sandbox,
        "asking": [visit for visit in there if visit.visitor_id and visit.accepted is None],
        "guests": _by_person(there),
        "invitation": request.build_absolute_uri(reverse("take-invitation", args=[invited.code])) if invited else "",
        "invitation_visit": invited,
        "may_invite": visits.may_be_shared(sandbox) and not any(visit.invited for visit in there),
    }


def _by_person(there: list[Visit]) -> list[Visit]:
    """One visit of each who is there, the one in which they may do most."""
    best: dict[int, Visit] = {}
    for visit in there:
        if visit.visitor_id and visit.accepted and (visit.visitor_id not in best or visit.mode == visits.TYPE):
            best[visit.visitor_id] = visit
    return list(best.values())


def _company(request: HttpRequest, sandbox: Sandbox) -> HttpResponse:
    if request.method == "POST" and not getattr(request, "htmx", False):
        return redirect(reverse("exercise", args=sandbox.exercise.split("/")))
    return render(request, "sandboxes/company.html", company_context(request, sandbox))


def _own(request: HttpRequest, sandbox: UUID) -> Sandbox:
    return get_object_or_404(Sandbox, pk=sandbox, user=request.user.pk)


# The visitor


@require_GET
@login_required
def visit(request: HttpRequest, sandbox: UUID) -> HttpResponse:
    """The owner's terminals, to look at or to type in."""
    found = get_object_or_404(Sandbox.objects.select_related("user"), pk=sandbox)
    context = _visit_context(request, found)
    if not context["mode"]:
        return render(request, "sandboxes/visit_over.html", {**context, **_way_back(request)}, status=404)
    exercise = catalog.exercise(found.exercise)
    layout = preferences.layout_of(found.user_id, found.pk)
    context |= {
        "exercise": exercise,
        "exercise_url": reverse("exercise", args=found.exercise.split("/")) if exercise else "",
        "nodes": [machine.node for machine in found.machines.all()],
        "layout": json.dumps(layout),
        "terminal_preferences": json.dumps(preferences.read(request.user)),
    }
    return render(request, "sandboxes/visit.html", context)


@require_GET
@login_required
def visit_state(request: HttpRequest, sandbox: UUID) -> HttpResponse:
    return _state(request, sandbox)


def _state(request: HttpRequest, sandbox: UUID) -> HttpResponse:
    """What a visitor's page shows of the visit, also once it is over. Who never came is told nothing, not even whose it is."""
    came = Sandbox.objects.filter(visits__visitor=request.user.pk).select_related("user").distinct()
    return render(request, "sandboxes/visit_state.html", _visit_context(request, get_object_or_404(came, pk=sandbox)))


@require_POST
@login_required
def act(request: HttpRequest, sandbox: UUID, verb: str) -> HttpResponse:
    """One of the visitor's buttons: watch, ask to type, leave."""
    found = get_object_or_404(Sandbox.objects.select_related("user"), pk=sandbox)
    if verb == "mirar":
        if not visits.watch(person(request), found):
            return render(request, "sandboxes/visit_over.html", {"sandbox": found, **_way_back(request)}, status=403)
    elif verb == "escribir":
        visits.ask(person(request), found)
    elif verb == "dejar":
        visits.leave(person(request).pk, found.pk)
        return redirect(_way_back(request)["back"])
    else:
        raise Http404
    return _state(request, sandbox) if getattr(request, "htmx", False) else redirect("visit", found.pk)


@require_http_methods(["GET", "POST"])
@login_required
def take_invitation(request: HttpRequest, code: str) -> HttpResponse:
    """A classmate comes by the link that the owner gave: asked first, for it is used up once taken."""
    invited = visits.invitation(code)
    if invited is None:
        return render(request, "sandboxes/visit_over.html", {"invitation_over": True, **_way_back(request)}, status=404)
    if invited.sandbox.user_id == request.user.pk:
        return redirect(reverse("exercise", args=invited.sandbox.exercise.split("/")))
    if request.method == "POST" and visits.take(invited, person(request)):
        return redirect("visit", invited.sandbox_id)
    context = {"sandbox": invited.sandbox, "exercise": catalog.exercise(invited.sandbox.exercise)}
    return render(request, "sandboxes/invitation.html", context)


def _visit_context(request: HttpRequest, sandbox: Sandbox) -> dict[str, Any]:
    mine = Visit.objects.filter(sandbox=sandbox, visitor=request.user.pk)
    asked = mine.filter(mode=visits.TYPE, code="").order_by("-pk").first()
    return {
        "sandbox": sandbox,
        "owner": sandbox.user.username,
        "mode": visits.mode_of(person(request).pk, sandbox.pk),
        "waits": bool(asked and asked.ended is None and asked.accepted is None),
        "refused": bool(asked and asked.outcome == Visit.Outcome.REFUSED),
        "invited": mine.filter(ended=None).exclude(code="").exists(),
    }


def _way_back(request: HttpRequest) -> dict[str, str]:
    """Where a visitor goes afterwards: a teacher to their classes, a classmate to the course."""
    if cohorts.given_by(request.user).exists():
        return {"back": reverse("cohorts"), "back_title": _("Tus clases")}
    return {"back": reverse("course", args=[catalog.course().slug]), "back_title": _("El curso")}
