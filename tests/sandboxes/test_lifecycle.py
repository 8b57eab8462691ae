"""A sandbox's life, on the fake engine."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from lessons import catalog
from lessons.models import Attempt
from sandboxes import expiry, lifecycle, queue, turns
from sandboxes.models import Machine, Sandbox, State
from sandboxes.turns import turn
from tests.conftest import work

pytestmark = pytest.mark.django_db


@pytest.fixture
def exercise() -> catalog.Exercise:
    return catalog.course().exercises["docker-intensivo/hello-world/hello-world"]


@pytest.fixture
def other() -> catalog.Exercise:
    return catalog.course().exercises["docker-intensivo/capas-de-imagen/una-capa-menos"]


def start(user: Any, exercise: catalog.Exercise, sent: Any) -> Sandbox:
    sandbox = lifecycle.start(user, exercise)
    work(sent)
    sandbox.refresh_from_db()
    return sandbox


def test_start_makes_a_ready_sandbox_with_one_running_machine(ana: Any, exercise: Any, lab: Any, sent: Any) -> None:
    sandbox = start(ana, exercise, sent)
    assert sandbox.state == State.READY
    machine = sandbox.machines.get()
    assert machine.state == Machine.State.TAKEN
    assert lab.boxes[machine.name].state == "running"


def test_two_clicks_give_one_sandbox(ana: Any, exercise: Any, lab: Any, sent: Any) -> None:
    first, second = lifecycle.start(ana, exercise), lifecycle.start(ana, exercise)
    work(sent)
    assert first == second
    assert len(lab.boxes) == 1


def test_bringing_up_twice_makes_one_machine(ana: Any, exercise: Any, lab: Any, sent: Any) -> None:
    sandbox = lifecycle.start(ana, exercise)
    work([*sent, *sent])
    lifecycle.bring_up(sandbox)
    assert len(lab.boxes) == 1


def test_another_exercise_asks_before_it_swaps(ana: Any, exercise: Any, other: Any, lab: Any, sent: Any) -> None:
    first = start(ana, exercise, sent)
    with pytest.raises(lifecycle.Occupied) as occupied:
        lifecycle.start(ana, other)
    assert occupied.value.sandbox == first
    second = lifecycle.start(ana, other, swap=True)
    work(sent)
    first.refresh_from_db()
    assert (first.state, second.state) == (State.REMOVED, State.REQUESTED)
    assert Sandbox.objects.get(pk=second.pk).state == State.READY


def test_two_students_have_a_sandbox_each(ana: Any, bruno: Any, exercise: Any, lab: Any, sent: Any) -> None:
    assert start(ana, exercise, sent) != start(bruno, exercise, sent)
    assert len(lab.boxes) == 2


def test_failed_start_says_why_leaves_nothing_and_can_be_retried(ana: Any, exercise: Any, lab: Any, sent: Any) -> None:
    lab.broken = {"start"}
    sandbox = start(ana, exercise, sent)
    assert sandbox.state == State.FAILED
    assert "no pudo arrancar" in sandbox.reason
    assert lab.boxes == {}
    assert not Machine.objects.exists()
    lab.broken = set()
    assert start(ana, exercise, sent).state == State.READY


def test_stop_keeps_the_machine_and_continue_brings_it_back(ana: Any, exercise: Any, lab: Any, sent: Any) -> None:
    sandbox = start(ana, exercise, sent)
    name = sandbox.machines.get().name
    lifecycle.stop(sandbox, reason="porque sí")
    work(sent)
    sandbox.refresh_from_db()
    assert (sandbox.state, sandbox.reason, sandbox.resumable) == (State.REMOVED, "porque sí", True)
    assert lab.boxes[name].state == "exited"
    lifecycle.resume(sandbox)
    work(sent)
    sandbox.refresh_from_db()
    assert sandbox.state == State.READY
    assert [machine.name for machine in sandbox.machines.all()] == [name]
    assert lab.boxes[name].state == "running"


def test_stopping_twice_counts_once(ana: Any, exercise: Any, lab: Any, sent: Any) -> None:
    sandbox = start(ana, exercise, sent)
    assert lifecycle.stop(sandbox, reason="una")
    assert not lifecycle.stop(sandbox, reason="dos")


def test_reset_gives_a_clean_machine_and_a_new_attempt(ana: Any, exercise: Any, lab: Any, sent: Any) -> None:
    first = start(ana, exercise, sent)
    second = lifecycle.reset(first)
    work(sent)
    assert second.pk != first.pk
    assert set(second.machines.values_list("name")) & set(first.machines.values_list("name")) == set()
    assert Attempt.objects.filter(ended=None).count() == 1


def test_stop_while_starting_leaves_nothing_running(ana: Any, exercise: Any, lab: Any, sent: Any, monkeypatch: Any) -> None:
    sandbox = lifecycle.start(ana, exercise)
    ready = lab.wait_ready

    def stopped_meanwhile(name: str, *, seconds: float) -> None:
        ready(name, seconds=seconds)
        lifecycle.stop(Sandbox.objects.get(pk=sandbox.pk), reason="se fue")

    monkeypatch.setattr(lab, "wait_ready", stopped_meanwhile)
    work(sent)
    sandbox.refresh_from_db()
    assert sandbox.state == State.REMOVED
    assert all(box.state != "running" for box in lab.boxes.values())


def test_full_lab_queues_and_the_next_in_line_starts_by_itself(
    ana: Any, bruno: Any, exercise: Any, lab: Any, sent: Any, settings: Any
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"sandboxes_max": 1})
    first = start(ana, exercise, sent)
    second = start(bruno, exercise, sent)
    assert second.state == State.REQUESTED
    assert queue.place(second) == 1
    lifecycle.stop(first, reason="")
    work(sent)
    second.refresh_from_db()
    assert second.state == State.READY


def test_extending_starts_the_countdown_over(ana: Any, exercise: Any, lab: Any, sent: Any) -> None:
    sandbox = start(ana, exercise, sent)
    Sandbox.objects.update(active=timezone.now() - timedelta(minutes=26))
    sandbox.refresh_from_db()
    before = expiry.end_of(sandbox)
    lifecycle.extend(sandbox)
    sandbox.refresh_from_db()
    assert (before.near, expiry.end_of(sandbox).near) == (True, False)


def test_continue_that_fails_keeps_what_the_student_had(ana: Any, exercise: Any, lab: Any, sent: Any) -> None:
    sandbox = start(ana, exercise, sent)
    name = sandbox.machines.get().name
    lifecycle.stop(sandbox, reason="")
    work(sent)
    lab.broken = {"start"}
    lifecycle.resume(sandbox)
    work(sent)
    sandbox.refresh_from_db()
    assert (sandbox.state, sandbox.resumable) == (State.FAILED, True)
    lab.broken = set()
    lifecycle.resume(sandbox)
    work(sent)
    sandbox.refresh_from_db()
    assert sandbox.state == State.READY
    assert sandbox.machines.get().name == name


def test_putting_away_late_does_not_stop_what_was_continued(ana: Any, exercise: Any, lab: Any, sent: Any) -> None:
    sandbox = start(ana, exercise, sent)
    lifecycle.stop(sandbox, reason="")
    late = sent.pop()
    lifecycle.resume(sandbox)
    work(sent)
    work([late])
    assert Sandbox.objects.get().state == State.READY
    assert [box.state for box in lab.boxes.values()] == ["running"]


def test_turns_on_one_sandbox_do_not_overlap_and_on_two_do() -> None:
    inside, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def first() -> None:
        with turn("uno"):
            inside.set()
            go_on.wait(10)
            order.append("first")

    def second() -> None:
        with turn("uno"):
            order.append("second")

    workers = [threading.Thread(target=first), threading.Thread(target=second)]
    workers[0].start()
    inside.wait(10)
    workers[1].start()
    with turn("dos"):
        order.append("other")
    go_on.set()
    for worker in workers:
        worker.join(10)
    assert order == ["other", "first", "second"]


def test_turn_outlives_its_lease_and_that_of_a_killed_worker_is_over_with_it(monkeypatch: Any) -> None:
    monkeypatch.setattr(turns, "LEASE", 0.4)
    held, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def alive() -> None:
        with turn("tres"):
            held.set()
            go_on.wait(10)
            order.append("alive")

    def following() -> None:
        with turn("tres"):
            order.append("following")

    workers = [threading.Thread(target=alive), threading.Thread(target=following)]
    workers[0].start()
    held.wait(10)
    workers[1].start()
    workers[1].join(4 * turns.LEASE)
    assert order == []
    monkeypatch.setattr(turns, "LONGEST", 0)  # nothing taken from here on is renewed, as if its worker were dead
    dead = turns.turn("cuatro")
    dead.__enter__()
    go_on.set()
    monkeypatch.setattr(turns, "LONGEST", 10)
    with turn("cuatro"):
        order.append("after the dead")
    for worker in workers:
        worker.join(10)
    assert order[:1] == ["alive"]
    assert sorted(order[1:]) == ["after the dead", "following"]
    dead.__exit__(None, None, None)


def test_who_begins_anew_in_a_full_lab_does_not_go_behind_those_who_wait(
    ana: Any, bruno: Any, exercise: Any, lab: Any, sent: Any, settings: Any
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"sandboxes_max": 1})
    first, waiting = start(ana, exercise, sent), start(bruno, exercise, sent)
    assert waiting.state == State.REQUESTED
    again = lifecycle.reset(first)
    work(sent)
    again.refresh_from_db()
    waiting.refresh_from_db()
    assert (again.state, waiting.state) == (State.READY, State.REQUESTED)
