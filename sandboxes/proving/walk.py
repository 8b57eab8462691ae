"""Types the terminal blocks of a lesson's text, one after another, and compares what they answer with what the text shows.

What differs from one machine to the next (identifiers, sizes, times, made-up names) does not count; `…` in the text stands
for anything within a line, and by itself for any lines. Refuses to know where the text comes from.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lessons import transcripts
from lessons.transcripts import Transcript
from sandboxes.engine import Flavor, LabEngine, Limits
from sandboxes.proving import screen
from sandboxes.proving.typist import Lost, Typist

MEMORY = 1536
PATIENCE = 90
_FENCE = re.compile(r"^(?P<indent> *)```terminal(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
_INNER = re.compile(r"^(/[\w/.-]* [#$]|(?:root|alumno)@[\w.-]+:\S*[#$]|>>>|>) (?P<typed>.+)$")
"""A line that is typed in front of another prompt than the machine's."""
_ASKED = re.compile(r"^(?P<what>Username|Password):(?: (?P<typed>.+))?$")
"""A line of `docker login`: a name that is typed as it stands, or a password, which the text does not show."""
_STARTED = "\x1b]777;run\x07"
_ENDED = re.compile(r"\x1b\]777;lab;(\d+)\x07")
_VARIES = (
    (re.compile(r"sha256:[0-9a-f]{6,64}|\b(?=[0-9a-f]*\d)[0-9a-f]{12}(?:[0-9a-f]{52})?\b"), "‹id›"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?: ?[+-]\d{4} \w+|Z)?|\b\d{4}/\d\d/\d\d \d\d:\d\d:\d\d"), "‹fecha›"),
    (re.compile(r"\b(?:Less than a second|About an? (?:minute|hour)|\d+ (?:second|minute|hour)s?)(?P<ago> ago)?"), r"‹tiempo›\g<ago>"),
    (re.compile(r"\b\d+(?:\.\d+)? ?(?:[kMG]i?)?B\b"), "‹tamaño›"),
    (re.compile(r"\b\d+(?:\.\d+)?s\b"), "‹s›"),
    (re.compile(r"(?<=\s)[a-z]+_[a-z]+$"), "‹nombre›"),
)


@dataclass
class Difference:
    """A block that did not go as the text says. `line` is the block's in the text, from 1."""

    line: int
    command: str
    said: str

    def __str__(self) -> str:
        return f"línea {self.line}: «{self.command}»: {self.said}"


@dataclass
class Walk:
    """What came of a lesson's blocks. `answers` holds, by block and command, the lines that were seen."""

    differences: list[Difference] = field(default_factory=list)
    answers: list[tuple[int, str, list[str]]] = field(default_factory=list)
    commands: int = 0


def blocks(text: str) -> list[tuple[int, Transcript]]:
    """The terminal blocks of a text, each with its line from 1."""
    found = []
    for match in _FENCE.finditer(text):
        indent = match["indent"]
        body = "\n".join(line.removeprefix(indent) for line in match["body"].splitlines())
        found.append((text[: match.start()].count("\n") + 1, transcripts.parse(f"terminal{match['info']}", body)))
    return found


def walk(text: str, engine: LabEngine, *, password: str = "") -> Walk:
    """Type every block that is to be proven: those behind a `nueva` in a new sandbox. `password` is what `docker login` is told."""
    done = Walk()
    for part in _parts([block for block in blocks(text) if not block[1].untested]):
        with _sandbox(engine, [transcript.node for _line, transcript in part]) as machines:
            terminals = {node: _terminal(engine, machine) for node, machine in machines.items()}
            try:
                for line, transcript in part:
                    _type_block(line, transcript, terminals[transcript.node or "lab"], password, done)
            finally:
                for terminal in terminals.values():
                    terminal.close()
    return done


def _parts(found: list[tuple[int, Transcript]]) -> Iterator[list[tuple[int, Transcript]]]:
    part: list[tuple[int, Transcript]] = []
    for block in found:
        if block[1].fresh and part:
            yield part
            part = []
        part.append(block)
    if part:
        yield part


