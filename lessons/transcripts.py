"""Blocks of a terminal in a text: the commands, what they answer, and where they are to be run.

    ```terminal nodo=servidor falla
    $ docker run busybox:1.37 echo hola
    hola
    ```

A line that begins with `$ ` is a command. It goes on in the next line after a `\\` at its end, and in lines that begin
with `> `. All else is answer. Refuses to run anything: the page's buttons and the proofs do.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

LANGUAGES = ("terminal", "console")
"""Only those of `terminal` can be run from the page."""
FLAGS = {"falla", "nueva"}
KEYS = {"nodo", "no-probar"}
_NODE = re.compile(r"[a-z][a-z0-9-]{0,20}")


@dataclass(frozen=True)
class Piece:
    """A command with its continuation lines, or lines of answer. `shown` is as written, prompt included."""

    command: str
    """Empty for answers."""
    shown: str


@dataclass(frozen=True)
class Transcript:
    """One block. Raises nothing: what is odd about its words is in `faults`."""

    pieces: tuple[Piece, ...]
    runnable: bool
    node: str = ""
    fails: bool = False
    fresh: bool = False
    untested: str = ""
    """Why its commands are not to be proven; empty: they are."""
    faults: tuple[str, ...] = ()

    @property
    def commands(self) -> tuple[str, ...]:
        return tuple(piece.command for piece in self.pieces if piece.command)


def is_transcript(info: str) -> bool:
    return info.split(maxsplit=1)[:1] in (["terminal"], ["console"])


def parse(info: str, body: str) -> Transcript:
    """A block, from the words behind its fence and its lines."""
    language, _, said = info.strip().partition(" ")
    faults: list[str] = []
    values: dict[str, str] = {}
    try:
        words = shlex.split(said)
    except ValueError:
        words, faults = [], [f"las comillas de «{said}» no se cierran."]
    for word in words:
        name, equals, value = word.partition("=")
        if (name in FLAGS and not equals) or (name in KEYS and value):
            values[name] = value
        else:
            faults.append(f'un bloque «{language}» no lleva «{word}»: nodo=…, falla, nueva o no-probar="razón".')
    if "nodo" in values and not _NODE.fullmatch(values["nodo"]):
        faults.append(f"«{values['nodo']}» no es el nombre de un nodo.")
    pieces = tuple(_pieces(body.splitlines()))
    if language == "terminal" and not any(piece.command for piece in pieces):
        faults.append("un bloque «terminal» lleva alguna orden, con «$ » delante.")
    return Transcript(
        pieces=pieces,
        runnable=language == "terminal",
        node=values.get("nodo", ""),
        fails="falla" in values,
        fresh="nueva" in values,
        untested=values.get("no-probar", ""),
        faults=tuple(faults),
    )


def _pieces(lines: list[str]) -> list[Piece]:
    found: list[Piece] = []
    answer: list[str] = []
    at = 0
    while at < len(lines):
        if not lines[at].startswith("$ "):
            answer.append(lines[at])
            at += 1
            continue
        if answer:
            found.append(Piece("", "\n".join(answer)))
            answer = []
        shown = [lines[at]]
        command = [lines[at][2:].rstrip()]
        while at + 1 < len(lines) and (lines[at].rstrip().endswith("\\") or lines[at + 1].startswith("> ")):
            at += 1
            shown.append(lines[at])
            command.append(lines[at].removeprefix("> ").rstrip() if lines[at].startswith("> ") else lines[at].rstrip())
        found.append(Piece("\n".join(command), "\n".join(shown)))
        at += 1
    if answer:
        found.append(Piece("", "\n".join(answer)))
    return found
