"""The steps of an exercise of the course, on real machines: done, kept, spoilt and gone back to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lessons import catalog
from lessons.models import CheckRun
from sandboxes import checkpoints, engine, grading, lifecycle
from sandboxes.models import Checkpoint, Machine, Sandbox, State
from tests.conftest import work
from tests.engine.test_collector import as_student

pytestmark = [pytest.mark.engine, pytest.mark.django_db]
EXERCISE = "docker-intensivo/instrucciones/la-cache-que-miente"


@pytest.fixture
def sandbox(ana: Any, real_lab: Any, sent: Any) -> Iterator[Sandbox]:
    engine.use(real_lab)
    try:
        made = lifecycle.start(ana, catalog.course().exercises[EXERCISE])
        work(sent)
        made.refresh_from_db()
        assert made.state == State.READY, made.reason
        yield made
    finally:
        for machine in Machine.objects.all():
            real_lab.remove(machine.name)
        for row in Checkpoint.objects.all():
            for copy in row.copies.values():
                real_lab.remove_checkpoint(copy)
        engine.use(None)


def check(sandbox: Sandbox, sent: Any) -> dict[str, str]:
    """Press *Comprobar*: each check's status."""
    run = grading.request_check(sandbox)
    assert run
    work(sent)
    return {item["id"]: item["status"] for item in CheckRun.objects.get(pk=run.pk).results}


def test_what_is_spoilt_after_a_step_goes_on_from_its_copy(sandbox: Sandbox, real_lab: Any, sent: Any) -> None:
    lines = catalog.course().exercises[EXERCISE].solutions[0].splitlines()
    as_student(real_lab, sandbox, "\n".join(lines[:2]))
    found = check(sandbox, sent)
    assert (found["vieja"], found["miente"], found["receta"]) == ("passed", "passed", "failed")
    assert [kept.step for kept in checkpoints.offered(sandbox)] == [1]

    as_student(real_lab, sandbox, "docker rmi -f util:1.0 util:1.1; rm -r util")
    assert check(sandbox, sent)["vieja"] == "failed"

    back = lifecycle.restore(checkpoints.offered(sandbox)[0], sandbox)
    work(sent)
    back.refresh_from_db()
    assert back.state == State.READY, back.reason
    assert check(back, sent)["miente"] == "passed", "its images and files are as they were"
    as_student(real_lab, back, "\n".join(lines[2:]))
    assert set(check(back, sent).values()) == {"passed"}
    assert [kept.step for kept in checkpoints.offered(back)] == [1, 2]