@contextmanager
def _sandbox(engine: LabEngine, nodes: list[str]) -> Iterator[dict[str, str]]:
    """A machine for each node that is spoken of, `lab` first; they reach each other by name and by ssh."""
    names = ["lab", *sorted({node for node in nodes if node not in ("", "lab")})]
    tag = uuid.uuid4().hex[:8]
    machines = {node: f"lab-paseo-{tag}-{node}" for node in names}
    try:
        for node, name in machines.items():
            engine.create(name, hostname="lab", labels={"lab.purpose": "test"}, limits=Limits(memory=MEMORY), flavor=Flavor())
            engine.start(name)
            engine.wait_ready(name, seconds=PATIENCE)
            if node != "lab":
                engine.join(name, network=machines["lab"], alias=node)
                engine.run(name, ["/usr/local/sbin/lab-name", node])
        for name in machines.values() if len(machines) > 1 else ():
            engine.run(name, ["sh", "-c", f"lab-ssh key {tag} && lab-ssh serve"])
        yield machines
    finally:
        for name in reversed(machines.values()):
            engine.remove(name)


def _terminal(engine: LabEngine, machine: str) -> Typist:
    terminal = Typist(engine, machine)
    terminal.settle()
    terminal.type(r" PS0='\e]777;run\a'")
    return terminal


def _type_block(line: int, transcript: Transcript, terminal: Typist, password: str, done: Walk) -> None:
    codes: list[int] = []
    for command, expected in _exchanges(transcript, password):
        done.commands += 1
        try:
            seen, code = _ask(terminal, command)
        except Lost as error:
            done.differences.append(Difference(line, command, str(error)))
            terminal.interrupt()
            continue
        done.answers.append((line, command, seen))
        if code is not None:
            codes.append(code)
            if code and not transcript.fails:
                done.differences.append(Difference(line, command, f"terminó con el código {code}: {' / '.join(seen[-4:])}"))
                continue
        if expected and (odd := difference(expected, seen)):
            done.differences.append(Difference(line, command, odd))
    if transcript.fails and not any(codes):
        done.differences.append(Difference(line, transcript.commands[-1], "debía fallar y no falla ninguna orden"))


def _exchanges(transcript: Transcript, password: str) -> Iterator[tuple[str, list[str]]]:
    """Each thing that is typed and the lines of answer that the text shows under it."""
    command = ""
    answer: list[str] = []
    for piece in transcript.pieces:
        for line in [piece.command] if piece.command else piece.shown.splitlines():
            typed = line if piece.command else _typed_inside(line, password)
            if typed is not None:
                if command:
                    yield command, answer
                command, answer = typed, []
            else:
                answer.append(line)
    if command:
        yield command, answer


def _typed_inside(line: str, password: str) -> str | None:
    """What is typed in front of a prompt that the line of answer shows; None if it shows none."""
    if inner := _INNER.match(line):
        return inner["typed"]
    asked = _ASKED.match(line)
    if not asked or bool(asked["typed"]) != (asked["what"] == "Username"):
        return None
    return asked["typed"] or password


def _ask(terminal: Typist, command: str) -> tuple[list[str], int | None]:
    """Type and return what was shown, without the command's echo and the next prompt, and the exit code where there is one."""
    terminal.said = b""
    terminal.type(command, seconds=PATIENCE)
    said = terminal.said.decode(errors="replace")
    ended = _ENDED.search(said)
    body = said[: ended.start()] if ended else said
    _before, started, rest = body.rpartition(_STARTED)
    seen = screen.lines(rest if started else body)
    if not started:
        seen = seen[1:]
    if not ended:
        seen = seen[:-1]
    return seen, int(ended[1]) if ended else None


def difference(expected: list[str], seen: list[str]) -> str:
    """What the text shows that was not seen, or the other way round; empty where they agree."""
    wanted = [line.strip() for line in expected if line.strip()]
    there = [_plain(line) for line in seen if line.strip()]
    at, loose = 0, False
    for line in wanted:
        if line == "…":
            loose = True
            continue
        pattern = ".*".join(re.escape(part) for part in _plain(line.replace("sha256:…", "sha256:0000000")).split("…"))
        place = next((n for n in range(at, len(there)) if re.fullmatch(pattern, there[n])), None)
        if place is None or (place != at and not loose):
            shown = there[at] if at < len(there) else "nada más"
            return f"el texto muestra «{line}» y se vio «{shown}»"
        at, loose = place + 1, False
    if at < len(there) and not loose:
        return f"se vio además «{there[at]}»"
    return ""


def _plain(line: str) -> str:
    """A line without what differs from one machine to the next, and with one space where there are many."""
    text = line.rstrip()
    for pattern, stands_for in _VARIES:
        text = pattern.sub(stands_for, text)
    return " ".join(text.split())
