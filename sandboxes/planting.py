"""Plants what an exercise begins with into machines that nobody has used yet: its files, then its preparation."""

from __future__ import annotations

from collections.abc import Mapping

from lessons.catalog import Exercise
from sandboxes.engine import EngineError, LabEngine, PlantedFile

HOME = "/home/alumno"
STUDENT = 1000
"""alumno's user and group id in the sandbox image."""
PREPARATION_SECONDS = 60


def plant(exercise: Exercise, engine: LabEngine, machines: Mapping[str, str]) -> None:
    """Plant a bound exercise into fresh, running machines (node → container); raises EngineError.

    Nobody's shell runs yet, so no link of a student's can lead a file elsewhere."""
    files = [PlantedFile(path, content.encode(), 0o755 if path.endswith(".sh") else 0o644) for path, content in exercise.files.items()]
    for name in machines.values() if files else ():
        engine.put_files(name, HOME, files, owner=STUDENT)
    for node, script in exercise.preparation.items():
        if node in machines:
            done = engine.run(machines[node], ["bash", "-euc", script], seconds=PREPARATION_SECONDS)
            if done.code:
                said = done.output.decode(errors="replace").strip()[-300:]
                raise EngineError(f"the preparation of {exercise.key} on {node} ended with {done.code}: {said}")
