"""What is measured of a server, one function each. `open_session` gives a session that is at its shell's prompt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from bench.terminal.clients import Client

PROMPT = b"$ "
Opener = Callable[[], Awaitable[Client]]
DRAWING = 5_000_000
"""Bytes a second that a page draws."""


def quantile(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


async def echo(session: Client, keys: int) -> list[float]:
    """Milliseconds from a key to its echo by the kernel: no program has a part in it."""
    await _deaf(session)
    taken = []
    for number in range(keys):
        taken.append(await _press(session))
        if number % 50 == 49:
            await session.type(b"\n")
            await session.until(b"\n")
    await session.type(b"\x03")
    await session.until(PROMPT)
    return taken


async def crowd(sessions: Sequence[Client], *, seconds: float, rate: float = 5) -> list[float]:
    """Everybody types `rate` keys a second; the echo of each key in milliseconds."""
    await asyncio.gather(*(_deaf(session) for session in sessions))
    began = time.perf_counter()

    async def person(number: int, session: Client) -> list[float]:
        taken: list[float] = []
        await asyncio.sleep(number / len(sessions) / rate)
        while time.perf_counter() - began < seconds:
            due = began + (len(taken) + 1 + number / len(sessions)) / rate
            taken.append(await _press(session))
            if len(taken) % 50 == 49:
                await session.type(b"\n")
                await session.until(b"\n")
            await asyncio.sleep(max(0, due - time.perf_counter()))
        return taken

    return [one for many in await asyncio.gather(*map(person, range(len(sessions)), sessions)) for one in many]


async def bulk(sessions: Sequence[Client], times: int) -> float:
    """MB a second, all together, of /tmp/bulk (4 MB of lines) shown `times` times by each."""

    async def one(session: Client) -> int:
        await session.type(b"for n in $(seq %d); do cat /tmp/bulk; done; echo fi''n-de-todo\n" % times)
        return await session.until(b"fin-de-todo", seconds=300)

    began = time.perf_counter()
    counts = await asyncio.gather(*map(one, sessions))
    return sum(counts) / (time.perf_counter() - began) / 1e6


async def connect(make: Callable[[], Client]) -> tuple[Client, float]:
    """A new session, and the milliseconds from nothing to its prompt."""
    session = make()
    began = time.perf_counter()
    await session.open()
    await session.until(PROMPT)
    return session, (time.perf_counter() - began) * 1000


async def interrupt(session: Client, *, flood: float = 3, patience: float = 15) -> float:
    """Milliseconds from Ctrl-C to the prompt, in a flood that the client draws at 5 MB/s."""
    await session.type(b"yes\n")
    began, drawn, pressed = time.perf_counter(), 0, 0.0
    tail = b""
    while True:
        data = await session.read()
        drawn += len(data)
        tail = (tail + data)[-64:] if len(data) < 64 else data[-64:]
        now = time.perf_counter()
        if pressed and (PROMPT in data or PROMPT in tail):
            return (now - pressed) * 1000
        if not pressed and now - began > flood:
            await session.type(b"\x03")
            pressed = time.perf_counter()
        if pressed and now - pressed > patience:
            return patience * 1000
        await asyncio.sleep(max(0, began + drawn / DRAWING - now))


async def flood(session: Client, *, drawn: int = 0) -> None:
    """Shows `yes` until it is cancelled, drawn at 5 MB/s as a page does."""
    await session.type(b"yes\n")
    began = time.perf_counter()
    while True:
        drawn += len(await session.read())
        await asyncio.sleep(max(0, began + drawn / DRAWING - time.perf_counter()))


async def stall(session: Client, memory: Callable[[], int], *, seconds: float = 8) -> float:
    """MB that a server grows by when a client of a flood stops reading."""
    before = memory()
    await session.type(b"yes\n")
    session.stall()
    most = before
    for _ in range(int(seconds)):
        await asyncio.sleep(1)
        most = max(most, memory())
    session.drop()
    return (most - before) / 1e6


async def _deaf(session: Client) -> None:
    """A program that reads and says nothing: what is seen of keys is their echo."""
    await session.type(b"echo lis''to; cat >/dev/null\n")
    await session.until(b"listo\r\n")


async def _press(session: Client) -> float:
    began = time.perf_counter()
    await session.type(b"x")
    await session.until(b"x")
    return (time.perf_counter() - began) * 1000
