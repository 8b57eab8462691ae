"""Events in the database: written by the collector alone, in lots, capped for each sandbox.

The same event may come twice (after a reconnection an engine tells its last ones again) and is kept once. What a
container's probes leave is kept a few times for each container, since a health check makes three a second.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from sandboxes.engine.events import PROBES, EventFacts
from sandboxes.engine.student import Past
from sandboxes.models import EngineEvent, Sandbox

CHECK = "check"
"""The kind of what the platform notes itself among an engine's events; no engine may say it."""
PROBES_KEPT = 60
"""Of `docker exec` and health probes together, for each container."""


def add(sandbox: Sandbox, node: str, events: Sequence[EventFacts]) -> int:
    """Keep events of one node, as they came; how many rows the sandbox has now at most."""
    wanted = _without_surplus_probes(sandbox.pk, node, [event for event in events if event.kind != CHECK])
    rows = [
        EngineEvent(
            sandbox=sandbox,
            node=node,
            nano=event.nano,
            at=_clamped(event.nano, sandbox.ready),
            kind=event.kind,
            action=event.action,
            actor=event.actor,
            attributes=event.attributes,
        )
        for event in wanted
    ]
    EngineEvent.objects.bulk_create(rows, ignore_conflicts=True)
    return _cap(sandbox.pk)


def note(sandbox: Sandbox, check_id: str, status: str) -> None:
    """Put what became of a check among the events, so that a recording has both on one clock."""
    now = time.time_ns()
    EngineEvent.objects.create(
        sandbox=sandbox, node="", nano=now, at=_clamped(now, sandbox.ready), kind=CHECK, action=status, actor=check_id[:200]
    )


def last_nano(sandbox_id: UUID, node: str) -> int:
    """When the last kept event of a node happened; 0 if there is none."""
    found = EngineEvent.objects.filter(sandbox=sandbox_id, node=node).order_by("-nano").values_list("nano", flat=True).first()
    return found or 0


def past(sandbox: Sandbox) -> Callable[[str], Past]:
    """What graders may know of the past of a sandbox's nodes: the events of its whole attempt, read now, by who calls this."""
    since = int(sandbox.ready.timestamp() * 1e9) if sandbox.ready else 0
    most = settings.ENV.events_max
    attempt = EngineEvent.objects.filter(sandbox__attempt=sandbox.attempt_id) if sandbox.attempt_id else sandbox.events.all()
    rows: dict[str, list[EngineEvent]] = {}
    for row in attempt.order_by("nano"):
        rows.setdefault(row.node, []).append(row)

    def of(node: str) -> Past:
        found = [
            EventFacts(nano=row.nano, kind=row.kind, action=row.action, actor=row.actor, attributes=row.attributes)
            for row in rows.get(node, [])[:most]
        ]
        return Past(since, tuple(found), cut=len(found) >= most * 0.9)

    return of


def _without_surplus_probes(sandbox_id: UUID, node: str, events: Iterable[EventFacts]) -> list[EventFacts]:
    """The events, without those of probes past what is kept of their container."""
    events = list(events)
    probed = {event.actor for event in events if event.verb in PROBES}
    if not probed:
        return events
    rows = EngineEvent.objects.filter(sandbox=sandbox_id, node=node, actor__in=probed, action__startswith="exec_")
    had = Counter(rows.values_list("actor", flat=True))
    kept = []
    for event in events:
        if event.verb in PROBES:
            if had[event.actor] >= PROBES_KEPT:
                continue
            had[event.actor] += 1
        kept.append(event)
    return kept


def _cap(sandbox_id: UUID) -> int:
    """Drop the oldest past the cap, a tenth of it at once."""
    rows = EngineEvent.objects.filter(sandbox=sandbox_id)
    count, most = rows.count(), settings.ENV.events_max
    if count > most:
        over = rows.order_by("nano", "pk").values("pk")[: count - most + most // 10]
        rows.filter(pk__in=list(over.values_list("pk", flat=True))).delete()
    return min(count, most)


def _clamped(nano: int, ready: datetime | None) -> datetime:
    """When it happened on the lab's clock: an engine may say any time, but not one before it was handed over, nor a future one."""
    now = timezone.now()
    try:
        said = datetime.fromtimestamp(nano / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return now
    return min(now, max(said, ready or said))
