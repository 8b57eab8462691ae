"""A machine that says what a test wants: its engine by `answer(path)`, its commands by `run`.

It speaks as sandboxes/engine/inside.pl does; tests/sandboxes/test_inside.py holds the two to the same.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

from sandboxes.engine import EngineError
from tests.sandboxes.fake_engine import FakeLabEngine

Answer = Callable[[str], tuple[int, bytes]]
_HEAD = re.compile(rb"(\w+) (\d+) (\d+)\n")


class LyingEngine(FakeLabEngine):
    """A lab engine whose machines say what `answer` and `run` say."""

    def __init__(self, answer: Answer = lambda _path: (200, b"[]")) -> None:
        super().__init__()
        self.answer = answer

    def said(self, path: str) -> Iterator[bytes]:
        """What its engine says to a question, byte for byte, for as long as it likes and is heard."""
        status, body = self.answer(path)
        elsewhere = f"Location: {body.decode()}\r\n" if status // 100 == 3 else ""
        yield f"HTTP/1.1 {status} X\r\n{elsewhere}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    def tunnel(self, name: str, argv: list[str]) -> socket.socket:
        self.calls.append(("tunnel", name))
        ours, theirs = socket.socketpair()
        threading.Thread(target=_Inside(self, name, theirs).serve, daemon=True).start()
        return ours


class _Inside:
    """The end of a tunnel that is in the machine."""

    def __init__(self, lab: LyingEngine, name: str, stream: socket.socket) -> None:
        self._lab, self._name, self._stream = lab, name, stream
        self._asked: dict[int, bytes] = {}
        self._saying = threading.Lock()

    def serve(self) -> None:
        heard = b""
        with self._stream, suppress(OSError):
            while chunk := self._stream.recv(65536):
                heard += chunk
                while (head := _HEAD.match(heard)) and len(heard) >= head.end() + int(head[3]):
                    body, heard = heard[head.end() : head.end() + int(head[3])], heard[head.end() + int(head[3]) :]
                    self._obey(head[1].decode(), int(head[2]), body)

    def _obey(self, verb: str, number: int, body: bytes) -> None:
        if verb == "run":
            threading.Thread(target=self._run, args=(number, body), daemon=True).start()
        elif verb == "data":
            asked = self._asked[number] = self._asked.get(number, b"") + body
            if b"\r\n\r\n" in asked:
                del self._asked[number]
                threading.Thread(target=self._answer, args=(number, asked.split()[1].decode()), daemon=True).start()

    def _run(self, number: int, body: bytes) -> None:
        user, *argv = body.decode().split("\0")
        try:
            done = self._lab.run(self._name, argv, user=user)
        except EngineError:
            with suppress(OSError):
                self._stream.shutdown(socket.SHUT_RDWR)
            return
        with suppress(OSError):
            self._say("data", number, done.output)
            self._say("end", number, str(done.code).encode())

    def _answer(self, number: int, path: str) -> None:
        with suppress(OSError):
            for part in self._lab.said(path):
                self._say("data", number, part)

    def _say(self, verb: str, number: int, body: bytes) -> None:
        """As the lab engine frames it; raises OSError once nobody hears it."""
        with self._saying:
            for at in range(0, max(len(body), 1), 65536):
                part = body[at : at + 65536]
                message = f"{verb} {number} {len(part)}\n".encode() + part
                self._stream.sendall(b"\x01\0\0\0" + len(message).to_bytes(4, "big") + message)
