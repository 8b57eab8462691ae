"""The doctor on the real lab, and a doctor that must find something."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from sandboxes.doctor import examine
from sandboxes.doctor.attacks import QUIET

pytestmark = pytest.mark.engine


def test_every_attack_is_contained(real_lab: Any) -> None:
    findings = list(examine(real_lab))
    assert len(findings) > 20
    assert [finding for finding in findings if not finding.held] == []


def test_a_breach_is_found(real_lab: Any) -> None:
    open_door = dataclasses.replace(QUIET[0], command="true")
    (finding,) = examine(real_lab, (open_door,))
    assert not finding.held
