"""The ways into a student's engine from the event loop: its stream of events, and a few questions at once.

Both are a curl inside the machine, which costs a fifth of the memory of `docker system dial-stdio`. What comes back is
untrusted: it has a limit, and whoever asks sets a deadline.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from sandboxes.engine import EngineError, EngineUnreachable, lab_engine
from sandboxes.engine.events import EventFacts, Lines, parse_event
from sandboxes.engine.stream import Demultiplexer

API = "http://engine/v1.41"
ANSWERS_LIMIT = 4 << 20
"""Bytes of all the answers to one lot of questions."""
SECONDS = 10
_CURL = "curl -s --unix-socket /run/docker.sock"
# The engine does not end an exec whose caller has gone: the reader of standard input does, by its end.
_WATCH = f'exec 3<&0; (cat <&3; kill $$) >/dev/null 2>&1 & exec {_CURL} -fN "{API}/events?since=$1" 3<&- </dev/null'
_ASK = f'exec {_CURL} -m {SECONDS} -w "\\n" "$@" </dev/null'


async def events(machine: str, *, since: int) -> AsyncGenerator[list[EventFacts]]:
    """The engine's events from `since` (nanoseconds) on, as they come; ends when the stream does.

    Raises EngineError or OSError. The engine repeats what it still remembers: at most its last 256."""
    moment = f"{since // 10**9}.{since % 10**9:09d}"
    reader, writer = await lab_engine().attach(machine, ["sh", "-c", _WATCH, "sh", moment])
    frames, lines = Demultiplexer(), Lines()
    try:
        while chunk := await reader.read(65536):
            found = [event for line in lines.feed(frames.feed(chunk)) if (event := parse_event(line))]
            if found:
                yield found
    finally:
        writer.close()


async def ask(machine: str, paths: Sequence[str]) -> list[Any]:
    """The engine's answers to these questions, in their order, whatever JSON they are; raises EngineError."""
    try:
        async with asyncio.timeout(SECONDS + 2):
            said = await _ask(machine, [f"{API}{path}" for path in paths])
    except (TimeoutError, OSError) as error:
        raise EngineUnreachable(f"the engine of {machine} does not answer") from error
    answers = _documents(said)
    if len(answers) != len(paths):
        raise EngineError(f"the engine of {machine} gave {len(answers)} answers to {len(paths)} questions")
    return answers


async def _ask(machine: str, urls: list[str]) -> bytes:
    reader, writer = await lab_engine().attach(machine, ["sh", "-c", _ASK, "sh", *urls])
    frames, said = Demultiplexer(), bytearray()
    try:
        while chunk := await reader.read(65536):
            said += frames.feed(chunk)
            if len(said) > ANSWERS_LIMIT:
                raise EngineError(f"the engine of {machine} said too much")
    finally:
        writer.close()
    return bytes(said)


def _documents(said: bytes) -> list[Any]:
    """The JSON documents of a text, one after another; raises EngineError."""
    decoder, found, at = json.JSONDecoder(), [], 0
    try:
        text = said.decode().rstrip()
        while at < len(text):
            document, at = decoder.raw_decode(text, at)
            found.append(document)
            while at < len(text) and text[at].isspace():
                at += 1
    except (ValueError, RecursionError) as error:
        raise EngineError("not JSON") from error
    return found
