"""Grades an exercise: press of a button → Celery → observe the student's engine → judge → progress.

    request_check   claims the attempt's one running check (views)
    run_check       looks and judges (worker)
    resume_checks   carries on with what a killed worker left (as soon as there is a worker again)
    end_lost_checks ends what nobody carried on with (reaper's sweep)

A check run ends once, whoever ends it. What could not be observed is said, never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import ValidationError

from lessons import catalog, kinds, progress
from lessons.kinds import Status, Verdict
from lessons.models import Attempt, CheckRun, QuizAnswer
from sandboxes import activity, checkpoints, elsewhere, fingerprint, mirror, programs, tasks
from sandboxes.engine import lab_engine
from sandboxes.engine.nodes import Nodes
from sandboxes.engine.student import CannotObserve
from sandboxes.events import feed, store
from sandboxes.models import Sandbox, State
from sandboxes.turns import turn

log = structlog.get_logger()

EVIDENCE_LIMIT = 256 << 10
"""Characters of JSON that one check may keep."""
KEPT = 200
"""Characters that one check may keep for later ones."""


SIDE_BY_SIDE = 6
"""Checks of one run that are looked at at once."""

SOON = 0.2
"""Seconds for which nobody is told that a check is waited for: most runs are over by then, and telling is a write."""

Verdicts = list[tuple[str, Verdict]]


def request_check(sandbox: Sandbox, press: str = "") -> CheckRun | None:
    """Ask for the sandbox to be checked; None if it can't be (not ready), is being checked already, or was for this press."""
    if sandbox.state != State.READY:
        return None
    activity.touch(sandbox.pk)
    attempt = sandbox.attempt or progress.open_attempt(sandbox.user, sandbox.exercise)
    check = progress.begin_check(attempt, press)
    if check:
        tasks.enqueue(tasks.run_check, check.pk)
    return check


def asks(exercise: catalog.Exercise) -> bool:
    """Whether it has questions."""
    return any(isinstance(kinds.get(spec.tipo), kinds.Answered) for spec in exercise.checks)


def only_asks(exercise: catalog.Exercise) -> bool:
    """Whether it has nothing but questions, and needs no machine to be checked."""
    return all(isinstance(kinds.get(spec.tipo), kinds.Answered) for spec in exercise.checks)


def check_answers(attempt: Attempt, press: str = "") -> CheckRun | None:
    """Check an exercise that only asks, at once; None if it is being checked already, or was for this press."""
    exercise = progress.exercise_of(attempt)
    check = progress.begin_check(attempt, press) if exercise else None
    if check and exercise:
        answers = progress.answers_of(attempt)
        verdicts, evidence = grade(exercise.checks, _no_engine, answer=lambda spec: answers.get(spec.id))
        progress.end_check(check, exercise, verdicts, evidence, made_by=fingerprint.of_run(exercise.key))
    return check


def _no_engine(_node: str) -> Any:
    raise CannotObserve(_("este ejercicio no tiene laboratorio"))


def run_check(check_id: int) -> None:
    """Carry out a check run that was asked for. Safe to run twice: the second time changes nothing."""
    check = CheckRun.objects.filter(pk=check_id, finished=None).select_related("attempt").first()
    if check is None:
        return
    exercise = progress.exercise_of(check.attempt)
    sandbox = Sandbox.objects.filter(attempt=check.attempt, state=State.READY).first()
    machines = {machine.node: machine.name for machine in sandbox.machines.all()} if sandbox else {}
    if exercise is None or sandbox is None or not machines:
        progress.fail_check(check, _("El laboratorio ya no está en marcha."))
        return
    answers = progress.answers_of(check.attempt)

    try:
        # In turn, for a machine that is being copied stands still and takes no command (checkpoints.keep).
        past, missed, seconds = store.past(sandbox), mirror.missed_by(sandbox), settings.ENV.check_timeout
        with turn(sandbox.pk), Nodes(lab_engine(), machines, seconds=seconds, past=past, missed=missed) as nodes:
            if not progress.is_under_way(check):
                return  # another worker carried it out meanwhile
            verdicts, evidence = grade(
                exercise.checks,
                nodes.engine,
                answer=lambda spec: answers.get(spec.id),
                tell=partial(progress.report_check, check, exercise),
                nodes=tuple(machines),
            )
    except SoftTimeLimitExceeded:
        progress.fail_check(check, _("El motor tardó demasiado en contestar."))
        _announce(sandbox, check)
        return
    ended = progress.end_check(check, exercise, verdicts, evidence, made_by=fingerprint.of_run(exercise.key))
    if ended and progress.breaks_ground(check):
        tasks.enqueue(tasks.examine_programs, check.pk, after=programs.AFTER)
    if ended:
        _announce(sandbox, check)
        done = (id_ for id_, verdict in verdicts if verdict.status == Status.PASSED)
        for step in checkpoints.due(exercise, check.attempt, done):
            tasks.enqueue(tasks.keep_checkpoint, str(sandbox.pk), step)


