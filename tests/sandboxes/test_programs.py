"""What of a machine's programs was altered is noted for the teacher."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lessons import catalog, progress
from lessons.kinds import Status, Verdict
from lessons.models import CheckRun
from sandboxes import grading, lifecycle, programs, tasks
from sandboxes.models import Machine, Sandbox
from tests.conftest import work
from tests.sandboxes.fake_engine import FakeLabEngine

KEY = "docker-intensivo/hello-world/hello-world"
pytestmark = pytest.mark.django_db


@pytest.fixture
def check(ana: Any, lab: FakeLabEngine, sent: Any) -> CheckRun:
    sandbox = lifecycle.start(ana, catalog.course().exercises[KEY])
    work(sent)
    run = grading.request_check(Sandbox.objects.get(pk=sandbox.pk))
    assert run
    return run


def files(lab: FakeLabEngine) -> dict[str, str]:
    return lab.boxes[Machine.objects.get().name].files


def test_untouched_programs_leave_no_note(check: CheckRun) -> None:
    programs.examine(check)
    check.refresh_from_db()
    assert check.notes == []


@pytest.mark.parametrize(
    ("path", "digest", "said"),
    [
        ("/usr/bin/docker", "other", "no es el de la máquina original"),
        ("/usr/bin/docker", "symlink /home/alumno/docker", "no es el de la máquina original"),
        ("/usr/sbin/dockerd", "", "falta /usr/sbin/dockerd"),
        ("/usr/local/bin/docker", "anything", "se antepone"),
    ],
)
def test_an_altered_program_is_noted(check: CheckRun, lab: FakeLabEngine, path: str, digest: str, said: str) -> None:
    files(lab)[path] = digest
    programs.examine(check)
    check.refresh_from_db()
    assert len(check.notes) == 1
    assert path in check.notes[0]
    assert said in check.notes[0]


def test_the_machine_that_gave_the_originals_is_removed(check: CheckRun, lab: FakeLabEngine) -> None:
    before = set(lab.boxes)
    programs.examine(check)
    assert set(lab.boxes) == before


def test_a_machine_that_ended_is_not_suspicious(check: CheckRun, lab: FakeLabEngine) -> None:
    lab.broken.add("digest")
    programs.examine(check)
    check.refresh_from_db()
    assert check.notes == []


def test_only_a_passed_run_is_examined(check: CheckRun, sent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    exercise = catalog.course().exercises[KEY]
    sent.clear()
    for status, examined in ((Status.FAILED, False), (Status.PASSED, True)):
        verdicts = [(spec.id, Verdict(status, "", "")) for spec in exercise.checks]
        monkeypatch.setattr(grading, "grade", lambda *_args, verdicts=verdicts, **_more: (verdicts, {}))
        monkeypatch.setattr(grading, "Nodes", FakeNodes)
        grading.run_check(check.pk)
        assert (("examine_programs", (check.pk,)) in sent) is examined
        again = progress.begin_check(check.attempt)
        assert again
        check = again


def test_who_waits_for_a_check_goes_first_and_one_is_examined_at_a_time(check: CheckRun, sent: Any, lab: FakeLabEngine) -> None:
    files(lab)["/usr/bin/docker"] = "other"
    sent.clear()
    tasks.examine_programs(check.pk)  # this very run is under way
    assert sent == [("examine_programs", (check.pk, 1))]
    progress.fail_check(check, "ya")
    with programs.the_turn(check) as mine:
        assert mine
        tasks.examine_programs(check.pk, 1)
    assert sent[1:] == [("examine_programs", (check.pk, 2))]
    tasks.examine_programs(check.pk, 2)
    check.refresh_from_db()
    assert len(check.notes) == 1
    assert len(sent) == 2


def test_it_is_not_put_off_for_ever(check: CheckRun, sent: Any, lab: FakeLabEngine) -> None:
    files(lab)["/usr/bin/docker"] = "other"
    tasks.examine_programs(check.pk, programs.PUT_OFF_MOST)
    check.refresh_from_db()
    assert len(check.notes) == 1


def test_a_run_that_gives_nothing_new_is_not_examined_again(check: CheckRun, sent: Any) -> None:
    exercise = catalog.course().exercises[KEY]
    news = []
    for count in (1, 0, 2, 2, 2):  # checks that pass of the two; the exercise asks for the first
        specs = [spec.model_copy(update={"extra": bool(number)}) for number, spec in enumerate(exercise.checks[:2])]
        verdicts = [(spec.id, Verdict(Status.PASSED if n < count else Status.FAILED, "", "")) for n, spec in enumerate(specs)]
        run = progress.begin_check(check.attempt) or check
        progress.end_check(run, replace(exercise, checks=tuple(specs)), verdicts, {})
        news.append(progress.breaks_ground(run))
    assert news == [True, False, True, False, False]


class FakeNodes:
    def __init__(self, *_args: Any, **_more: Any) -> None:
        self.engine = None

    def __enter__(self) -> FakeNodes:
        return self

    def __exit__(self, *_error: Any) -> None:
        pass
