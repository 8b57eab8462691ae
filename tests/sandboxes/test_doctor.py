"""The doctor's judgement, and what keeps an unsafe lab closed."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from sandboxes.doctor import refuse_unsafe
from sandboxes.doctor.attacks import LOUD, QUIET
from sandboxes.engine import ExecResult
from sandboxes.models import DoctorRun


@pytest.mark.parametrize("attack", QUIET, ids=lambda attack: str(attack.name))
def test_no_attempt_holds_both_when_it_succeeds_and_when_it_fails(attack: Any) -> None:
    outcomes = {attack.holds(ExecResult(code, said)) for code in (0, 1) for said in (b"", b"algo", b"25")}
    assert outcomes == {True, False}


@pytest.mark.parametrize("attack", LOUD, ids=lambda attack: str(attack.name))
def test_harm_is_judged_by_the_neighbour(attack: Any) -> None:
    assert attack.then_neighbour


@pytest.mark.django_db
def test_lab_whose_last_examination_failed_stays_closed_until_one_passes(lab: Any) -> None:
    refuse_unsafe()
    DoctorRun.objects.create(passed=False, report=[])
    with pytest.raises(ImproperlyConfigured, match="lab_doctor"):
        refuse_unsafe()
    DoctorRun.objects.create(passed=True, report=[])
    refuse_unsafe()


@pytest.mark.django_db
def test_engine_that_maps_no_ids_is_refused_and_one_that_is_down_is_not(lab: Any, settings: Any) -> None:
    lab.remapped = False
    with pytest.raises(ImproperlyConfigured, match="userns-remap"):
        refuse_unsafe()
    settings.DEBUG = True
    refuse_unsafe()
    settings.DEBUG = False
    lab.down = True
    refuse_unsafe()