def _announce(sandbox: Sandbox, check: CheckRun) -> None:
    """Tell the sandbox's page that a check run is over; what there is before, it asks for by itself from time to time."""
    feed.publish(sandbox.pk, feed.RESULT, {"run": check.pk})


def grade(
    checks: Iterable[kinds.Spec],
    engine_of: Callable[[str], Any],
    *,
    answer: Callable[[kinds.Spec], QuizAnswer | None] = lambda _spec: None,
    tell: Callable[[Verdicts], None] | None = None,
    nodes: Sequence[str] = (),
) -> tuple[Verdicts, dict[str, Any]]:
    """Observe and judge each check: verdicts by check id, and the evidence they rest on.

    `engine_of` gives the engine of a node by its name, and of the first for an empty one; `answer`, what was answered to a
    question; `tell` hears of the verdicts there are whenever the next one keeps one waiting; of several `nodes`, what fails in one is
    looked for in the others. Checks that wait for no other are looked at side by side, and all are judged in their order."""
    checks = list(checks)
    seen: dict[str, Any] = {}
    ahead: dict[str, Future[dict[str, Any]]] = {}

    def observe(spec: kinds.Spec) -> dict[str, Any]:
        if isinstance(kinds.get(spec.tipo), kinds.Answered):
            found = answer(spec)
            return kinds.answered(spec, found.given if found else None, found.tries if found else 0)
        return kinds.look(spec, engine_of(spec.nodo))

    def look(spec: kinds.Spec) -> Judged:
        try:
            raw = storable(ahead[spec.id].result() if spec.id in ahead else observe(spec))
        except CannotObserve as error:
            return cannot_check(str(error)), {}
        if len(json.dumps(raw)) > EVIDENCE_LIMIT:
            return cannot_check(_("hay demasiado que mirar en el motor")), {}
        seen[spec.id] = raw
        found = _judge(spec, kinds.get(spec.tipo).evidence.model_validate(raw))
        if found[0].status == Status.FAILED and (other := elsewhere.find(spec, nodes, engine_of)):
            raw[elsewhere.KEY] = other
        return _placed(spec, found, raw)

    def before(spec: kinds.Spec, found: Verdicts) -> None:
        if tell and found and not (spec.id in ahead and wait([ahead[spec.id]], SOON).done):
            tell(found)

    pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="check")
    try:
        ahead.update({spec.id: pool.submit(observe, spec) for spec in checks if not (spec.requiere or spec.awaited())})
        return _in_order(checks, look, before), seen
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def rejudge(check: CheckRun) -> Verdicts:
    """Judge a past run's evidence again with today's checks; says so where the evidence does not suffice."""
    exercise = progress.exercise_of(check.attempt)

    def judge(spec: kinds.Spec) -> Judged:
        raw = check.evidence.get(spec.id)
        if raw is None:
            return cannot_check(_("no se guardaron pruebas de esta comprobación")), {}
        try:
            return _placed(spec, _judge(spec, kinds.evidence_of(spec, raw)), raw)
        except kinds.NotEnoughEvidence:
            return cannot_check(_("las pruebas que se guardaron no bastan para esta comprobación")), {}

    return _in_order(exercise.checks if exercise else (), judge)


