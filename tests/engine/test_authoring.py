"""What `new_exercise` writes, and the guide's whole exercise, are proven as they are on the real engine: an author begins with
something that works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lessons.authoring import new_exercise, new_lesson

pytestmark = pytest.mark.engine


GUIDE = Path(__file__).parents[2] / "docs" / "autoria.md"


def whole_exercise(home: Path) -> None:
    """What the guide says that its exercise of several machines is."""
    section = GUIDE.read_text().partition("## 8. ")[2]
    for name, language in (("enunciado.md", "markdown"), ("ejercicio.yaml", "yaml")):
        found = re.search(rf"`{name}`:\n\n```{language}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
        assert found, name
        (home / name).write_text(found[1])


def test_the_start_of_an_exercise_and_the_guides_own_are_proven_as_they_are(tmp_path: Path) -> None:
    course = tmp_path / "mi-curso"
    new_lesson(course, slug="primeros-pasos", title="Primeros pasos")
    new_exercise(course, lesson="primeros-pasos", slug="tu-nombre", title="Tu nombre")
    whole_exercise(new_exercise(course, lesson="primeros-pasos", slug="tres-maquinas", title="Tres máquinas").parent)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "DJANGO_"))}
    environment |= {"LAB_ENV_FILE": os.environ["LAB_ENV_FILE"], "LAB_COURSE_DIR": str(course)}
    command = [sys.executable, "manage.py", "prove_exercises", "--rapido", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    proofs = json.loads(done.stdout)
    assert len(proofs) == 5 + 6
    assert [proof["fault"] for proof in proofs if proof["fault"]] == []
