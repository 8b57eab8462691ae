"""The warm pool, on the fake engine."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from lessons import catalog
from sandboxes import lifecycle, pool
from sandboxes.engine import SEEDED, Flavor, Limits
from sandboxes.models import Machine, Sandbox, State
from tests.conftest import work

pytestmark = pytest.mark.django_db


@pytest.fixture
def warm(settings: Any) -> Any:
    def fill(floor: int, ceiling: int = 10) -> None:
        settings.ENV = settings.ENV.model_copy(update={"pool_min": floor, "pool_max": ceiling})
        pool.tend()

    return fill


@pytest.fixture
def exercise() -> catalog.Exercise:
    return catalog.course().exercises["docker-intensivo/hello-world/hello-world"]


def test_floor_is_kept_warm_and_paused(lab: Any, warm: Any) -> None:
    warm(2)
    assert pool.warm_count() == 2
    assert {box.state for box in lab.boxes.values()} == {"paused"}


def test_start_takes_a_warm_machine_within_the_request(ana: Any, lab: Any, warm: Any, exercise: Any, sent: Any) -> None:
    warm(1)
    sandbox = lifecycle.start(ana, exercise)
    assert sandbox.state == State.READY
    assert [name for name, _ in sent] == ["tend_pool"]
    assert sandbox.ready is not None


def test_a_taken_machine_is_replaced(ana: Any, lab: Any, warm: Any, exercise: Any, sent: Any) -> None:
    warm(1)
    lifecycle.start(ana, exercise)
    work(sent)
    assert pool.warm_count() >= 1


def test_limits_are_applied_at_hand_over(ana: Any, lab: Any, warm: Any) -> None:
    warm(1)
    sandbox = Sandbox.objects.create(user=ana, exercise="x")
    wanted = Limits(memory=1024, cpus=2, pids=900)
    machine = pool.take(sandbox, flavor=Flavor(), node="lab", position=0, limits=wanted)
    assert machine
    assert lab.boxes[machine.name].limits == wanted


def test_another_disk_size_is_not_served_from_the_pool(ana: Any, lab: Any, warm: Any) -> None:
    warm(1)
    sandbox = Sandbox.objects.create(user=ana, exercise="x")
    assert pool.take(sandbox, flavor=Flavor(disk="8G"), node="lab", position=0, limits=Limits()) is None


def test_a_machine_is_handed_over_once(ana: Any, bruno: Any, lab: Any, warm: Any) -> None:
    warm(1)
    first, second = (Sandbox.objects.create(user=user, exercise="x") for user in (ana, bruno))
    taken = [pool.take(sandbox, flavor=Flavor(), node="lab", position=0, limits=Limits()) for sandbox in (first, second)]
    assert [bool(machine) for machine in taken] == [True, False]


def test_a_warm_machine_that_is_broken_is_thrown_away_and_the_next_is_used(ana: Any, lab: Any, warm: Any) -> None:
    warm(2)
    oldest = Machine.objects.order_by("created").first()
    assert oldest
    lab.boxes[oldest.name].state = "exited"
    sandbox = Sandbox.objects.create(user=ana, exercise="x")
    machine = pool.take(sandbox, flavor=Flavor(), node="lab", position=0, limits=Limits())
    assert machine
    assert machine.name != oldest.name
    assert oldest.name not in lab.boxes


def test_pool_shrinks_to_its_size(lab: Any, warm: Any) -> None:
    warm(3)
    warm(1)
    assert [pool.warm_count(flavor) for flavor in pool.flavors()] == [1] * len(pool.flavors())
    assert len(lab.boxes) == len(pool.flavors())


def test_demand_raises_the_target_up_to_the_ceiling(ana: Any, lab: Any, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"pool_min": 1, "pool_max": 3})
    assert pool.target() == 1
    for _ in range(5):
        Sandbox.objects.create(user=ana, exercise="x", state=State.REMOVED)
    assert pool.target() == 3


def test_memory_pressure_stops_the_pool_from_growing(lab: Any, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"pool_min": 2, "memory_reserve": 1 << 30})
    pool.tend()
    assert lab.boxes == {}


def test_only_one_process_makes_machines(lab: Any, warm: Any) -> None:
    from django.core.cache import cache

    cache.add("pool-maker", 1, 60)
    warm(1)
    assert lab.boxes == {}


def test_a_machine_that_does_not_come_up_leaves_nothing(lab: Any, warm: Any) -> None:
    lab.broken = {"wait_ready"}
    warm(1)
    assert lab.boxes == {}
    assert not Machine.objects.exists()


@pytest.fixture
def course(monkeypatch: pytest.MonkeyPatch, exercise: catalog.Exercise) -> catalog.Exercise:
    """A course one of whose exercises begins with the course images."""
    seeded = dataclasses.replace(exercise, key="c/l/sembrado", lab=exercise.lab.model_copy(update={"imagenes": SEEDED}))
    known = {exercise.key: exercise, seeded.key: seeded}
    monkeypatch.setattr(
        catalog, "course", lambda *_: dataclasses.replace(catalog.load(catalog.CONTENT / "docker-intensivo"), exercises=known)
    )
    return seeded


def test_a_course_that_asks_for_images_has_a_second_pool(lab: Any, warm: Any, course: Any) -> None:
    warm(2)
    assert (pool.warm_count(), pool.warm_count(Flavor(images=SEEDED))) == (2, 1)
    assert sorted(box.flavor.images for box in lab.boxes.values()) == ["curso", "vacio", "vacio"]


def test_an_exercise_with_images_gets_a_machine_that_has_them(ana: Any, lab: Any, warm: Any, course: Any, sent: Any) -> None:
    warm(1)
    sandbox = lifecycle.start(ana, course)
    assert sandbox.state == State.READY
    machine = Machine.objects.get(sandbox=sandbox)
    assert lab.boxes[machine.name].flavor == machine.flavor == Flavor(images=SEEDED)


def test_demand_for_one_flavor_does_not_warm_the_other(ana: Any, lab: Any, course: Any, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"pool_min": 1, "pool_max": 5})
    for _ in range(4):
        Sandbox.objects.create(user=ana, exercise=course.key, state=State.REMOVED)
    assert (pool.target(), pool.target(Flavor(images=SEEDED))) == (1, 4)


def test_warm_machines_nobody_can_ask_for_are_thrown_away(lab: Any, warm: Any, course: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    warm(1)
    monkeypatch.setattr(pool, "flavors", lambda: [pool.DEFAULT])
    warm(1)
    assert [box.flavor for box in lab.boxes.values()] == [pool.DEFAULT]