Judged = tuple[Verdict, dict[str, str]]
"""What a check says, and what it keeps for later ones, by name."""


def _judge(spec: kinds.Spec, evidence: kinds.Evidence) -> Judged:
    kind = kinds.get(spec.tipo)
    verdict = kind.judge(spec, evidence)
    if not spec.guarda or verdict.status != Status.PASSED or not isinstance(kind, kinds.Captures):
        return verdict, {}
    seen = kind.captured(spec, evidence)
    first = next(iter(kind.captures))
    found = {name: seen.get(what or first) for name, what in spec.keeps().items()}
    # It is the student's: short and of one line before it becomes part of another check.
    return verdict, {name: "" if value is None else str(value).strip().partition("\n")[0][:KEPT] for name, value in found.items()}


def _placed(spec: kinds.Spec, found: Judged, raw: Mapping[str, Any]) -> Judged:
    return elsewhere.told(found[0], spec, raw.get(elsewhere.KEY, "")), found[1]


def _in_order(
    checks: Iterable[kinds.Spec],
    judge: Callable[[kinds.Spec], Judged],
    before: Callable[[kinds.Spec, Verdicts], None] = lambda _spec, _found: None,
) -> Verdicts:
    """Judge the checks, but for those that require one that has not passed, or what it would have kept."""
    checks = list(checks)
    verdicts: dict[str, Verdict] = {}
    titles: dict[str, str] = {}
    needed = kinds.needs(checks)
    kept: dict[str, str] = {}
    for spec in checks:
        before(spec, list(verdicts.items()))
        titles[spec.id] = spec.titulo
        first = next((id_ for id_ in needed[spec.id] if id_ not in verdicts or verdicts[id_].status != Status.PASSED), None)
        if first is not None:
            verdicts[spec.id] = _wait_for(titles.get(first, first))
            continue
        whole = _whole(spec, kept)
        unsuited = cannot_check(_("lo que se vio en otra comprobación no sirve para esta"))
        verdicts[spec.id], found = judge(whole) if whole else (unsuited, {})
        kept |= found
    return list(verdicts.items())


def _whole(spec: kinds.Spec, kept: dict[str, str]) -> kinds.Spec | None:
    """The check with what earlier ones kept; None where that does not suit. Nothing is no value: it would be in every text."""
    try:
        return spec.completed(kept) if all(kept.get(name) for name in spec.awaited()) else None
    except ValidationError:
        return None


def _wait_for(title: str) -> Verdict:
    # Quotes within quotes are others.
    inner = title.replace("«", "“").replace("»", "”")
    return Verdict(Status.PENDING, expected="", observed=_("Primero: «%(title)s».") % {"title": inner})


def storable(value: Any) -> Any:
    """The same JSON without what a database can't keep: NUL and halves of characters, which a student's engine may say."""
    match value:
        case str():
            return value.replace("\x00", "\ufffd").encode(errors="replace").decode()
        case list():
            return [storable(item) for item in value]
        case dict():
            return {storable(key): storable(item) for key, item in value.items()}
        case _:
            return value


def cannot_check(why: str) -> Verdict:
    return Verdict(Status.UNKNOWN, expected="", observed=_("No se pudo comprobar: %(why)s.") % {"why": why.rstrip(".")})


def resume_checks() -> None:
    """Ask again for every run under way: whose worker was killed would else wait until the broker gives its task to
    another, more than a minute later. One that a living worker is at is carried out twice and ends once."""
    for check in CheckRun.objects.filter(finished=None):
        tasks.enqueue(tasks.run_check, check.pk)


def end_lost_checks() -> None:
    """End the runs whose worker was killed and whose task will not come back."""
    limit = timezone.now() - timedelta(seconds=2 * settings.CELERY_VISIBILITY_TIMEOUT)
    for check in CheckRun.objects.filter(finished=None, requested__lt=limit):
        progress.fail_check(check, _("La comprobación se interrumpió; vuelve a pulsar «Comprobar»."))
