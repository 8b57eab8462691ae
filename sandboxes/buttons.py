"""What the buttons of the lab's panel do. Each answers with what the student is to be told, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import limits
import limits.storage
import limits.strategies
from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from lessons import progress
from lessons.accounts import person
from lessons.catalog import Exercise
from sandboxes import checkpoints, lifecycle
from sandboxes.at_hand import kept_of, live_of
from sandboxes.models import Sandbox


def _start(request: HttpRequest, exercise: Exercise) -> str:
    if not _may_start(request):
        return _("Has iniciado muchos laboratorios en poco tiempo. Espera un minuto y vuelve a intentarlo.")
    swap = request.POST.get("swap") == "1" or _other_is_done(request, exercise)
    lifecycle.start(person(request), exercise, swap=swap, proposed=_proposed(request))
    return ""


def _other_is_done(request: HttpRequest, exercise: Exercise) -> bool:
    """Whether the live sandbox is of another exercise, and its last check passed: it is put away unasked, as who goes on expects."""
    live = lifecycle.current(request.user)
    if live is None or live.exercise == exercise.key:
        return False
    check = progress.last_check(live.user, live.exercise)
    return check is not None and check.passed and check.attempt_id == live.attempt_id


def _proposed(request: HttpRequest) -> UUID | None:
    """The name that the page has given to the sandbox it asks for, while its terminal already waits for it."""
    try:
        return UUID(request.POST.get("laboratorio", ""))
    except ValueError:
        return None


def _resume(request: HttpRequest, exercise: Exercise) -> str:
    for sandbox in kept_of(request, exercise):
        if not _may_start(request):
            return _("Has iniciado muchos laboratorios en poco tiempo. Espera un minuto y vuelve a intentarlo.")
        lifecycle.resume(sandbox)
        break
    return ""


def _undo(request: HttpRequest, exercise: Exercise) -> str:
    """Back to the sandbox that the last reset put away."""
    live = live_of(request, exercise)
    kept = kept_of(request, exercise)
    if live and kept:
        lifecycle.stop(live, reason=_("Volviste al laboratorio anterior."))
    return _resume_this(kept[0]) if kept else _("Ya no se conserva el laboratorio anterior.")


def _resume_this(sandbox: Sandbox) -> str:
    lifecycle.resume(sandbox)
    return ""


def _reset(request: HttpRequest, exercise: Exercise) -> str:
    live = live_of(request, exercise)
    if live and _may_start(request):
        lifecycle.reset(live)
        return ""
    return _("Espera un minuto antes de volver a reiniciar.") if live else ""


def _go_back(request: HttpRequest, exercise: Exercise) -> str:
    """To a step that was done."""
    live = live_of(request, exercise)
    wanted = request.POST.get("paso")
    for checkpoint in checkpoints.offered(live):
        if live and str(checkpoint.step) == wanted:
            if not _may_start(request):
                return _("Espera un minuto antes de volver a un paso.")
            lifecycle.restore(checkpoint, live)
            return ""
    return _("De ese paso ya no se conserva nada.")


def _stop(request: HttpRequest, exercise: Exercise) -> str:
    live = live_of(request, exercise)
    if live:
        lifecycle.stop(live, reason=_("Lo terminaste tú."))
    return ""


def _dismiss(request: HttpRequest, exercise: Exercise) -> str:
    """What the panel says has been read."""
    live = live_of(request, exercise)
    if live:
        lifecycle.dismiss_notice(live)
    return ""


def _extend(request: HttpRequest, exercise: Exercise) -> str:
    live = live_of(request, exercise)
    if live:
        lifecycle.extend(live)
    return ""


_rates: Any = SimpleLazyObject(
    lambda: limits.strategies.FixedWindowRateLimiter(
        limits.storage.storage_from_string(settings.ENV.redis_url.replace("unix://", "redis+unix://", 1))
    )
)


def _may_start(request: HttpRequest) -> bool:
    return bool(_rates.hit(limits.parse(settings.ENV.rate_start), settings.ENV.name, "start", str(request.user.pk)))


ACTIONS: dict[str, Callable[[HttpRequest, Exercise], str]] = {
    "iniciar": _start,
    "continuar": _resume,
    "deshacer": _undo,
    "reiniciar": _reset,
    "volver": _go_back,
    "terminar": _stop,
    "prolongar": _extend,
    "entendido": _dismiss,
}
