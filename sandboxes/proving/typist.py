"""Types into a terminal of a machine as its student, and knows when a command has ended by the prompt's own mark."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sandboxes.engine import EngineError, LabEngine
from sandboxes.engine.stream import HEADER

PATIENCE = 120
"""Seconds for one command; an overloaded machine is slow, not wrong."""
GRACE = 10
"""Seconds for a command to mind a Ctrl-C."""
QUIET = 1
"""Seconds without a word after what looks like another prompt; our own may be drawn just before it says what it is."""
_SHELL = ["env", "TERM=xterm", "LANG=C.UTF-8", "script", "-qfec", "su - alumno", "/dev/null"]
_SETUP = """ stty rows 50 cols 200; PS1='$ '; PROMPT_COMMAND='printf "\\e]777;lab;%s\\a" "$?"'"""
_MARK = re.compile(rb"\x1b\]777;lab;(\d+)\x07")
_ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b[=>]|\r")
_INNER_PROMPT = re.compile(rb"(?:[#$>]|Username:|Password:) ?\Z")
_ENTERS = re.compile(
    r"\s-[a-z]*(it|ti)[a-z]*\s|--interactive|\bdocker login\b(?!.*\s(-p|--password))|"
    r"\b(attach|ssh)\b|^\s*(sudo )?(bash|sh|su|newgrp|python3)( -[il]*)?( \w+)?\s*$"
)
"""Commands that may put the typist in front of another prompt."""
_KEYS = re.compile(r"(\^[A-Z\[\\\]])+")


class Lost(EngineError):
    """A command did not end, or the terminal did."""


class Silence(Lost):
    """Nothing was said within the time."""


class Typist:
    """One terminal. `said` is all that it has shown."""

    def __init__(self, engine: LabEngine, container: str) -> None:
        self._stream = engine.tunnel(container, _SHELL)
        self._frames = b""
        self._inside = False
        self.said = b""

    def close(self) -> None:
        self._stream.close()

    def settle(self) -> None:
        """Wait for the shell and take its prompt over."""
        self._send(f"{_SETUP}\r".encode())
        self._await(PATIENCE, _SETUP)

    def type(self, command: str, *, seconds: float = PATIENCE) -> None:
        """Type a command and wait for a prompt; `^P^Q` presses those keys. Raises Lost."""
        if _KEYS.fullmatch(command):
            self._send(bytes(ord(key) & 31 for key in command[1::2]))
        elif self._inside:
            self._send(command.replace("\n", "\r").encode() + b"\r")
        else:
            # As a terminal pastes: several lines stay one command, and a tab is a tab.
            self._send(b"\x1b[200~" + command.encode() + b"\x1b[201~\r")
        self._await(seconds, command)

    def interrupt(self) -> None:
        """Ctrl-C, for what does not end by itself; its prompt, if one comes, must not be taken for another command's."""
        self._send(b"\x03")
        with suppress(Lost):
            self._await(GRACE, "^C")

    def _send(self, data: bytes) -> None:
        try:
            self._stream.settimeout(PATIENCE)
            self._stream.sendall(data)
        except OSError as error:
            raise Lost("la terminal se cerró") from error

    def _await(self, seconds: float, command: str) -> None:
        deadline, heard, asks = time.monotonic() + seconds, b"", False
        prompts = self._inside or bool(_ENTERS.search(f" {command} "))
        while True:
            try:
                heard += self._hear(min(deadline, time.monotonic() + QUIET) if asks else deadline, command)
            except Silence:
                if not asks:
                    raise
                self._inside = True
                return
            if _MARK.search(heard):
                self._inside = False
                return
            asks = prompts and b"\n" in heard and bool(_INNER_PROMPT.search(_ESCAPES.sub(b"", heard)))

    def _hear(self, deadline: float, command: str) -> bytes:
        """What the terminal shows next."""
        try:
            self._stream.settimeout(max(0.01, deadline - time.monotonic()))
            chunk = self._stream.recv(65536)
        except TimeoutError as error:
            raise Silence(f"no terminó: {command.splitlines()[0][:80]}") from error
        except OSError as error:
            raise Lost("la terminal se cerró") from error
        if not chunk:
            raise Lost("la terminal se cerró")
        self._frames += chunk
        out = b""
        while len(self._frames) >= HEADER:
            length = int.from_bytes(self._frames[4:HEADER], "big")
            if len(self._frames) < HEADER + length:
                break
            out += self._frames[HEADER : HEADER + length]
            self._frames = self._frames[HEADER + length :]
        self.said = (self.said + out)[-20000:]
        return out


class Desk:
    """A student's terminals, one per node, opened when they are first needed."""

    def __init__(self, engine: LabEngine, machines: dict[str, str]) -> None:
        """`machines`: node → container, the first node first."""
        self._engine, self._machines = engine, machines
        self._typists: dict[str, Typist] = {}
        self._node = next(iter(machines))

    def close(self) -> None:
        for typist in self._typists.values():
            typist.close()

    def carry_out(self, commands: tuple[str, ...], *, patience: float = PATIENCE, stubborn: bool = False) -> str:
        """Type commands one after another and return the end of what was shown.

        `@node` goes to that node's terminal; `? …` is an answer, not a command. One that does not end raises Lost,
        unless `stubborn`, which interrupts it and goes on."""
        for command in commands:
            if command.startswith("@"):
                self._node = command[1:].strip()
            elif not command.startswith(("?", "#")):
                try:
                    self._typist().type(command, seconds=patience)
                except Lost:
                    if not stubborn:
                        raise
                    self._typist().interrupt()
        return self.shown()

    def shown(self) -> str:
        """The end of what the last terminal showed, as text."""
        typist = self._typists.get(self._node)
        return _ESCAPES.sub(b"", typist.said)[-1500:].decode(errors="replace").strip() if typist else ""

    def _typist(self) -> Typist:
        if self._node not in self._machines:
            raise Lost(f"no hay ningún nodo «{self._node}»")
        if self._node not in self._typists:
            typist = Typist(self._engine, self._machines[self._node])
            self._typists[self._node] = typist
            typist.settle()
        return self._typists[self._node]


@contextmanager
def desk(engine: LabEngine, machines: dict[str, str]) -> Iterator[Desk]:
    opened = Desk(engine, machines)
    try:
        yield opened
    finally:
        opened.close()
