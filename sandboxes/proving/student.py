"""A made-up student for one case, with a sandbox by the same way as everybody's; nothing of either stays."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import connections

from lessons import values
from lessons.catalog import Exercise
from sandboxes import lifecycle
from sandboxes.engine import EngineError
from sandboxes.engine.student import Past
from sandboxes.events import store
from sandboxes.models import State
from sandboxes.registry import credentials

PREFIX = "prueba-"


@dataclass(frozen=True)
class Seat:
    """The exercise with this student's values, and their machines: node → container."""

    exercise: Exercise
    machines: dict[str, str]
    values: dict[str, str]
    past: Callable[[str], Past]


@contextmanager
def made_up() -> Iterator[User]:
    """A student, while the context lasts."""
    user = User.objects.create_user(f"{PREFIX}{uuid.uuid4().hex[:10]}")
    try:
        yield user
    finally:
        user.delete()
        # The thread's own.
        connections.close_all()


@contextmanager
def seat(exercise: Exercise) -> Iterator[Seat]:
    """A student of the exercise, seated; raises EngineError if their sandbox does not start."""
    with made_up() as user:
        sandbox = None
        try:
            sandbox = lifecycle.start_here(user, exercise)
            if sandbox.state != State.READY or sandbox.attempt is None:
                raise EngineError(f"el laboratorio no arrancó: {sandbox.reason}")
            drawn = {**sandbox.attempt.values, values.USER: user.username, values.PASSWORD: credentials.password(user)}
            machines = {machine.node: machine.name for machine in sandbox.machines.all()}
            yield Seat(exercise.bound(drawn), machines, drawn, store.past(sandbox))
        finally:
            if sandbox:
                lifecycle.clear(sandbox)
