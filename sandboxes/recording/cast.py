"""One recording being made: asciicast v3 (docs.asciinema.org/manual/asciicast/v3), written in lots beside the event loop.

Adding output costs the loop a copy; decoding and writing are a thread's. A program that floods the screen is thinned out,
and a recording that reaches its size ends with a word that says so. Refuses input: there is no way to put any in.
"""

from __future__ import annotations

import asyncio
import codecs
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FLUSH_AFTER = 1.0
"""Seconds that output waits before it is written."""
FLUSH_AT = 64 << 10
PER_SECOND = 128 << 10
"""Bytes of output that are kept of one second."""
FULL = "\r\n[la grabación llegó a su tamaño máximo]\r\n"
THINNED = "\r\n[aquí salió más de lo que se graba]\r\n"

_writer = ThreadPoolExecutor(1, thread_name_prefix="recording")


class Cast:
    """A file that grows. Used from one event loop; `close` may be called twice."""

    def __init__(self, path: Path, *, columns: int, rows: int, most: int) -> None:
        """`most`: bytes of the file."""
        self._path, self._most = path, most
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._began = self._last = self._second = time.monotonic()
        self._pending: list[tuple[float, str, bytes | str]] = []
        self._waiting, self._spent, self._thinned = 0, 0, False
        self._timer: asyncio.TimerHandle | None = None
        self.size, self.full, self.closed = 0, False, False
        header = {"version": 3, "term": {"cols": columns, "rows": rows, "type": "xterm-256color"}, "timestamp": int(time.time())}
        self._head = json.dumps(header) + "\n"

    def output(self, data: bytes) -> None:
        """What the screen was sent just now."""
        now = time.monotonic()
        if now - self._second >= 1:
            self._second, self._spent, self._thinned = now, 0, False
        self._spent += len(data)
        if self._spent <= PER_SECOND:
            self._add("o", data)
        elif not self._thinned:
            self._thinned = True
            self._add("o", THINNED)

    def resize(self, columns: int, rows: int) -> None:
        self._add("r", f"{columns}x{rows}")

    def close(self) -> None:
        if not self.closed:
            self._flush()
            self.closed = True

    def _add(self, code: str, data: bytes | str) -> None:
        if self.full or self.closed:
            return
        self._pending.append((time.monotonic(), code, data))
        self._waiting += len(data)
        if self._waiting >= FLUSH_AT:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER, self._flush)

    def _flush(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        pending, self._pending, self._waiting = self._pending, [], 0
        if pending:
            _writer.submit(self._write, pending)

    def _write(self, pending: list[tuple[float, str, bytes | str]]) -> None:
        """In the writer's thread, one lot after another."""
        if self.full:
            return
        lines = [self._head] if self.size == 0 else []
        for when, code, data in pending:
            text = self._decoder.decode(data) if isinstance(data, bytes) else data
            lines.append(self._line(when, code, text))
            if self.size + sum(map(len, lines)) > self._most:
                lines.append(self._line(when, "o", FULL))
                self.full = True
                break
        try:
            with self._path.open("ab") as file:
                self.size += file.write("".join(lines).encode())
        except OSError:
            self.full = True

    def _line(self, when: float, code: str, text: str) -> str:
        interval, self._last = max(0.0, when - self._last), when
        return json.dumps([round(interval, 6), code, text], ensure_ascii=False) + "\n"


def written() -> None:
    """Wait until what was to be written is (tests, and the end of a process)."""
    _writer.submit(lambda: None).result()
