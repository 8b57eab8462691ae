"""Judges the evidence of past check runs again, after an exercise or its graders were corrected. No sandbox is needed.

What the evidence can't tell stays as it was: nobody loses or gains by what was not kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lessons import kinds, progress
from lessons.catalog import Exercise
from lessons.kinds import Status
from lessons.models import CheckRun, Regrade
from sandboxes import fingerprint
from sandboxes.grading import rejudge


@dataclass(frozen=True)
class Change:
    """How a check run would come out."""

    check: CheckRun
    passed: bool
    points: float
    results: list[dict[str, Any]]
    differing: tuple[tuple[str, str, str], ...]
    """Check id, status before (empty if it was not there), status after."""
    untold: tuple[str, ...]
    """Checks that the evidence does not suffice for: they stay as they were."""

    @property
    def alters(self) -> bool:
        return bool(self.differing) or self.passed != self.check.passed


def changes(key: str) -> Iterator[Change]:
    """What would change of an exercise's past runs, or can't be told; runs that come out as they are do not come."""
    for check in progress.past_checks(key).iterator():
        exercise = progress.exercise_of(check.attempt)
        change = _judge(check, exercise) if exercise else None
        if change and (change.alters or change.untold):
            yield change


def _judge(check: CheckRun, exercise: Exercise) -> Change:
    before = {item["id"]: item for item in check.results}
    specs = {spec.id: spec for spec in exercise.checks}
    needed = kinds.needs(exercise.checks)
    results: list[dict[str, Any]] = []
    untold: list[str] = []
    for item in progress.describe(exercise, rejudge(check)):
        old = before.get(item["id"])
        # One that waits for a check of which nothing can be told waits for what it was then.
        waits = item["status"] == Status.PENDING and set(needed[item["id"]]) & set(untold)
        if item["status"] == Status.UNKNOWN or waits:
            untold.append(item["id"])
            item = {**old, "title": item["title"]} if old else item
        results.append(item)
    passed = all(
        item["status"] == Status.PASSED or (check.passed and item["id"] in untold) for item in results if not specs[item["id"]].extra
    )
    differing = tuple(
        (item["id"], before.get(item["id"], {}).get("status", ""), str(item["status"]))
        for item in results
        if before.get(item["id"], {}).get("status", "") != item["status"] and not (item["id"] in untold and item["id"] not in before)
    )
    points = sum(item.get("points", 0) for item in results)
    return Change(check, passed, points, results, differing, tuple(untold))


def regrade(key: str, *, found: list[Change], who: str, why: str) -> Regrade:
    """Apply what `changes` found, and keep an entry of it."""
    content, graders = fingerprint.of_run(key)
    entry = Regrade(exercise=key, who=who, why=why, content=content, graders=graders)
    entry.changes = [
        {
            "check": change.check.pk,
            "user": change.check.attempt.user.username,
            "before": {"passed": change.check.passed, "points": change.check.points, "results": change.check.results},
            "after": {"passed": change.passed, "points": change.points, "results": change.results},
        }
        for change in found
    ]
    return progress.apply_regrade(entry)
