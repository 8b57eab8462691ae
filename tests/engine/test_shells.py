"""The shell holder, spoken to as the web does: what is typed arrives once, what was said is not said again, ends end."""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sandboxes.engine.stream import Demultiplexer
from sandboxes.terminal.protocol import FrameReader, encode

pytestmark = pytest.mark.engine
SIZE = struct.pack(">HH", 80, 24)
PROMPT = b"\x1b]133;B\x07"


class Line:
    """One exec, with as many clients of the holder as are asked for."""

    def __init__(self, lab: Any, machine: str) -> None:
        self.stream = lab.tunnel(machine, ["/usr/local/sbin/lab-shells", "attach"])
        self.stream.settimeout(20)
        self._frames, self._reader = Demultiplexer(), FrameReader()
        self._waiting: list[tuple[int, bytes]] = []

    def hear(self, channel: int) -> bytes:
        while not (mine := next((each for each in self._waiting if each[0] == channel), None)):
            chunk = self.stream.recv(65536)
            assert chunk, "the holder went away"
            self._waiting += self._reader.feed(self._frames.feed(chunk))
        self._waiting.remove(mine)
        return mine[1]


class Holder:
    """One client of the holder. It takes all that it hears, unless `takes` is off."""

    takes = True

    def __init__(self, line: Line, channel: int = 0) -> None:
        self._line, self._channel = line, channel

    def say(self, kind: bytes, payload: bytes = b"") -> None:
        self._line.stream.sendall(encode(kind, payload, channel=self._channel))

    def hear(self) -> bytes:
        frame = self._line.hear(self._channel)
        if self.takes:
            self.say(b"A", len(frame).to_bytes(4, "big"))
        return frame

    def close(self) -> None:
        self._line.stream.close()

    def until(self, kind: bytes) -> tuple[bytes, bytes]:
        """All output up to the first frame of this kind, and that frame's payload."""
        output = b""
        while True:
            frame = self.hear()
            if frame[:1] == kind:
                return output, frame[1:]
            if frame[:1] in b"RD":
                output += frame[1:]

    def read(self, wanted: bytes, *, prompt: bool = False) -> bytes:
        """Output up to and with these bytes, and the prompt after them: before it a terminal echoes a Tab as it is."""
        output = b""
        while wanted not in output or (prompt and PROMPT not in output.partition(wanted)[2]):
            frame = self.hear()
            output += frame[1:] if frame[:1] in b"RD" else b""
        return output

    def open(self, writer: int, epoch: int = 0, offset: int = 0, name: bytes = b"prueba") -> tuple[int, int, int, bool]:
        self.say(b"N", SIZE + struct.pack(">QQQ", writer, epoch, offset) + name)
        _, payload = self.until(b"B")
        epoch, offset, accepted = struct.unpack(">QQQ", payload[:24])
        return epoch, offset, accepted, payload[24] == 1


@pytest.fixture
def holder(real_lab: Any, machine: str) -> Iterator[Any]:
    with contextlib.ExitStack() as stack:

        def attach(line: Line | None = None, channel: int = 0) -> Holder:
            if line is None:
                line = Line(real_lab, machine)
                stack.callback(line.stream.close)
            return Holder(line, channel)

        yield attach


def test_a_client_that_comes_back_gets_what_it_lacks_and_is_told_what_arrived(holder: Any) -> None:
    first = holder()
    epoch, offset, accepted, goes_on = first.open(7)
    assert (offset, accepted, goes_on) == (0, 0, False)
    past, _ = first.until(b"L")
    first.say(b"I", b"variable=sigue; echo uno-$((40+2))\n")
    past += first.read(b"uno-42\r\n")
    first.close()
    second = holder()
    again, where, accepted, goes_on = second.open(7, epoch, len(past))
    assert (again, where, goes_on) == (epoch, len(past), True)
    assert accepted == len(b"variable=sigue; echo uno-$((40+2))\n")
    missed, _ = second.until(b"L")
    assert b"uno-42" not in missed
    second.say(b"I", b"echo la-$variable\n")
    assert b"la-sigue" in missed + second.read(b"la-sigue\r\n")


