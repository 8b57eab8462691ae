"""The way into a machine, with the program that runs there: what it carries, and that nothing it says is believed blindly."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sandboxes.engine import ExecResult
from sandboxes.engine.facts import CannotObserve
from sandboxes.engine.inside import PROGRAM, Budget, Inside
from tests.conftest import wait_until
from tests.sandboxes.lying_engine import LyingEngine

ME = getpass.getuser()


class LocalMachine(LyingEngine):
    """This computer in place of a machine: the program as it is, framed as the lab engine frames it."""

    def __init__(self, docker: Path) -> None:
        super().__init__()
        self.docker = docker
        self.started: list[subprocess.Popen[bytes]] = []

    def tunnel(self, name: str, argv: list[str]) -> socket.socket:
        ours, theirs = socket.socketpair()
        program = subprocess.Popen([*argv[:-1], str(self.docker)], stdin=theirs.fileno(), stdout=subprocess.PIPE)
        self.started.append(program)

        def frame() -> None:
            assert program.stdout
            with theirs, program.stdout, suppress(ConnectionError):
                while chunk := os.read(program.stdout.fileno(), 65536):
                    theirs.sendall(b"\x01\0\0\0" + len(chunk).to_bytes(4, "big") + chunk)
            program.wait()

        threading.Thread(target=frame, daemon=True).start()
        return ours


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[LocalMachine]:
    found = LocalMachine(tmp_path / "docker.sock")
    yield found
    for program in found.started:
        program.wait(10)


@pytest.fixture
def inside(machine: LocalMachine) -> Iterator[Inside]:
    way = Inside(machine, "lab-x", Budget(16 << 20, time.monotonic() + 20))
    yield way
    way.close()


def run(inside: Inside, command: str, seconds: float = 10) -> ExecResult:
    return inside.run(["sh", "-c", command], user=ME, seconds=seconds)


def test_a_command_gives_both_its_streams_and_its_code(inside: Inside) -> None:
    assert run(inside, "echo uno; echo dos >&2; exit 7") == ExecResult(7, b"uno\ndos\n")
    assert run(inside, "kill -9 $$").code == 137
    assert run(inside, "cat; echo fin") == ExecResult(0, b"fin\n"), "its standard input is empty"
    assert inside.run(["no-such-program"], user=ME, seconds=5).code == 127
    assert inside.run(["true"], user="no-such-user", seconds=5).code == 126
    assert inside.run(["printf", "%s|", "a b", "", "ñ"], user=ME, seconds=5).output.decode() == "a b||ñ|"


def test_much_output_comes_whole(inside: Inside) -> None:
    assert run(inside, "head -c 3000000 /dev/zero").output == bytes(3_000_000)


def test_commands_run_side_by_side_in_one_program(inside: Inside, machine: LocalMachine) -> None:
    found: dict[int, ExecResult] = {}

    def one(number: int) -> None:
        found[number] = run(inside, f"sleep 0.3; echo {number}")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: done.output for number, done in found.items()} == {number: f"{number}\n".encode() for number in range(8)}
    assert time.monotonic() - start < 8 * 0.3
    assert len(machine.started) == 1


def test_what_a_command_leaves_behind_is_not_waited_for(inside: Inside) -> None:
    start = time.monotonic()
    assert run(inside, "sleep 20 & echo $!").code == 0
    assert time.monotonic() - start < 10


def test_a_command_that_takes_too_long_is_ended(inside: Inside, tmp_path: Path) -> None:
    with pytest.raises(CannotObserve, match="no acabó a tiempo"):
        run(inside, f"trap 'echo fin > {tmp_path}/fin; exit' TERM; while :; do sleep 0.05; done", seconds=0.5)
    wait_until((tmp_path / "fin").exists)


def test_commands_end_with_who_asked(machine: LocalMachine, tmp_path: Path) -> None:
    way = Inside(machine, "lab-x", Budget(1 << 20, time.monotonic() + 20))
    script = f"echo $$ > {tmp_path}/pid; while :; do sleep 0.05; done"
    left: list[str] = []

    def ask() -> None:
        try:
            run(way, script)
        except CannotObserve as error:
            left.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    way.close()
    asking.join()
    assert left
    wait_until(lambda: not Path("/proc", (tmp_path / "pid").read_text().strip()).exists())
    with pytest.raises(CannotObserve):
        run(way, "true")


def test_an_engine_is_reached_and_one_that_is_not_there_ends_at_once(inside: Inside, machine: LocalMachine) -> None:
    assert inside.dial().read(5) == b""
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(machine.docker))
        engine.listen()
        first, second = inside.dial(), inside.dial()
        peers = [engine.accept()[0], engine.accept()[0]]
        second.send(b"dos" * 50_000)
        got = b""
        while len(got) < 150_000:
            got += peers[1].recv(65536)
        assert got == b"dos" * 50_000
        peers[0].sendall(b"uno")
        peers[1].sendall(b"otro")
        assert (first.read(5), second.read(5)) == (b"uno", b"otro")
        assert first.silent
        peers[0].close()
        assert first.read(5) == b""
        second.close()
        assert peers[1].recv(10) == b"", "the engine sees that it was left"
        peers[1].close()


def test_words_cannot_be_split(inside: Inside) -> None:
    with pytest.raises(CannotObserve):
        inside.run(["echo", "a\0b"], user=ME, seconds=5)


def test_more_than_the_budget_ends_everything(machine: LocalMachine) -> None:
    way = Inside(machine, "lab-x", Budget(100_000, time.monotonic() + 20))
    with pytest.raises(CannotObserve, match="demasiados datos"):
        run(way, "yes")
    with pytest.raises(CannotObserve, match="demasiados datos"):
        run(way, "true")


@pytest.mark.parametrize("said", [b"hola\n" * 10, b"data 1 99999999\n", b"end 1 2\nxx", b"end 1 70000\n" + b"x" * 70000, b"\0" * 100, b""])
def test_what_is_no_message_is_not_believed(said: bytes, monkeypatch: Any) -> None:
    class Babbling(LyingEngine):
        def tunnel(self, name: str, argv: list[str]) -> socket.socket:
            ours, theirs = socket.socketpair()
            theirs.sendall(b"\x01\0\0\0" + len(said).to_bytes(4, "big") + said)
            theirs.shutdown(socket.SHUT_WR)
            theirs.close()
            return ours

    assert PROGRAM[-1] == "/run/docker.sock"
    way = Inside(Babbling(), "lab-x", Budget(1 << 20, time.monotonic() + 5))
    with pytest.raises(CannotObserve):
        way.run(["true"], user="root", seconds=5)


def test_the_double_says_the_same() -> None:
    class Double(LyingEngine):
        def run(self, name: str, argv: list[str], *, user: str = "root", seconds: float = 20) -> ExecResult:
            return ExecResult(7, f"{user} {argv}".encode())

    way = Inside(Double(), "lab-x", Budget(1 << 20, time.monotonic() + 5))
    assert way.run(["a", "b c"], user="ana", seconds=5) == ExecResult(7, b"ana ['a', 'b c']")
    channel = way.dial()
    channel.send(b"GET /x HTTP/1.1\r\n\r\n")
    assert b"200" in channel.read(5)
    way.close()
