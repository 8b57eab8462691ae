"""Typing into a terminal, against a scripted shell: when a command has ended, what is typed inside another program, keys."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from lessons import kinds
from sandboxes.proving.trial import answer_to, answers_in
from sandboxes.proving.typist import Desk, Lost, Typist, desk
from tests.conftest import wait_until
from tests.sandboxes.fake_engine import FakeLabEngine

MARK = b"\x1b]777;lab;0\x07$ "


class Shell(FakeLabEngine):
    """A machine whose shell answers what `said` holds for what was typed, and a mark otherwise."""

    def __init__(self, said: dict[bytes, bytes | None]) -> None:
        super().__init__()
        self.said = said
        self.typed: list[bytes] = []
        self.opened: list[str] = []

    def tunnel(self, name: str, argv: list[str]) -> socket.socket:
        self.opened.append(name)
        ours, theirs = socket.socketpair()
        threading.Thread(target=self._serve, args=(theirs,), daemon=True).start()
        return ours

    def _serve(self, stream: socket.socket) -> None:
        with stream, suppress(OSError):
            while data := stream.recv(65536):
                self.typed.append(data)
                command = data.removeprefix(b"\x1b[200~").removesuffix(b"\r").removesuffix(b"\x1b[201~")
                reply = self.said.get(command, b"\r\n" + MARK)
                if reply is None:
                    continue
                for byte in command + reply:
                    # A byte a frame: marks come in pieces.
                    stream.sendall(b"\x01\0\0\0\0\0\0\x01" + bytes([byte]))


@pytest.fixture
def shell() -> Shell:
    inside = b"\r\n/ # \x1b[6n"
    return Shell({b"docker run -it busybox sh": inside, b"ls": inside, b"\x10\x11": b"\r\n" + MARK, b"sleep 9": None})


@pytest.fixture
def terminals(shell: Shell) -> Iterator[Desk]:
    with desk(shell, {"lab": "uno", "servidor": "dos"}) as opened:
        yield opened


def test_a_command_ends_with_the_prompts_mark(shell: Shell, terminals: Desk) -> None:
    assert "docker ps" in terminals.carry_out(("docker ps", "# nada", "? q: x"))
    assert shell.typed[-1] == b"\x1b[200~docker ps\x1b[201~\r"
    assert len(shell.typed) == 2


def test_what_follows_is_typed_inside_until_it_ends(shell: Shell, terminals: Desk) -> None:
    terminals.carry_out(("docker run -it busybox sh", "ls", "exit", "docker ps"))
    assert shell.typed[2:] == [b"ls\r", b"exit\r", b"\x1b[200~docker ps\x1b[201~\r"]


def test_keys_are_pressed(shell: Shell, terminals: Desk) -> None:
    terminals.carry_out(("docker run -it busybox sh", "^P^Q", "docker ps"))
    assert shell.typed[2:] == [b"\x10\x11", b"\x1b[200~docker ps\x1b[201~\r"]


def test_each_node_has_a_terminal_and_an_unknown_one_is_told(shell: Shell, terminals: Desk) -> None:
    terminals.carry_out(("docker ps", "@servidor", "docker ps", "@lab", "docker ps"))
    assert shell.opened == ["uno", "dos"]
    with pytest.raises(Lost, match="no hay ningún nodo"):
        terminals.carry_out(("@otro", "ls -l"))


def test_a_command_that_does_not_end_is_told_or_interrupted(shell: Shell, terminals: Desk) -> None:
    with pytest.raises(Lost, match="no terminó: sleep 9"):
        terminals.carry_out(("sleep 9",), patience=0.2)
    wait_until(lambda: len(shell.typed) == 2, seconds=60)
    terminals.carry_out(("sleep 9",), patience=0.2, stubborn=True)
    assert shell.typed[-1].endswith(b"\x03")


def test_a_terminal_that_closes_is_told(shell: Shell) -> None:
    typist = Typist(shell, "uno")
    typist.close()
    with pytest.raises(Lost, match="se cerró"):
        typist.type("ls -l")


def test_answers_are_read_from_the_script_and_right_ones_given_in_solutions() -> None:
    asked = {"id": "q", "tipo": "quiz", "titulo": "q", "pregunta": "?", "explicacion": "e"}
    spec = kinds.parse({**asked, "clase": "orden", "opciones": ["a", "b"]})
    answers = answers_in(("ls", "? q: b | a", "? otra: x"))
    assert answers == {"q": ["b", "a"], "otra": ["x"]}
    wrong, right = answer_to(spec, answers, right=True), answer_to(spec, {}, right=True)
    assert wrong
    assert right
    assert (wrong.given, right.given, answer_to(spec, {}, right=False)) == (["b", "a"], ["a", "b"], None)