def test_another_writer_begins_at_nothing_and_the_former_is_remembered(holder: Any) -> None:
    first = holder()
    epoch, *_ = first.open(7)
    first.say(b"I", b"true\n")
    first.until(b"L")
    first.read(b"true\r\n")
    second = holder()
    assert second.open(8)[2] == 0
    assert first.until(b"T") is not None
    third = holder()
    assert third.open(7, epoch)[:3:2] == (epoch, 5)


def test_an_offset_that_the_ring_has_lost_is_answered_with_all_of_it(holder: Any) -> None:
    first = holder()
    epoch, *_ = first.open(7)
    first.until(b"L")
    first.say(b"I", b"head -c 600000 /dev/zero | tr '\\0' x | fold -w 99; echo fin-$((40+2))\n")
    said = len(first.read(b"fin-42\r\n"))
    second = holder()
    _, offset, _, goes_on = second.open(9, epoch, 10)
    assert not goes_on
    assert offset > said - 300_000
    replayed, _ = second.until(b"L")
    assert b"fin-42" in replayed
    assert replayed.startswith(b"x" * 99)


def test_input_is_acknowledged_as_it_is_taken(holder: Any) -> None:
    client = holder()
    client.open(7)
    client.until(b"L")
    client.say(b"I", b"cat >/dev/null\n")
    for _ in range(10):
        client.say(b"I", (b"x" * 99 + b"\n") * 40)
    _, payload = client.until(b"K")
    assert struct.unpack(">Q", payload)[0] >= 16 * 1024


def test_ending_a_shell_ends_what_minds_no_hangup(holder: Any, real_lab: Any, machine: str) -> None:
    client = holder()
    client.open(7)
    client.until(b"L")
    client.say(b"I", b"nohup sh -c \"trap '' HUP TERM; echo listo; exec -a terco sleep 1234\" 2>&1 | cat\n")
    client.read(b"listo\r\n")
    client.say(b"X")
    assert client.until(b"E")
    deadline = time.monotonic() + 10
    while real_lab.run(machine, ["pgrep", "-f", "sleep 1234|terco"]).code == 0:
        assert time.monotonic() < deadline, "the shell left something behind"
    assert holder().open(7)[2] == 0


def test_marks_tell_prompt_command_and_status_and_the_folder(holder: Any) -> None:
    client = holder()
    client.open(7, name=f"m{os.getpid() % 1000}".encode())
    heard, _ = client.until(b"L")
    heard += client.read(b"\x1b]133;B\x07") if b"\x1b]133;B" not in heard else b""
    assert b"\x1b]7;file://" in heard
    assert b"/home/alumno" in heard
    client.say(b"I", b"false\n")
    heard = client.read(b"\x1b]133;B\x07")
    assert heard.index(b"133;C") < heard.index(b"133;D;1") < heard.index(b"133;B")
    client.say(b"I", b"bash\n")
    assert b"133;B" in client.read(b"\x1b]133;B\x07")


def test_the_lab_command_offers_only_what_can_be_read(holder: Any) -> None:
    client = holder()
    client.open(7)
    client.until(b"L")
    client.say(b"I", b"printf hola >nota.txt; lab descargar nota.txt; lab descargar nada; lab\n")
    heard = client.read("suéltalo".encode())
    assert b"\x1b]5379;descargar;4;L2hvbWUvYWx1bW5vL25vdGEudHh0\x07" in heard
    assert "no existe «nada»".encode() in heard


def test_many_clients_on_one_line_each_get_their_own(holder: Any, real_lab: Any, machine: str) -> None:
    line = Line(real_lab, machine)
    clients = [holder(line, channel) for channel in range(1, 5)]
    for number, client in enumerate(clients):
        client.open(7, name=b"varios%d" % number)
        client.until(b"L")
        client.say(b"I", b"echo soy-$((%d*11))\n" % (number + 1))
    for number, client in enumerate(clients):
        client.read(b"soy-%d\r\n" % ((number + 1) * 11))
    clients[0].say(b"Q")
    clients[1].say(b"I", b"echo sigo-$((40+2))\n")
    clients[1].read(b"sigo-42\r\n")
    line.stream.close()


