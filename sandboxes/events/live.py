"""Continuous checks: what the collector looks at, unasked, whenever something has happened in a sandbox's engine.

Only checks that are cheap (`kinds.Live`) and wait for no other kind; the page shows each as done the moment it is. They
count for nothing by themselves: when all that the exercise asks has come true, a real check run is asked for, which
leaves its evidence as one that was pressed for does.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from django.db import close_old_connections

from lessons import kinds, progress
from lessons.catalog import Exercise
from lessons.kinds import Spec, Status
from sandboxes import grading
from sandboxes.engine import lab_engine
from sandboxes.engine.nodes import Nodes
from sandboxes.events import feed, store
from sandboxes.models import Sandbox, State

if TYPE_CHECKING:
    from sandboxes.events.collector import Watched

SECONDS = 8
"""How long one look may take; a machine that hangs is left alone for three times as long."""
AT_ONCE = 2
"""Sandboxes that are checked at once, whatever happens in all of them."""

_pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="live")


async def check(watched: Watched) -> None:
    """Look at a sandbox's live checks if its engines have changed and its page is open, and tell that page."""
    if not watched.changed or not await feed.attended(watched.sandbox.pk):
        return
    watched.changed = False
    before = watched.shown.get(feed.CHECK, {}).get("checks", {})
    found = await asyncio.get_running_loop().run_in_executor(_pool, _look, watched.sandbox.pk, watched.machines, before)
    if found is None:
        return
    watched.shown[feed.CHECK] = found
    if found["checks"] != before or found["run"]:
        await feed.apublish(watched.sandbox.pk, feed.CHECK, {**found, "at": time.time()})


def live_checks(exercise: Exercise) -> list[Spec]:
    """The checks that may be looked at unasked: cheap, and waiting for none that is not."""
    found: dict[str, Spec] = {}
    needed = kinds.needs(exercise.checks)
    for spec in exercise.checks:
        if kinds.is_live(spec) and all(id_ in found for id_ in needed[spec.id]):
            found[spec.id] = spec
    return list(found.values())


def _look(sandbox_id: Any, machines: dict[str, str], before: dict[str, str]) -> dict[str, Any] | None:
    """`checks`: status by check; `run`: whether a check run was asked for. None if there is nothing to look at."""
    close_old_connections()
    try:
        sandbox = Sandbox.objects.filter(pk=sandbox_id, state=State.READY).select_related("attempt__user").first()
        exercise = progress.exercise_of(sandbox.attempt) if sandbox and sandbox.attempt else None
        if sandbox is None or exercise is None:
            return None
        specs = live_checks(exercise)
        if not specs:
            return None
        with Nodes(lab_engine(), machines, seconds=SECONDS, past=store.past(sandbox)) as nodes:
            verdicts, _evidence = grading.grade(specs, nodes.engine)
        checks = {id_: str(verdict.status) for id_, verdict in verdicts}
        for id_, status in checks.items():
            if status == Status.PASSED and before.get(id_, "") != Status.PASSED:
                store.note(sandbox, id_, status)
        return {"checks": checks, "run": _complete(sandbox, exercise, checks)}
    finally:
        close_old_connections()


def _complete(sandbox: Sandbox, exercise: Exercise, checks: dict[str, str]) -> bool:
    """Ask for a check run if all that the exercise asks is so, and has not been found so in this attempt."""
    asked = [spec.id for spec in exercise.checks if not spec.extra]
    if not all(checks.get(id_) == Status.PASSED for id_ in asked):
        return False
    if sandbox.attempt is None or sandbox.attempt.checks.filter(passed=True).exists():
        return False
    return grading.request_check(sandbox) is not None
