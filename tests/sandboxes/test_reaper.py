"""What the sweep puts right, and 100 random schedules of crashes."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from lessons import catalog
from sandboxes import activity, expiry, lifecycle, pool, reaper, watch
from sandboxes.engine import Death, Flavor, Limits, Usage
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


def test_warning_comes_before_the_end_and_goes_when_somebody_stirs(sandbox: Sandbox, client: Any, sent: Any) -> None:
    client.force_login(sandbox.user)
    panel = "/curso/docker-intensivo/hello-world/hello-world/panel/"
    idle_for(sandbox, 24)
    assert "¿Sigues ahí?" not in client.get(panel).content.decode()
    idle_for(sandbox, 26)
    assert sweep(sandbox).state == State.READY
    assert "¿Sigues ahí?" in client.get(panel).content.decode()
    activity.touch(sandbox.pk)
    assert "¿Sigues ahí?" not in client.get(panel).content.decode()


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


def test_who_was_refused_processes_between_two_looks_is_told_once(sandbox: Sandbox, lab: Any, sent: Any) -> None:
    box = lab.boxes[sandbox.machines.get().name]

    def look(cpu: int, refused: bytes) -> str:
        box.usage, lab.outputs["pids.events"] = Usage(0, 512 << 20, cpu, 10, 400), refused
        watch.watch()
        found = Sandbox.objects.get(pk=sandbox.pk).notice
        Sandbox.objects.update(notice="")
        return found

    assert look(10**9, b"0\n") == ""
    assert "límite de procesos (400)" in look(2 * 10**9, b"17\n1\n")
    assert look(3 * 10**9, b"17\n1\n") == ""
    assert look(3 * 10**9 + 1, b"99\n1\n") == "", "it has not stirred: nobody asks"
    assert look(4 * 10**9, b"1\n") == "", "a container that had been refused some is gone, and its count with it"
    assert "procesos" in look(5 * 10**9, b"1\n6\n"), "another one"
    assert "procesos" in look(10**9, b"3\n"), "it began anew, and so did its counts"


def test_who_ran_out_of_memory_is_told_however_short_it_was(sandbox: Sandbox, bruno: Any, exercise: Any, lab: Any, sent: Any) -> None:
    other = lifecycle.start(bruno, exercise)
    work(sent)
    watch.starved(sandbox.machines.get().name)
    notices = {found.pk: found.notice for found in Sandbox.objects.all()}
    assert "agotó su memoria (512 MiB)" in notices[sandbox.pk]
    assert notices[other.pk] == ""


def test_cap_applies_only_while_others_wait(sandbox: Sandbox, bruno: Any, exercise: Any, sent: Any, settings: Any) -> None:
    Sandbox.objects.update(ready=LONG_AGO)
    activity.touch(sandbox.pk)
    assert sweep(sandbox).state == State.READY
    settings.ENV = settings.ENV.model_copy(update={"sandboxes_max": 1})
    waiting = lifecycle.start(bruno, exercise)
    assert sweep(sandbox).state == State.READY, "it is warned first"
    assert expiry.end_of(sandbox).near
    assert not expiry.end_of(sandbox).extensible
    Sandbox.objects.filter(pk=waiting.pk).update(changed=timezone.now() - timedelta(minutes=6))
    ended = sweep(sandbox)
    assert ended.state == State.EXPIRED
    assert "esperando" in ended.reason


def test_no_more_give_way_than_wait_and_those_first_who_have_run_for_longest(
    ana: Any, exercise: Any, lab: Any, sent: Any, settings: Any
) -> None:
    hours = {4.5: "a", 9: "b", 7: "c", 1: "d"}
    for age, name in hours.items():
        began = lifecycle.start(_person(name), exercise)
        work(sent)
        Sandbox.objects.filter(pk=began.pk).update(ready=timezone.now() - timedelta(hours=age))
    settings.ENV = settings.ENV.model_copy(update={"sandboxes_max": 4})
    assert expiry.who_gives_way() == {}
    lifecycle.start(ana, exercise)
    lifecycle.start(_person("e"), exercise)
    assert [Sandbox.objects.get(pk=pk).user.username for pk in expiry.who_gives_way()] == ["b", "c"]


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
    assert ended.state == State.LOST
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


@pytest.mark.parametrize(
    ("killed", "word", "said"),
    [
        (True, "", "de golpe"),
        (True, "cgroups", "grupos de control"),
        (True, "disk", "en su disco (3G)"),
        (True, "kernel", "memoria del núcleo"),
        (False, "", "se apagó desde dentro"),
    ],
)
def test_sandbox_that_ended_by_itself_is_told_why_at_once(
    killed: bool, word: str, said: str, sandbox: Sandbox, bruno: Any, exercise: Any, lab: Any, sent: Any, tmp_path: Path,
    settings: Any,
) -> None:  # fmt: skip
    lifecycle.start(bruno, exercise)
    work(sent)
    box = lab.boxes[sandbox.machines.get().name]
    box.state, box.death = "exited", Death("x", LONG_AGO, killed=killed)
    (tmp_path / "x").write_text(f"{word}\n")
    if not word:
        os.utime(tmp_path / "x", (0, 0))  # of an end before this one
    settings.ENV = settings.ENV.model_copy(update={"endings_dir": str(tmp_path)})
    reaper.look_at(sandbox.machines.get().name)
    ended = Sandbox.objects.get(pk=sandbox.pk)
    assert ended.state == State.LOST
    assert said in ended.reason


def test_killed_with_all_the_others_is_a_restart(sandbox: Sandbox, lab: Any, sent: Any) -> None:
    box = lab.boxes[sandbox.machines.get().name]
    box.state, box.death = "exited", Death("x", LONG_AGO, killed=True)
    idle_for(sandbox, 600)  # the server was off for a night
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
