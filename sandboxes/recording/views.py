"""Recordings in the browser: a student's own, or a teacher's students'; the player, the file, and whether one is recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Any
from typing import cast as cast_type

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_GET, require_POST

from lessons import cohorts, progress
from lessons.accounts import person
from lessons.models import CheckRun
from lessons.sources import strings_in
from sandboxes.events import store
from sandboxes.graders.event_story import DONE
from sandboxes.models import EngineEvent, Recording, RecordingChoice
from sandboxes.recording import marks, tape
from sandboxes.recording.marks import CHECK, EVENT, Mark

PER_PAGE = 50
LINES = 2000
SHOWN = frozenset({"container", "image", "network", "volume", "service"})
_POLICY = cast_type("dict[str, list[str]]", settings.SECURE_CSP)
PLAYER_CSP = {**_POLICY, "script-src": [*_POLICY["script-src"], "'wasm-unsafe-eval'"]}
"""The player's terminal is WebAssembly: this page alone may compile it."""
NOTES = ("id", "tipo", "titulo", "requiere")


@require_GET
@login_required
def recordings(request: HttpRequest) -> HttpResponse:
    """One's own recordings, the newest first; a teacher's, their students' too, or those of `usuario`."""
    wanted = request.GET.get("usuario", "").strip()
    found = _visible(request).order_by("-started")
    if wanted:
        found = found.filter(sandbox__user__username=wanted)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("pagina"))
    context = {"page": page, "user_wanted": wanted, "teaches": request.user.is_staff, "days": settings.ENV.recordings_days}
    return render(request, "sandboxes/recordings.html", {**context, **choice_context(request)})


@csp_override(PLAYER_CSP)
@require_GET
@login_required
def replay(request: HttpRequest, recording_id: int) -> HttpResponse:
    """The player, its marks beside it; `marca` says at which to begin."""
    recording = _find(request, recording_id)
    wanted = request.GET.get("marca", "")
    context = {
        "recording": recording,
        "marks": all_marks(recording),
        "start": wanted if wanted.isascii() and wanted.isdigit() else "",
        "mine": recording.sandbox.user_id == request.user.pk,
    }
    return render(request, "sandboxes/replay.html", context)


@require_GET
@login_required
def cast(request: HttpRequest, recording_id: int) -> StreamingHttpResponse:
    """The recording's file with its marks."""
    recording = _find(request, recording_id)
    lines = marks.merged(tape.path_of(recording), all_marks(recording))
    answer = StreamingHttpResponse(_in_lots(lines), content_type="application/x-asciicast")
    answer["Cache-Control"] = "private, no-store"
    return answer


async def _in_lots(lines: Iterator[str]) -> AsyncIterator[str]:
    """So many lines at a time, read beside the event loop: what nobody has asked for yet is not read."""

    def read() -> str:
        return "".join(islice(lines, LINES))

    while lot := await sync_to_async(read, thread_sensitive=False)():
        yield lot


@require_GET
@login_required
def cause(request: HttpRequest, check_id: int, item: str) -> HttpResponse:
    """To the command that a check failed for."""
    check = get_object_or_404(CheckRun.objects.select_related("attempt__user"), pk=check_id)
    mine = _visible(request).filter(sandbox__attempt=check.attempt, started__lte=check.requested)
    for recording in mine.order_by("-started"):
        found = all_marks(recording)
        at = (check.requested - recording.started).total_seconds()
        number = marks.cause(found, before=at, words=_words(check, item))
        if number is not None:
            return redirect(f"{reverse('replay', args=[recording.pk])}?marca={number}")
    return render(request, "sandboxes/no_recording.html", status=404)


@require_POST
@login_required
def choose(request: HttpRequest) -> HttpResponse:
    """Be recorded or not, from now on, where the class leaves it to the student."""
    if tape.policy_of(person(request).pk) != tape.OPTIONAL:
        raise Http404
    refused = request.POST.get("grabar") != "1"
    RecordingChoice.objects.update_or_create(user=person(request), defaults={"refused": refused})
    tape.apply(person(request).pk)
    if not getattr(request, "htmx", False):
        return redirect("recordings")
    return render(request, "sandboxes/recording.html", choice_context(request))


def choice_context(request: HttpRequest) -> dict[str, Any]:
    """What the page says of being recorded."""
    user = request.user.pk or 0
    return {"recorded": tape.is_recorded(user), "may_refuse": tape.policy_of(user) == tape.OPTIONAL}


def all_marks(recording: Recording) -> list[Mark]:
    """Every mark of a recording, in order."""
    try:
        found = marks.commands(tape.path_of(recording))
    except OSError as error:
        raise Http404 from error
    return sorted([*found, *_happened(recording), *_checked(recording)], key=lambda mark: mark.at)


def _happened(recording: Recording) -> list[Mark]:
    rows = EngineEvent.objects.filter(sandbox=recording.sandbox, at__gte=recording.started, kind__in=SHOWN, node=recording.node)
    if recording.ended:
        rows = rows.filter(at__lte=recording.ended)
    said = []
    for row in rows.order_by("at")[: marks.MARKS]:
        done = DONE.get(row.kind, {}).get(row.action)
        if done:
            name = row.attributes.get("name", row.actor)[:60]
            said.append(Mark((row.at - recording.started).total_seconds(), EVENT, f"{name}: {done}"))
    return said


def _checked(recording: Recording) -> list[Mark]:
    if recording.sandbox.attempt is None:
        return []
    exercise = progress.exercise_of(recording.sandbox.attempt)
    titles = {spec.id: spec.titulo for spec in exercise.checks} if exercise else {}
    until = {"at__lte": recording.ended} if recording.ended else {}
    noted = EngineEvent.objects.filter(sandbox=recording.sandbox, kind=store.CHECK, at__gte=recording.started, **until)
    found = [
        Mark((row.at - recording.started).total_seconds(), CHECK, titles.get(row.actor, row.actor), True)
        for row in noted.order_by("at")[: marks.MARKS]
    ]
    runs = CheckRun.objects.filter(attempt=recording.sandbox.attempt, requested__gte=recording.started, finished__isnull=False)
    for run in (runs.filter(requested__lte=recording.ended) if recording.ended else runs)[: marks.MARKS]:
        passed = sum(item["status"] == "passed" for item in run.results)
        text = _("Comprobar: %(passed)d de %(all)d") % {"passed": passed, "all": len(run.results)}
        found.append(Mark((run.requested - recording.started).total_seconds(), CHECK, text, run.passed))
    return found


def _visible(request: HttpRequest) -> QuerySet[Recording]:
    found = Recording.objects.select_related("sandbox__user", "sandbox__attempt__user")
    return found.filter(Q(sandbox__user=request.user.pk) | Q(sandbox__user__in=cohorts.students_of(request.user)))


def _find(request: HttpRequest, recording_id: int) -> Recording:
    return get_object_or_404(_visible(request), pk=recording_id)


def _words(check: CheckRun, item: str) -> list[str]:
    """What of a check's own words may be in a command."""
    exercise = progress.exercise_of(check.attempt)
    spec = next((spec for spec in exercise.checks if spec.id == item), None) if exercise else None
    asked = spec.model_dump(exclude=set(NOTES), exclude_defaults=True) if spec else {}
    return [text for _where, text in strings_in(asked) if len(text) > 2]
