"""Every exercise, proven on the real engine: untouched fails, solutions pass, mistakes earn their messages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lessons import catalog
from sandboxes.proving import prove

pytestmark = pytest.mark.engine


def test_every_exercise_is_proven(real_lab: Any) -> None:
    exercises = catalog.course().exercises.values()
    # Two at a time: as many as the machine has cores.
    with ThreadPoolExecutor(2) as pool:
        proofs = [proof for found in pool.map(lambda exercise: list(prove(exercise, real_lab)), exercises) for proof in found]
    assert len(proofs) >= 6 * len(exercises)
    assert [f"{proof.exercise}: {proof.case}: {proof.fault}" for proof in proofs if proof.fault] == []
