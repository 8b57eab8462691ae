"""What an attempt of the doctor's is: a command, what must come of it, and who judges that. What is tried is data elsewhere.

Commands run in `sh` as the student's root. They say what they achieved in so many words, so that a judge recognises a
refusal by what it is and silence never counts as one. `{host}`, `{port}` and `{neighbour}` are filled in by the
runner. Openings are tried without writing where a success could harm the host.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

ANSWERS = 2.0
"""Seconds within which a neighbour must go on answering while it is attacked."""


@dataclass(frozen=True)
class Seen:
    """What came of an attack: its exit code and words; how the neighbour fared, if it was asked."""

    code: int
    said: str
    slowest: float = 0.0
    """The slowest of the neighbour's answers, in seconds."""
    neighbour_failed: str = ""
    """The first thing that the neighbour could not do, in its words; empty if it could everything."""


Judge = Callable[[Seen], bool]


def says(pattern: str) -> Judge:
    """It held if the attack's words match this, from their first to their last."""
    return lambda seen: re.fullmatch(pattern, seen.said.strip(), re.DOTALL) is not None


def counts(pattern: str, *, most: int) -> Judge:
    """It held if the number in the words is there, at least one, and no larger than `most`."""

    def judge(seen: Seen) -> bool:
        found = re.search(pattern, seen.said)
        return found is not None and 0 < int(found[1]) <= most

    return judge


def spared(judge: Judge) -> Judge:
    """It held if, besides, the neighbour did all it was asked in time."""
    return lambda seen: judge(seen) and not seen.neighbour_failed and seen.slowest <= ANSWERS


@dataclass(frozen=True)
class Attack:
    """One attempt. With `neighbour`, that command runs again and again in another sandbox while the attack lasts."""

    name: str
    tried: str
    command: str
    expected: str
    judge: Judge
    neighbour: str = ""
    seconds: float = 30


KILLED = 137
"""The exit code of what was killed with its sandbox."""
HOLD = 2
"""Seconds an exhausted resource is held, for the neighbour to need it."""
NOTHING = "sin éxito"
"""What a command says at its end if nothing it tried came off."""


def each(attempts: str) -> str:
    """A script whose `got` notes a success; it says them all, or that there was none."""
    return f'out=; got() {{ out="$out $*"; }}\n{attempts}\necho "${{out:-{NOTHING}}}"'


none = says(NOTHING)
