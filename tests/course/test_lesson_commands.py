"""The commands that lessons show do what the texts say: one sandbox per lesson, several at a time, on the real engine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.engine


def test_lessons_show_what_their_commands_answer() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "DJANGO_"))}
    environment["LAB_ENV_FILE"] = os.environ["LAB_ENV_FILE"]
    done = subprocess.run([sys.executable, "manage.py", "prove_lessons"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓" in done.stdout
