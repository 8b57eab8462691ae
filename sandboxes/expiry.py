"""When a ready sandbox ends if nothing changes, and what its student is told before and after. Ends nothing: reaper.py does.

Two reasons: nobody stirs; or others wait for room and it is one of those that have run for longest, beyond the cap. Then as
many end as people wait, and each has a warning's time from when the first of these began to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from sandboxes import activity, queue
from sandboxes.models import Sandbox, State


@dataclass(frozen=True)
class End:
    """An end to come."""

    at: datetime
    reason: str
    """What is said when it has come."""
    extensible: bool
    """Whether a sign of life puts it off."""

    @property
    def left(self) -> timedelta:
        return self.at - timezone.now()

    @property
    def near(self) -> bool:
        """Whether its student is warned."""
        return self.left <= timedelta(seconds=settings.ENV.sandbox_warning)


def end_of(sandbox: Sandbox, *, giving_way: Mapping[UUID, datetime] | None = None) -> End:
    """The next end of a ready sandbox. Who asks for many asks `who_gives_way` once."""
    capped = (who_gives_way() if giving_way is None else giving_way).get(sandbox.pk)
    idle = activity.last(sandbox) + timedelta(seconds=settings.ENV.sandbox_idle)
    if capped is None or capped > idle:
        return End(idle, _("Pasaron %(minutes)d minutos sin actividad.") % {"minutes": settings.ENV.sandbox_idle // 60}, extensible=True)
    hours = settings.ENV.sandbox_cap // 3600
    return End(capped, _("Llevaba más de %(hours)d horas en marcha y había gente esperando.") % {"hours": hours}, extensible=False)


def who_gives_way() -> dict[UUID, datetime]:
    """The sandboxes that end because others wait, and when; none while there is room."""
    waiting = Sandbox.objects.filter(state=State.REQUESTED).order_by("changed").values_list("changed", flat=True)
    if not waiting or queue.has_room():
        return {}
    cap, warning = timedelta(seconds=settings.ENV.sandbox_cap), timedelta(seconds=settings.ENV.sandbox_warning)
    oldest = Sandbox.objects.filter(state=State.READY, ready__lt=timezone.now() - cap).order_by("ready", "pk")
    return {pk: max(ready + cap, waiting[0]) + warning for pk, ready in oldest.values_list("pk", "ready")[: len(waiting)] if ready}