def test_a_client_that_takes_nothing_stops_its_own_shell_alone(holder: Any, real_lab: Any, machine: str) -> None:
    line = Line(real_lab, machine)
    still, other = holder(line, 1), holder(line, 2)
    still.takes = False
    still.open(7, name=b"quieta")
    still.say(b"I", b"yes\n")
    other.open(7, name=b"otra")
    other.until(b"L")
    for number in range(20):
        other.say(b"I", b"echo va-$((%d+1))\n" % number)
        other.read(b"va-%d\r\n" % (number + 1))
    heard = sum(len(frame) for channel, frame in line._waiting if channel == 1)
    assert heard < 300_000
    still.say(b"I", b"\x03")
    still.takes = True
    for _ in range(40):
        if b"$ " in still.hear()[-200:]:
            break
    line.stream.close()


def test_who_watches_sees_and_takes_nobodys_place(holder: Any) -> None:
    owner, watcher = holder(), holder()
    watcher.say(b"W", SIZE + b"vista")
    assert watcher.until(b"F")[1] == b"no such shell"
    owner.open(7, name=b"vista")
    owner.until(b"L")
    watcher = holder()
    watcher.say(b"W", SIZE + b"vista")
    assert watcher.until(b"S")[1] == SIZE
    watcher.until(b"L")
    owner.say(b"I", b"echo lo-$((40+2))\n")
    owner.read(b"lo-42\r\n")
    watcher.read(b"lo-42\r\n")
    owner.say(b"S", struct.pack(">HH", 100, 30))
    assert watcher.until(b"S")[1] == struct.pack(">HH", 100, 30)
    watcher.say(b"S", SIZE)
    watcher.say(b"X")
    watcher.say(b"I", b"stty size; echo junto-$((40+2))\n")
    assert b"30 100" in owner.read(b"junto-42\r\n")
    names = holder()
    names.say(b"G")
    assert {b"principal", b"vista"} <= set(names.until(b"G")[1].split(b"\n"))
    owner.say(b"I", b"exit 3\n")
    assert watcher.until(b"E")[1] == owner.until(b"E")[1] == (3).to_bytes(4, "big")


def test_tab_completes_what_docker_has_and_a_shell_is_at_its_prompt_before_completion_is_loaded(holder: Any) -> None:
    client = holder()
    client.open(7)
    client.until(b"L")
    client.say(b"I", b"declare -F _comp_initialize _init_completion; echo cargadas=$?\n")
    client.read(b"cargadas=1\r\n", prompt=True)
    client.say(b"I", b"docker vers\t--format hola\n")
    assert b"docker version --format hola" in client.read(b"hola\r\n", prompt=True)
    client.say(b"I", b"cat /etc/hostna\t && echo le''ido\n")
    client.read(b"leido\r\n")


def test_a_web_that_goes_away_and_an_exec_that_is_killed_each_leave_the_holder_whole(holder: Any, real_lab: Any, machine: str) -> None:
    def attached() -> int:
        return int(real_lab.run(machine, ["sh", "-c", "pgrep -fc '[l]ab-shells attach' || true"]).output)

    for _ in range(10):  # more than it has lines, were one left
        one = holder()
        one.open(7)
        one.close()
    first = holder()
    first.open(8)
    real_lab.run(machine, ["pkill", "-KILL", "-f", "lab-shells attach"])
    deadline = time.monotonic() + 10
    while attached():
        assert time.monotonic() < deadline, "an exec did not end"
        time.sleep(0.1)
    assert first._line.stream.recv(65536) is not None
    again = holder()
    assert again.open(9)
    again.close()
    deadline = time.monotonic() + 10
    while attached():
        assert time.monotonic() < deadline, "an exec outlived its web"
        time.sleep(0.1)
