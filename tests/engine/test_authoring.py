"""What `new_exercise` writes is proven as it is, on the real engine: an author begins with something that works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lessons.authoring import new_exercise, new_lesson

pytestmark = pytest.mark.engine


def test_the_start_of_an_exercise_is_proven_as_it_is(tmp_path: Path) -> None:
    course = tmp_path / "mi-curso"
    new_lesson(course, slug="primeros-pasos", title="Primeros pasos")
    new_exercise(course, lesson="primeros-pasos", slug="tu-nombre", title="Tu nombre")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "DJANGO_"))}
    environment |= {"LAB_ENV_FILE": os.environ["LAB_ENV_FILE"], "LAB_COURSE_DIR": str(course)}
    command = [sys.executable, "manage.py", "prove_exercises", "--rapido", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    proofs = json.loads(done.stdout)
    assert len(proofs) == 5
    assert [proof["fault"] for proof in proofs if proof["fault"]] == []
