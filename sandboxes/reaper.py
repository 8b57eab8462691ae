"""Puts right what time and crashes leave: idle sandboxes, queues, stuck starts, orphans on either side.

It trusts the engine's labels and the database together. Whatever step of start or stop was cut short, the next
sweep finds a state from which it can go on; nothing that lives is touched.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from sandboxes import activity, egress, expiry, lifecycle, losses, pool, queue, tasks
from sandboxes.engine import Container, EngineError, EngineUnreachable, lab_engine
from sandboxes.models import ENDED, LIVE, Machine, Sandbox, State

log = structlog.get_logger()

GRACE = timedelta(seconds=90)
"""How old an unclaimed container or a half-made machine must be before it counts as orphaned."""
PROOF_GRACE = timedelta(hours=1)
"""The same for what prove_exercises made."""


def sweep() -> None:
    """One round. An unreachable engine ends it quietly: the next round is near."""
    began = timezone.now()
    try:
        containers = {container.name: container for container in lab_engine().containers()}
    except EngineUnreachable as error:
        log.warning("the lab engine does not answer", error=str(error))
        return
    # First what is lost: after a night without the server that is what happened, and not that nobody stirred.
    _find_lost(containers, began)
    _forget_lost_keeps(containers)
    for step in (_end_idle, _end_stuck, queue.serve):
        step()
    _remove_expired_keeps()
    _remove_orphans(containers)
    _refresh_egress()


def _end_idle() -> None:
    now = timezone.now()
    giving_way = expiry.who_gives_way()
    for sandbox in Sandbox.objects.filter(state=State.READY):
        end = expiry.end_of(sandbox, giving_way=giving_way)
        if end.at <= now:
            lifecycle.stop(sandbox, state=State.EXPIRED, reason=end.reason)
        alive = activity.last(sandbox)
        if sandbox.active is None or alive - sandbox.active > timedelta(seconds=30):
            Sandbox.objects.filter(pk=sandbox.pk).update(active=alive)


def _end_stuck() -> None:
    """Starts whose worker died."""
    limit = timezone.now() - timedelta(seconds=settings.ENV.start_timeout * 2)
    for sandbox in Sandbox.objects.filter(state=State.STARTING, changed__lt=limit):
        if lifecycle.move(sandbox, (State.STARTING,), State.FAILED, reason=_("El arranque se interrumpió. Vuelve a intentarlo.")):
            _quietly_put_down(sandbox)


def _find_lost(containers: dict[str, Container], began: datetime) -> None:
    """Ready sandboxes whose machines do not run any more: say so; what is left can be continued.

    What became ready after the containers were listed is not judged by that list."""
    for sandbox in Sandbox.objects.filter(state=State.READY, changed__lt=began).prefetch_related("machines"):
        names = [machine.name for machine in sandbox.machines.all()]
        if not names or any(losses.lost(containers.get(name)) for name in names):
            lifecycle.stop(sandbox, state=State.LOST, reason=losses.why(names, containers))


def look_at(machine: str) -> None:
    """The lab engine says that a machine has ended: if it was in use, its student hears of it now, and not at the next round."""
    began = timezone.now()
    if Sandbox.objects.filter(state=State.READY, machines__name=machine).exists():
        _find_lost({container.name: container for container in lab_engine().containers()}, began)


def _forget_lost_keeps(containers: dict[str, Container]) -> None:
    """Kept sandboxes none of whose machines is there any more, as on a site that was restored without its disk: nothing can be
    continued, and it is said."""
    kept = Sandbox.objects.filter(kept_until__isnull=False, changed__lt=timezone.now() - GRACE).exclude(state__in=LIVE)
    for sandbox in kept.prefetch_related("machines"):
        if not any(machine.name in containers for machine in sandbox.machines.all()):
            untouched = Sandbox.objects.filter(pk=sandbox.pk, state=sandbox.state, changed=sandbox.changed)
            untouched.update(kept_until=None, reason=losses.gone())


def _remove_expired_keeps() -> None:
    ended = Sandbox.objects.filter(state__in=ENDED)
    over = list(ended.filter(kept_until__lt=timezone.now()))
    over += list(ended.filter(kept_until__isnull=False).order_by("-changed")[settings.ENV.keep_max :])
    for sandbox in over:
        _quietly_put_down(sandbox)
    # Ended sandboxes with machines but nothing to keep: a stop that was cut short.
    for sandbox in ended.filter(kept_until=None, machines__isnull=False, changed__lt=timezone.now() - GRACE).distinct():
        _quietly_put_down(sandbox)


def _remove_orphans(containers: dict[str, Container]) -> None:
    now = timezone.now()
    # The rows are read after the containers: a machine made in between has a row and is not in the list.
    rows = {machine.name: machine for machine in Machine.objects.select_related("sandbox")}
    engine = lab_engine()
    for container in containers.values():
        # Proofs and tests make machines of their own, without a row.
        patience = GRACE if "lab.machine" in container.labels else PROOF_GRACE
        if container.name not in rows and now - container.created > patience:
            log.info("removing an orphan container", container=container.name)
            _quietly_remove(container.name)
    for machine in rows.values():
        old = now - machine.created > GRACE
        unclaimed = machine.sandbox is None and machine.state != Machine.State.WARM
        if machine.name not in containers and old:
            _quietly_remove(machine.name)
            machine.delete()
        elif unclaimed and old and now - machine.created > timedelta(seconds=settings.ENV.start_timeout * 2):
            pool.discard(machine)
        elif machine.state == Machine.State.WARM and containers.get(machine.name) and containers[machine.name].state != "paused":
            if old and Machine.objects.filter(pk=machine.pk, state=Machine.State.WARM).update(state=Machine.State.MAKING):
                pool.discard(machine)
        elif _stopped_late(machine, containers):
            tasks.enqueue(tasks.put_away, str(machine.sandbox_id))
    # The rows, again, after the networks: a row comes before its network.
    networks = engine.networks()
    known = {machine.name for machine in Machine.objects.all()} | set(containers)
    for network in networks:
        if network not in known:
            _quietly_remove(network)


def _stopped_late(machine: Machine, containers: dict[str, Container]) -> bool:
    """Whether an ended sandbox's machine still runs: its worker died before putting it away."""
    sandbox = machine.sandbox
    return (
        sandbox is not None
        and not sandbox.live
        and containers[machine.name].state == "running"
        and timezone.now() - sandbox.changed > GRACE
        if machine.name in containers
        else False
    )


def _quietly_put_down(sandbox: Sandbox) -> None:
    """What can't be removed now is tried again by the next sweep, and keeps nobody else's from being removed."""
    try:
        lifecycle.put_down(sandbox)
    except EngineError as error:
        log.warning("a sandbox could not be put down", sandbox=str(sandbox.pk), error=str(error))


def _refresh_egress() -> None:
    try:
        egress.refresh()
    except EngineError as error:
        log.warning("who may go out is not as it should be", error=str(error))


def _quietly_remove(name: str) -> None:
    try:
        lab_engine().remove(name)
    except EngineError as error:
        log.warning("an orphan could not be removed", name=name, error=str(error))
