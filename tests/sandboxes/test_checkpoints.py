"""Steps that were done can be gone back to."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from lessons import catalog
from lessons.exercises import Exercise, Step
from sandboxes import checkpoints, lifecycle, reaper
from sandboxes.models import Checkpoint, Machine, Sandbox, State
from tests.conftest import work
from tests.sandboxes.fake_engine import FakeLabEngine

KEY = "docker-intensivo/hello-world/hello-world"
STEPS = (Step(titulo="La imagen", comprobacion="imagen"), Step(titulo="Hola", comprobacion="hello"))
pytestmark = pytest.mark.django_db


@pytest.fixture
def exercise(monkeypatch: pytest.MonkeyPatch) -> Exercise:
    stepped = dataclasses.replace(catalog.course().exercises[KEY], steps=STEPS, files={"nota": "plantada"})
    monkeypatch.setitem(catalog.course().exercises, KEY, stepped)
    return stepped


@pytest.fixture
def sandbox(ana: Any, lab: FakeLabEngine, exercise: Exercise, sent: Any) -> Sandbox:
    made = lifecycle.start(ana, exercise)
    work(sent)
    made.refresh_from_db()
    assert made.state == State.READY
    return made


def test_a_step_is_due_once_its_check_has_passed_until_it_is_kept(sandbox: Sandbox, exercise: Exercise) -> None:
    assert sandbox.attempt
    assert checkpoints.due(exercise, sandbox.attempt, ["saludo"]) == []
    assert checkpoints.due(exercise, sandbox.attempt, ["imagen", "hello"]) == [1, 2]
    assert checkpoints.keep(sandbox, 1)
    assert checkpoints.due(exercise, sandbox.attempt, ["imagen", "hello"]) == [2]
    assert not checkpoints.keep(sandbox, 1)


def test_going_back_makes_a_sandbox_from_the_copy_in_the_same_attempt(sandbox: Sandbox, lab: FakeLabEngine, sent: Any) -> None:
    checkpoints.keep(sandbox, 1)
    (kept,) = checkpoints.offered(sandbox)
    lab.calls.clear()
    back = lifecycle.restore(kept, sandbox)
    work(sent)
    back.refresh_from_db()
    sandbox.refresh_from_db()
    assert (back.state, back.attempt) == (State.READY, sandbox.attempt)
    assert lab.boxes[back.machines.get().name].flavor.images in lab.copies
    assert sandbox.state == State.REMOVED
    assert sandbox.resumable
    assert "put_files" not in [verb for verb, _ in lab.calls], "what was planted is in the copy, perhaps changed"


def test_the_page_offers_the_steps_and_goes_back(sandbox: Sandbox, client: Any, ana: Any, sent: Any) -> None:
    client.force_login(ana)
    url = reverse("lab-panel", args=KEY.split("/"))
    assert "Volver a un paso" not in client.get(url).content.decode()
    checkpoints.keep(sandbox, 2)
    assert "Paso 2: Hola" in client.get(url).content.decode()
    act = reverse("lab-act", args=[*KEY.split("/"), "volver"])
    assert "ya no se conserva" in client.post(act, {"paso": "1"}, headers={"HX-Request": "true"}).content.decode()
    client.post(act, {"paso": "2"}, headers={"HX-Request": "true"})
    live = lifecycle.current(ana)
    assert live
    assert live.checkpoint == Checkpoint.objects.get(step=2)


def test_a_sandbox_that_wrote_too_much_is_not_copied(sandbox: Sandbox, lab: FakeLabEngine) -> None:
    lab.boxes[sandbox.machines.get().name].written = 5 << 30
    assert not checkpoints.keep(sandbox, 1)
    assert not Checkpoint.objects.exists()


def test_a_copy_that_failed_is_not_offered_and_goes(sandbox: Sandbox, lab: FakeLabEngine) -> None:
    lab.broken.add("commit")
    assert not checkpoints.keep(sandbox, 1)
    assert checkpoints.offered(sandbox) == []
    checkpoints.sweep()
    assert Checkpoint.objects.count() == 1
    Checkpoint.objects.update(created=timezone.now() - timedelta(hours=1))
    checkpoints.sweep()
    assert not Checkpoint.objects.exists()


def test_copies_go_with_the_last_sandbox_of_their_attempt_and_not_before(sandbox: Sandbox, lab: FakeLabEngine, sent: Any) -> None:
    checkpoints.keep(sandbox, 1)
    lifecycle.stop(sandbox, reason="")
    work(sent)
    checkpoints.sweep()
    assert len(lab.copies) == 1
    Sandbox.objects.update(kept_until=timezone.now() - timedelta(seconds=1))
    reaper.sweep()
    checkpoints.sweep()
    assert lab.copies == {}
    assert not Checkpoint.objects.exists()


def test_a_copy_stays_while_a_machine_stands_on_it(sandbox: Sandbox, lab: FakeLabEngine) -> None:
    checkpoints.keep(sandbox, 1)
    (copy,) = lab.copies
    Machine.objects.update(images=copy)
    box = lab.boxes[Machine.objects.get().name]
    box.flavor = dataclasses.replace(box.flavor, images=copy)
    Sandbox.objects.update(attempt=None)
    checkpoints.sweep()
    assert list(lab.copies) == [copy]
    assert Checkpoint.objects.exists()


def test_a_copy_that_nobody_knows_of_is_removed(lab: FakeLabEngine) -> None:
    lab.copies["0" * 32] = "lab-x"
    checkpoints.sweep()
    assert lab.copies == {}


def test_a_sandbox_that_stands_still_while_it_is_copied_is_not_taken_for_lost(sandbox: Sandbox, lab: FakeLabEngine) -> None:
    def sweep_meanwhile(name: str, checkpoint: str) -> None:
        lab.boxes[name].state = "paused"
        Sandbox.objects.update(changed=timezone.now() - timedelta(minutes=1))
        reaper.sweep()
        lab.boxes[name].state = "running"
        lab.copies[checkpoint] = name

    lab.commit = sweep_meanwhile  # type: ignore[method-assign]
    assert checkpoints.keep(sandbox, 1)
    sandbox.refresh_from_db()
    assert sandbox.state == State.READY
