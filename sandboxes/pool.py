"""Machines: making them, keeping some warm (started and paused), handing them over, removing them.

A warm machine serves any exercise of its flavor (disk size, images it begins with): what differs (memory, CPU,
processes, names) is applied at hand-over. There is a pool for each
flavor of the course; its size follows demand between a floor and a ceiling, and yields to memory pressure.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db.models import QuerySet
from django.utils import timezone

from lessons import catalog
from lessons.catalog import Exercise
from sandboxes import probe
from sandboxes.engine import SEEDED, EngineError, Flavor, Limits, lab_engine
from sandboxes.models import Machine, Sandbox

log = structlog.get_logger()

DEFAULT = Flavor()
"""What most exercises ask for; kept warm always."""
WARM_LIMITS = Limits()
MACHINE_MEMORY = 100 << 20
"""Bytes that one more warm machine may cost, generously."""
DEMAND_WINDOW = timedelta(minutes=5)
HOSTNAME = "lab"
_PULL_COURSE = """curl -sf 'http://espejo.lab:5000/v2/_catalog?n=1000' | jq -r '.repositories[]' | while read -r name; do
  curl -sf "http://espejo.lab:5000/v2/$name/tags/list" | jq -r '.tags[]' | while read -r tag; do
    docker pull -q "${name#library/}:$tag" </dev/null || exit 1
  done || exit 1
done"""
PULL_SECONDS = 240
TURN = 30
"""Seconds a round of `tend` goes on making machines; the next one continues, well within a task's time limit."""


def make(*, flavor: Flavor = DEFAULT, limits: Limits = WARM_LIMITS) -> Machine:
    """Make a machine and wait until its engine answers. On failure nothing of it remains; raises EngineError."""
    machine = reserve(flavor=flavor)
    try:
        build(machine, limits)
    except EngineError:
        discard(machine)
        raise
    return machine


def reserve(*, flavor: Flavor, sandbox: Sandbox | None = None, node: str = HOSTNAME, position: int = 0) -> Machine:
    """The row of a machine that is going to be built."""
    return Machine.objects.create(
        name=f"lab-{uuid.uuid4().hex[:16]}", disk=flavor.disk, images=flavor.images, sandbox=sandbox, node=node, position=position
    )


def build(machine: Machine, limits: Limits) -> None:
    """The container of a reserved machine, with its engine ready. Touches no database; raises EngineError."""
    engine = lab_engine()
    engine.create(machine.name, hostname=HOSTNAME, labels={"lab.machine": str(machine.pk)}, limits=limits, flavor=machine.flavor)
    engine.start(machine.name)
    engine.wait_ready(machine.name, seconds=settings.ENV.start_timeout)
    # No image can hold what is in a volume: there each machine pulls the course's from the mirror.
    pulls = machine.images == SEEDED and settings.ENV.storage != "btrfs"
    if pulls and engine.run(machine.name, ["sh", "-c", _PULL_COURSE], seconds=PULL_SECONDS).code:
        raise EngineError(f"the course images could not be pulled into {machine.name}")


def discard(machine: Machine) -> None:
    """Remove a machine: container, network, row, in this order, so that a crash leaves a row for the reaper."""
    lab_engine().remove(machine.name)
    machine.delete()


def take(sandbox: Sandbox, *, flavor: Flavor, node: str, position: int, limits: Limits) -> Machine | None:
    """Hand a warm machine over to `sandbox`; None if there is none."""
    engine = lab_engine()
    for machine in _warm(flavor):
        won = Machine.objects.filter(pk=machine.pk, state=Machine.State.WARM).update(
            state=Machine.State.TAKEN, sandbox=sandbox, node=node, position=position
        )
        if not won:
            continue
        machine.refresh_from_db()
        try:
            engine.unpause(machine.name)
            if limits != WARM_LIMITS:
                engine.set_limits(machine.name, limits)
        except EngineError as error:
            log.warning("a warm machine could not be handed over", machine=machine.name, error=str(error))
            discard(machine)
            continue
        return machine
    return None


def tend() -> None:
    """Bring each pool to its size: at most one process at a time, a machine at a time. Shrinks at once."""
    with _only_maker() as mine:
        if not mine:
            return
        began = time.monotonic()
        for flavor in flavors():
            while warm_count(flavor) < target(flavor):
                if not _memory_allows() or time.monotonic() - began > TURN or not _warm_one(flavor):
                    return
            _shrink(flavor)
        for machine in Machine.objects.filter(state=Machine.State.WARM):
            if machine.flavor not in flavors():
                _throw_away(machine)


def _warm_one(flavor: Flavor) -> bool:
    try:
        machine = make(flavor=flavor)
    except EngineError as error:
        log.warning("a warm machine could not be made", error=str(error))
        return False
    probe.learn(machine.name)
    lab_engine().pause(machine.name)
    Machine.objects.filter(pk=machine.pk).update(state=Machine.State.WARM)
    cache.touch(_MAKER_KEY, 120)
    return True


def _shrink(flavor: Flavor) -> None:
    spare = max(0, warm_count(flavor) - target(flavor))
    for machine in _warm(flavor)[:spare]:
        _throw_away(machine)


def _throw_away(machine: Machine) -> None:
    if Machine.objects.filter(pk=machine.pk, state=Machine.State.WARM).update(state=Machine.State.MAKING):
        discard(machine)


def flavor_of(exercise: Exercise) -> Flavor:
    """What an exercise's machines must be made as."""
    return Flavor(disk=exercise.lab.disco, images=exercise.lab.imagenes)


def flavors() -> list[Flavor]:
    """The flavors that are kept warm: the default, and what exercises of the course ask for with its disk size."""
    wanted = {flavor_of(exercise) for exercise in catalog.course().exercises.values()}
    return [DEFAULT, *sorted((flavor for flavor in wanted if flavor.disk == DEFAULT.disk and flavor != DEFAULT), key=str)]


def target(flavor: Flavor = DEFAULT) -> int:
    """How many of a flavor should be warm: as many as were asked for lately, between the floor and the ceiling."""
    asked = Sandbox.objects.filter(created__gte=timezone.now() - DEMAND_WINDOW).values_list("exercise", flat=True)
    found = (catalog.exercise(key) for key in asked)
    lately = sum((flavor_of(exercise) if exercise else DEFAULT) == flavor for exercise in found)
    floor = settings.ENV.pool_min if flavor == DEFAULT else min(1, settings.ENV.pool_min)
    wanted = max(floor, min(lately, settings.ENV.pool_max))
    return wanted if _memory_allows() else min(wanted, floor)


def warm_count(flavor: Flavor = DEFAULT) -> int:
    return _warm(flavor).count()


def _warm(flavor: Flavor) -> QuerySet[Machine]:
    return Machine.objects.filter(state=Machine.State.WARM, disk=flavor.disk, images=flavor.images).order_by("created")


_MAKER_KEY = "pool-maker"


@contextmanager
def _only_maker() -> Iterator[bool]:
    mine = cache.add(_MAKER_KEY, 1, 120)
    try:
        yield mine
    finally:
        if mine:
            cache.delete(_MAKER_KEY)


def _memory_allows() -> bool:
    """Whether the host keeps its reserve with one machine more (MemAvailable of /proc/meminfo)."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, value = line.split(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024 - MACHINE_MEMORY > settings.ENV.memory_reserve << 20
    return True
