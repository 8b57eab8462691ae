"""A Dockerfile read as the builder reads it: instructions, stages, and the slips the builder doesn't explain.

Pure: text in, facts out. Refuses to judge what an exercise asks for: that is `dockerfile`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

WORDS = (
    "FROM", "RUN", "CMD", "LABEL", "MAINTAINER", "EXPOSE", "ENV", "ADD", "COPY", "ENTRYPOINT", "VOLUME", "USER", "WORKDIR", "ARG",
    "ONBUILD", "STOPSIGNAL", "HEALTHCHECK", "SHELL",
)  # fmt: skip
BY_SHELL = ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK", "ONBUILD", "SHELL")
"""Instructions whose text a shell may read, for which `#` is a comment after all."""
_HEREDOC = re.compile(r"(?<![<\w(])<<-?[\"']?([A-Za-z_]\w*)")
_DIRECTIVE = re.compile(r"^#\s*escape\s*=\s*(\S)\s*$", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")


@dataclass(frozen=True)
class Instruction:
    line: int
    """From 1."""
    word: str
    """In capitals."""
    args: str
    """Continued lines joined, spaces as one."""

    @property
    def text(self) -> str:
        return f"{self.word} {self.args}".strip()

    @property
    def values(self) -> list[str]:
        """The arguments without the flags that go first."""
        words = self.args.split()
        while words and words[0].startswith("--"):
            words.pop(0)
        return words

    def flag(self, name: str) -> str:
        return next((word.partition("=")[2] for word in self.args.split() if word.startswith(f"--{name}=")), "")


@dataclass(frozen=True)
class Stage:
    base: str
    """As the engine will look for it, arguments filled in; the first image where it is made of another stage."""
    name: str
    instructions: list[Instruction]


def read(text: str) -> list[Instruction]:
    """Every instruction, unknown ones too."""
    lines = text.replace("\r\n", "\n").split("\n")
    escape = next((chosen[1] for line in lines[:3] if (chosen := _DIRECTIVE.match(line))), "\\")
    found: list[Instruction] = []
    rows = iter(enumerate(lines, 1))
    for number, line in rows:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        whole = _continued(line, escape, rows)
        word, _space, args = whole.strip().partition(" ")
        if word.upper() in ("RUN", "COPY", "ADD"):
            for end in _HEREDOC.findall(args):
                args += "\n" + "\n".join(_until(end, rows))
        found.append(Instruction(number, word.upper(), args.strip() if "\n" in args else " ".join(args.split())))
    return found


def _continued(line: str, escape: str, rows: Iterator[tuple[int, str]]) -> str:
    whole = ""
    while line.rstrip().endswith(escape):
        whole += line.rstrip()[:-1] + " "
        line = next((row for _number, row in rows if row.strip() and not row.lstrip().startswith("#")), "")
    return whole + line


def _until(end: str, rows: Iterator[tuple[int, str]]) -> Iterator[str]:
    for _number, row in rows:
        if row.strip() == end:
            return
        yield row


def stages(instructions: list[Instruction]) -> list[Stage]:
    """The stages in order; none without FROM."""
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for instruction in instructions:
        if instruction.word == "FROM":
            words = instruction.values
            base = _filled(words[0] if words else "", arguments)
            base = next((stage.base for stage in found if stage.name and stage.name == base.lower()), base)
            name = words[2].lower() if len(words) > 2 and words[1].upper() == "AS" else ""
            found.append(Stage(base, name, []))
        elif found:
            found[-1].instructions.append(instruction)
        elif instruction.word == "ARG":
            variable, _equals, value = instruction.args.partition("=")
            arguments[variable.strip()] = value.strip("\"' ")
    return found


def _filled(text: str, arguments: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda found: arguments.get(found[1] or found[3]) or found[2] or "", text)


def last(stage: Stage, word: str) -> Instruction | None:
    return next((found for found in reversed(stage.instructions) if found.word == word), None)


def trailing_comment(instruction: Instruction) -> str:
    """The comment that would become part of the instruction; empty if there is none."""
    if "\n" in instruction.args:
        return ""
    listed = instruction.args.startswith("[") and "]" in instruction.args
    if instruction.word in BY_SHELL and not listed:
        return ""
    # What is quoted stays as long as it was, so that places in the text do not move.
    plain = _QUOTED.sub(lambda found: "x" * len(found[0]), instruction.args)
    found = re.search(r"(?:^|\s)#", plain)
    return instruction.args[found.start() :].strip() if found else ""


def single_quoted(instruction: Instruction) -> bool:
    """A list in single quotes, which silently is no list."""
    return instruction.word in ("CMD", "ENTRYPOINT", "SHELL") and re.match(r"\[\s*'", instruction.args) is not None


def _listed(text: str) -> list[str]:
    """The words of a list in JSON; none if it is no such list."""
    try:
        found = json.loads(text) if text.startswith("[") else []
    except (ValueError, RecursionError):
        return []
    return [word for word in found if isinstance(word, str)]


def sources(instruction: Instruction) -> list[str]:
    """What COPY or ADD takes from the context, by plain names; patterns, addresses and other stages left out."""
    if instruction.word not in ("COPY", "ADD") or instruction.flag("from") or "<<" in instruction.args:
        return []
    values = _listed(" ".join(instruction.values)) or instruction.values
    return [value for value in values[:-1] if value and "://" not in value and not re.search(r"[*?\[$]|\.git$|^git@", value)]
