"""What the sweep puts right, and 100 random schedules of crashes."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from lessons import catalog
from sandboxes import activity, lifecycle, pool, reaper, watch
from sandboxes.engine import Flavor, Limits, Usage
from sandboxes.models import Machine, Sandbox, State
from tests.conftest import _person, work

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(hours=5)


@pytest.fixture
def exercise() -> catalog.Exercise:
    return catalog.course().exercises["docker-intensivo/hello-world/hello-world"]


@pytest.fixture
def sandbox(ana: Any, exercise: Any, lab: Any, sent: Any) -> Sandbox:
    sandbox = lifecycle.start(ana, exercise)
    work(sent)
    return Sandbox.objects.get(pk=sandbox.pk)


def idle_for(sandbox: Sandbox, minutes: float) -> None:
    Sandbox.objects.filter(pk=sandbox.pk).update(active=timezone.now() - timedelta(minutes=minutes))


def sweep(sandbox: Sandbox) -> Sandbox:
    reaper.sweep()
    return Sandbox.objects.get(pk=sandbox.pk)


def test_idle_sandbox_expires_with_an_honest_reason(sandbox: Sandbox, sent: Any) -> None:
    idle_for(sandbox, 31)
    ended = sweep(sandbox)
    assert ended.state == State.EXPIRED
    assert "30 minutos sin actividad" in ended.reason
    assert ended.resumable


def test_warning_comes_before_the_end(sandbox: Sandbox, sent: Any) -> None:
    idle_for(sandbox, 26)
    warned = sweep(sandbox)
    assert warned.state == State.READY
    assert "Prolongar" in warned.notice


def test_keystrokes_keep_a_sandbox_alive(sandbox: Sandbox, sent: Any) -> None:
    idle_for(sandbox, 120)
    activity.touch(sandbox.pk)
    assert sweep(sandbox).state == State.READY


def test_work_keeps_a_sandbox_alive_but_a_trickle_does_not(sandbox: Sandbox, lab: Any, sent: Any) -> None:
    box = lab.boxes[sandbox.machines.get().name]
    for cpu, expected in ((10**9, State.READY), (10**9 + 10**7, State.EXPIRED)):
        idle_for(sandbox, 60)
        box.usage = Usage(0, 512 << 20, cpu, 10, 400)
        if expected == State.READY:
            Machine.objects.update(cpu_seen=1)
        else:
            from django.core.cache import cache

            cache.clear()
        watch.watch(interval=5)
        assert sweep(sandbox).state == expected


def test_offender_alone_is_told(sandbox: Sandbox, bruno: Any, exercise: Any, lab: Any, sent: Any) -> None:
    other = lifecycle.start(bruno, exercise)
    work(sent)
    lab.boxes[sandbox.machines.get().name].usage = Usage(0, 512 << 20, 0, 400, 400)
    watch.watch()
    notices = {found.pk: found.notice for found in Sandbox.objects.all()}
    assert "procesos" in notices[sandbox.pk]
    assert notices[other.pk] == ""


def test_cap_applies_only_while_others_wait(sandbox: Sandbox, bruno: Any, exercise: Any, sent: Any, settings: Any) -> None:
    Sandbox.objects.update(ready=LONG_AGO)
    activity.touch(sandbox.pk)
    assert sweep(sandbox).state == State.READY
    settings.ENV = settings.ENV.model_copy(update={"sandboxes_max": 1})
    lifecycle.start(bruno, exercise)
    ended = sweep(sandbox)
    assert ended.state == State.EXPIRED
    assert "esperando" in ended.reason


def test_start_whose_worker_died_fails_and_is_cleaned(sandbox: Sandbox, lab: Any, sent: Any) -> None:
    Sandbox.objects.update(state=State.STARTING, changed=LONG_AGO)
    ended = sweep(sandbox)
    assert ended.state == State.FAILED
    assert lab.boxes == {}


def test_lost_task_is_sent_again(ana: Any, exercise: Any, lab: Any, sent: Any) -> None:
    sandbox = lifecycle.start(ana, exercise)
    sent.clear()
    reaper.sweep()
    work(sent)
    assert Sandbox.objects.get(pk=sandbox.pk).state == State.READY


def test_sandbox_whose_machine_died_says_so_and_can_be_continued(sandbox: Sandbox, lab: Any, sent: Any) -> None:
    lab.boxes[sandbox.machines.get().name].state = "exited"
    ended = sweep(sandbox)
    assert ended.state == State.EXPIRED
    assert "Puedes continuarlo" in ended.reason
    work(sent)
    lifecycle.resume(ended)
    work(sent)
    assert Sandbox.objects.get(pk=sandbox.pk).state == State.READY


def test_what_is_lost_with_the_disk_is_not_offered_and_is_said(sandbox: Sandbox, bruno: Any, exercise: Any, lab: Any, sent: Any) -> None:
    """A site restored from a copy without its disk: neither the sandbox that was live nor the one that was kept is there."""
    kept = lifecycle.start(bruno, exercise)
    work(sent)
    lifecycle.stop(kept, reason="Lo terminaste.")
    work(sent)
    lab.boxes.clear()
    Sandbox.objects.filter(pk=kept.pk).update(changed=LONG_AGO)
    reaper.sweep()
    work(sent)
    for lost in Sandbox.objects.all():
        assert not lost.live
        assert not lost.resumable
        assert "se ha perdido" in lost.reason


def test_sandbox_that_was_killed_by_itself_is_not_told_of_a_restart(
    sandbox: Sandbox, bruno: Any, exercise: Any, lab: Any, sent: Any
) -> None:
    lifecycle.start(bruno, exercise)
    work(sent)
    box = lab.boxes[sandbox.machines.get().name]
    box.state, box.killed = "exited", True
    assert "pasó de lo que puede gastar" in sweep(sandbox).reason


def test_killed_with_all_the_others_is_a_restart(sandbox: Sandbox, lab: Any, sent: Any) -> None:
    box = lab.boxes[sandbox.machines.get().name]
    box.state, box.killed = "exited", True
    assert "se reinició" in sweep(sandbox).reason


def test_orphan_container_and_network_are_removed_but_young_ones_are_left(lab: Any) -> None:
    for name, created in (("lab-viejo", LONG_AGO), ("lab-nuevo", timezone.now())):
        lab.create(name, hostname="lab", labels={"lab.machine": "0"}, limits=Limits(), flavor=Flavor())
        lab.boxes[name].created = created
    lab.nets.add("lab-red-suelta")
    reaper.sweep()
    assert set(lab.boxes) == {"lab-nuevo"}
    assert lab.nets == {"lab-nuevo"}


def test_kept_machines_go_when_their_time_is_over(sandbox: Sandbox, lab: Any, sent: Any) -> None:
    lifecycle.stop(sandbox, reason="")
    work(sent)
    Sandbox.objects.update(kept_until=LONG_AGO)
    ended = sweep(sandbox)
    assert not ended.resumable
    assert lab.boxes == {}


def test_at_most_so_many_are_kept(sandbox: Sandbox, lab: Any, sent: Any, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"keep_max": 0})
    lifecycle.stop(sandbox, reason="")
    work(sent)
    reaper.sweep()
    assert lab.boxes == {}


def test_unreachable_engine_changes_nothing(sandbox: Sandbox, lab: Any, sent: Any) -> None:
    lab.down = True
    idle_for(sandbox, 60)
    assert sweep(sandbox).state == State.READY


class Killed(BaseException):
    """kill -9, between two calls to the engine."""


@pytest.mark.parametrize("seed", range(100))
def test_whatever_step_is_cut_short_nothing_leaks_and_nothing_alive_is_killed(
    seed: int, lab: Any, sent: Any, settings: Any, db: None
) -> None:
    dice = random.Random(seed)  # noqa: S311
    settings.ENV = settings.ENV.model_copy(update={"pool_min": 1, "pool_max": 2})
    exercise = catalog.course().exercises["docker-intensivo/hello-world/hello-world"]
    people = [_person(f"persona{number}") for number in range(3)]
    fuse = [0]
    call = lab._call

    def cut(verb: str, name: str, **more: Any) -> Any:
        fuse[0] -= 1
        if fuse[0] == 0:
            raise Killed
        done = call(verb, name, **more)
        fuse[0] -= 1
        if fuse[0] == 0 and verb != "create":
            raise Killed
        return done

    lab._call = cut
    for _ in range(6):
        person = dice.choice(people)
        fuse[0] = dice.choice([0, 0, *range(1, 12)])
        try:
            live = lifecycle.current(person)
            if live is None:
                lifecycle.start(person, exercise)
            elif dice.random() < 0.5:
                lifecycle.stop(live, reason="")
            else:
                lifecycle.reset(live)
            work(sent)
            pool.tend()
        except Killed:
            sent.clear()
            from django.core.cache import cache

            cache.delete("pool-maker")
    fuse[0] = 0
    _let_time_pass(lab)
    alive = {machine.name for machine in Machine.objects.filter(sandbox__state=State.READY)} & {
        name for name, box in lab.boxes.items() if box.state == "running"
    }
    for _ in range(4):
        reaper.sweep()
        work(sent)
        _let_time_pass(lab)
    rows = {machine.name: machine for machine in Machine.objects.all()}
    assert set(lab.boxes) == set(rows)
    assert lab.nets == set(rows)
    assert not Sandbox.objects.filter(state__in=(State.REQUESTED, State.STARTING)).exists()
    for name in alive:
        machine = rows[name]
        assert machine.sandbox
        assert machine.sandbox.state == State.READY
        assert lab.boxes[name].state == "running"
    for machine in rows.values():
        if machine.sandbox and not machine.sandbox.live:
            assert lab.boxes[machine.name].state != "running"


def _let_time_pass(lab: Any) -> None:
    """Make everything old but keep alive what is ready."""
    old = timezone.now() - timedelta(minutes=10)
    Machine.objects.update(created=old)
    Sandbox.objects.exclude(state=State.READY).update(changed=old)
    for box in lab.boxes.values():
        box.created = old


def test_what_can_not_be_removed_does_not_keep_the_rest_of_a_sweep_from_being_done(ana: Any, lab: Any, sent: Any, exercise: Any) -> None:
    sandbox = lifecycle.start(ana, exercise)
    work(sent)
    lifecycle.stop(sandbox, reason="")
    work(sent)
    Sandbox.objects.update(kept_until=timezone.now() - timedelta(minutes=1))
    lab.broken.add("remove")
    reaper.sweep()
    assert Sandbox.objects.get().machines.count() == 1
    lab.broken.clear()
    reaper.sweep()
    assert lab.boxes == {}
