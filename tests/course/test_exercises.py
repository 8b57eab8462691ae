"""The exercises that changed since they were proven, and the day's fifth of the others, proven on the real engine.

By the command, on the lab's own database: registries and terminals then know the students that it makes up."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.engine
BUDGET = 900
"""Seconds, more or less: docs/pruebas.md."""


def test_exercises_that_are_due_are_proven() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "DJANGO_"))}
    environment["LAB_ENV_FILE"] = os.environ["LAB_ENV_FILE"]
    command = [sys.executable, "manage.py", "prove_exercises", "--debidos", "--rapido", "--json", "--presupuesto", str(BUDGET)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    sys.stderr.write(done.stderr)
    proofs = json.loads(done.stdout)
    assert [f"{proof['exercise']}: {proof['case']}: {proof['fault']}" for proof in proofs if proof["fault"]] == []
    assert done.returncode == 0
