"""What is marked in a recording: its commands, what happened in the engine, and what became of the checks, on one clock.

Commands are read from the screen's own bytes, between the shell's marks OSC 133;B and 133;C (sandboxes/images/sandbox/
lab.sh): what was echoed, never what was typed. A recording is a student's: whatever is odd in it is shown as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMMAND, EVENT, CHECK = "orden", "suceso", "comprobacion"
MARKS = 400
LINE = 160
RESET = "\x1bc"
"""Begins the screen as it was found, which is the first thing that a recording shows."""
END = 0.5
"""Seconds that a recording goes on after its last mark."""
_ESCAPES = re.compile(r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)|\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
_MARK = re.compile(r"\x1b\]133;([ABCD])(?:;(\d{1,3}))?[^\x07\x1b]*(?:\x07|\x1b\\)")

_UNENDED = re.compile(r"\x1b(?:\][^\x07\x1b]{0,40})?\Z")


@dataclass(frozen=True)
class Mark:
    """`at`: seconds since the recording began."""

    at: float
    kind: str
    text: str
    good: bool | None = None
    """Whether a check passed or a command ended well; None where that is not known."""


def events(path: Path) -> Iterator[tuple[float, str, str]]:
    """The recording's own: seconds since its start, code, text. Stops at the first line that is none."""
    at = 0.0
    with path.open(encoding="utf-8", errors="replace") as file:
        next(file, "")
        for line in file:
            try:
                interval, code, text = json.loads(line)
                at += float(interval)
            except (ValueError, TypeError):
                return
            yield at, str(code), str(text)


def commands(path: Path) -> list[Mark]:
    """The commands that were carried out, when they were sent off, and whether they ended well.

    Those that the screen showed when the recording began are not: they are of the one before."""
    found: list[Mark] = []
    at_first = True
    typed: str | None = None
    cut = ""
    for at, code, text in events(path):
        if code != "o":
            continue
        # A mark may come in two pieces.
        text = cut + text
        unended = _UNENDED.search(text)
        cut = unended[0] if unended else ""
        text = text.removesuffix(cut)
        end = 0
        for mark in _MARK.finditer(text):
            if typed is not None:
                typed = (typed + text[end : mark.start()])[-4000:]
            end = mark.end()
            if mark[1] == "B":
                typed = ""
            elif mark[1] == "C" and typed is not None:
                if said := plain(typed):
                    found.append(Mark(at, COMMAND, said))
                typed = None
            elif mark[1] == "D" and found and found[-1].good is None and mark[2]:
                found[-1] = Mark(found[-1].at, COMMAND, found[-1].text, mark[2] == "0")
        if typed is not None:
            typed = (typed + text[end:])[-4000:]
        if at_first and text.startswith(RESET):
            found.clear()
        at_first = False
    return found[-MARKS:]


def plain(text: str) -> str:
    """A command line as it was left, from the bytes that drew it: escapes gone, what was rubbed out too."""
    drawn: list[str] = []
    for letter in _ESCAPES.sub("", text):
        if letter == "\b":
            del drawn[-1:]
        elif letter >= " " or letter == "\t":
            drawn.append(letter)
    return "".join(drawn).strip()[:LINE]


def merged(path: Path, marks: list[Mark]) -> Iterator[str]:
    """The recording with the marks in it as the player takes them, line by line."""
    with path.open(encoding="utf-8", errors="replace") as file:
        yield next(file, "")
    waiting = sorted(marks, key=lambda mark: mark.at)
    last = 0.0
    for at, code, text in events(path):
        while waiting and waiting[0].at <= at:
            mark = waiting.pop(0)
            when = max(last, mark.at)
            yield json.dumps([round(when - last, 6), "m", mark.text], ensure_ascii=False) + "\n"
            last = when
        yield json.dumps([round(at - last, 6), code, text], ensure_ascii=False) + "\n"
        last = at
    for mark in waiting:
        when = max(last, mark.at)
        yield json.dumps([round(when - last, 6), "m", mark.text], ensure_ascii=False) + "\n"
        last = when
    if waiting:
        # The player draws no mark at its very end.
        yield json.dumps([END, "o", ""]) + "\n"


def cause(found: list[Mark], *, before: float, words: list[str]) -> int | None:
    """Which of the marks, all of them in order, is the command that a check most likely failed for.

    The last before it that names something of what the check asks; else the last one."""
    earlier = [(number, mark) for number, mark in enumerate(found) if mark.kind == COMMAND and mark.at <= before]
    for number, mark in reversed(earlier):
        if any(word in mark.text for word in words):
            return number
    return earlier[-1][0] if earlier else None
