"""What comes from a machine as it comes: a file or a folder to keep, and a word each time something in the home changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

from sandboxes.engine import lab_engine
from sandboxes.engine.stream import Demultiplexer
from sandboxes.files.workspace import LIST

BEAT = 15
"""Seconds between two signs of life of a stream that has nothing to say."""
# The engine does not end an exec whose caller has gone: the reader of standard input does, by its end.
_ENDS = "exec 3<&0; (cat <&3; kill $$) >/dev/null 2>&1 & exec 0</dev/null; "
_WATCH = _ENDS + f'last=; while :; do now=$({LIST} | cksum); [ "$now" = "$last" ] || echo; last=$now; sleep 1; done'
_FILE = _ENDS + 'exec head -c "$2" -- "$1"'
_FOLDER = _ENDS + 'cd -- "$1/.." && exec tar -czf - -- "${1##*/}"'


async def _lines(machine: str, script: str, *words: str) -> AsyncGenerator[bytes]:
    reader, writer = await lab_engine().attach(machine, ["runuser", "-u", "alumno", "--", "sh", "-c", script, "sh", *words])
    frames = Demultiplexer()
    try:
        while chunk := await reader.read(65536):
            if found := frames.feed(chunk):
                yield found
    finally:
        writer.close()


async def content(machine: str, path: str, size: int | None) -> AsyncGenerator[bytes]:
    """The first `size` bytes of a file, or (None) a folder as a compressed archive. `path` is absolute."""
    async for chunk in _lines(machine, *((_FOLDER, path) if size is None else (_FILE, path, str(size)))):
        yield chunk


async def changes(machine: str, *, still: Callable[[], Awaitable[bool]]) -> AsyncGenerator[bytes]:
    """Server-sent events: one at the beginning, and at each change. Ends when `still` says so; it is asked at each beat."""
    stream = _lines(machine, _WATCH)
    following = asyncio.ensure_future(anext(stream))
    beat = time.monotonic() + BEAT
    try:
        while True:
            done, _waiting = await asyncio.wait({following}, timeout=max(0.0, beat - time.monotonic()))
            if done:
                try:
                    following.result()
                except StopAsyncIteration:
                    return
                yield b"data: cambio\n\n"
                following = asyncio.ensure_future(anext(stream))
            else:
                beat = time.monotonic() + BEAT
                if not await still():
                    return
                yield b":\n\n"
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await stream.aclose()
