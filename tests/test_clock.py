"""The worker's clock: one that has ended is replaced by another, which the worker ends with the rest."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from celery.worker.components import Beat

from labsite.celery import app
from labsite.clock import Clock


class Process:
    """As much of a clock as is looked at."""

    exitcode = -9

    def __init__(self, *, lives: bool) -> None:
        self.lives = lives

    def is_alive(self) -> bool:
        return self.lives


class Step:
    """Celery's step that holds the clock."""

    obj: Process

    def create(self, worker: Any) -> Process:
        worker.beat = Process(lives=False)
        return worker.beat  # type: ignore[no-any-return]

    def start(self, _worker: Any) -> None:
        self.obj.lives = True


def test_a_clock_that_has_ended_is_replaced_and_one_that_lives_is_left_alone() -> None:
    step = Step()
    worker = SimpleNamespace(beat=Process(lives=False), blueprint={Beat.name: step})
    Clock(None).look(worker)
    second = worker.beat
    assert second.lives
    assert step.obj is second
    Clock(None).look(worker)
    assert worker.beat is second


def test_nothing_is_looked_at_once_the_worker_ends() -> None:
    entries: list[Any] = []

    class Looks:
        """As much of Celery's timer as is used."""

        cancelled = False

        def call_repeatedly(self, *_given: object) -> Looks:
            entries.append(self)
            return self

        def cancel(self) -> None:
            self.cancelled = True

    worker = SimpleNamespace(beat=Process(lives=True), timer=Looks())
    for end in (Clock.stop, Clock.terminate):
        clock = Clock(None)
        clock.start(worker)
        worker.timer.cancelled = False
        end(clock, worker)
        assert entries[-1].cancelled


def test_it_stops_before_the_clock_itself() -> None:
    assert Beat in Clock.requires


def test_the_worker_has_the_step() -> None:
    assert Clock in app.steps["worker"]
