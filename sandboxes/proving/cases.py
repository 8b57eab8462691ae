"""What is to be tried of an exercise, and what must come of it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from enum import StrEnum

from lessons.catalog import Exercise

HARMLESS = "# prescindible"
"""Marks a line of a solution that may be left out without any check noticing: one that only looks."""
_ORDERS = re.compile(r"@[a-z0-9-]+|\?.*|#.*|\s*")
"""Lines that are no command: a node, an answer, a comment, nothing."""


class Kind(StrEnum):
    UNTOUCHED = "sin tocar"
    SOLUTION = "solución"
    MISTAKE = "error"
    MUTANT = "sin una línea"


@dataclass(frozen=True)
class Case:
    """One thing to try in a sandbox of its own. `commands` still holds the marks of values."""

    exercise: Exercise
    kind: Kind
    name: str
    commands: tuple[str, ...] = ()
    again: bool = False
    mistake: int | None = None
    """Which of the exercise's mistakes it is."""


def cases(exercise: Exercise, *, thorough: bool) -> list[Case]:
    """Every case of an exercise; `thorough` adds each solution's second run and the mutants of the first."""
    found = [Case(exercise, Kind.UNTOUCHED, "sin tocar")]
    for number, script in enumerate(exercise.solutions, start=1):
        typed = tuple(statements(script))
        found.append(Case(exercise, Kind.SOLUTION, f"solución {number}", typed))
        if thorough:
            found.append(Case(exercise, Kind.SOLUTION, f"solución {number}, otra vez", typed, again=True))
    for position, mistake in enumerate(exercise.mistakes):
        found.append(Case(exercise, Kind.MISTAKE, f"error «{mistake.titulo}»", tuple(statements(mistake.ordenes)), mistake=position))
    if thorough and exercise.solutions:
        first = statements(exercise.solutions[0])
        for position, left_out in enumerate(first):
            if not _ORDERS.fullmatch(left_out) and not left_out.endswith(HARMLESS):
                rest = (*first[:position], *first[position + 1 :])
                found.append(Case(exercise, Kind.MUTANT, f"sin «{left_out.splitlines()[0][:70]}»", rest))
    return found


def statements(script: str) -> list[str]:
    """A script's commands one by one, those of several lines whole: what is typed before each Enter that runs something."""
    whole, pending = [], ""
    for line in script.splitlines():
        pending = f"{pending}\n{line}" if pending else line
        if _ORDERS.fullmatch(pending) or _is_whole(pending):
            if pending.strip():
                whole.append(pending)
            pending = ""
    return [*whole, pending] if pending.strip() else whole


def _is_whole(text: str) -> bool:
    """Whether a shell would run this, or ask for more."""
    if (len(text) - len(text.rstrip("\\"))) % 2:
        return False
    # -n reads and runs nothing; what it reads is the course's.
    read = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    return not read.returncode and "here-document" not in read.stderr
