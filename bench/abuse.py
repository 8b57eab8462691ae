"""Many sandboxes started at once, half of them abusing: does the other half notice, and who is told?

    python -m bench.abuse [--sandboxes 50] [--seconds 60] [--only "memoria sin fin"]

Talks to a running lab as browsers do (bench/start.py). The good ones type in their terminals and ask for their page,
first while nobody abuses and then while every second sandbox bombs with processes, hogs memory, fills its disk or
writes a log without end, each its own way. At the end, who has read a notice. Run by `sh bench/abuse.sh`; figures in
docs/rendimiento.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import struct
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any

# bench.start has set Django up.
import websockets
from django.db import connection
from websockets.typing import Origin

from bench.start import PAGE, URL, Student, forget, quantiles
from sandboxes.engine import EngineError, lab_engine
from sandboxes.models import Machine, Sandbox, State

ABUSES = {
    "bomba de procesos": "while :; do perl -e 'while (1) { fork }' 2>/dev/null; done",
    "memoria sin fin": "while :; do perl -e 'push @a, \"x\" x 8000000 while 1' 2>/dev/null; done",
    "disco hasta llenarlo": "while :; do dd if=/dev/zero of=/home/alumno/lleno bs=1M 2>/dev/null; sleep 1; done",
    "registro sin fin": "docker run -d --name grita busybox:1.37 yes 'una línea larga, como las de un programa que se queja'; sleep 3600",
}
NOTICE_ROUNDS = 75
"""Seconds in which the platform looks at every sandbox twice."""


class Typist:
    """A good student: types a key, waits for it to appear, asks for the page now and then."""

    def __init__(self, student: Student, sandbox: uuid.UUID) -> None:
        self._student = student
        self._address = f"{URL.replace('http', 'ws', 1)}/ws/terminal/{sandbox}/lab/principal/?espera"
        self.prompt = asyncio.Event()
        self.echoes: list[float] = []
        self.answers: list[float] = []

    async def type_on(self) -> None:
        """Until cancelled."""
        headers = {"Cookie": self._student.cookie}
        async with websockets.connect(self._address, origin=Origin(URL), additional_headers=headers) as socket:
            await socket.send(b"O" + struct.pack(">HH", 80, 24))
            drawn, seen = 0, b""
            while b"$ " not in seen:
                message = bytes(await socket.recv())
                seen += message[1:]
            self.prompt.set()
            typed = 0
            while True:
                began = time.perf_counter()
                # A key, and now and then a clean line.
                typed += 1
                await socket.send(b"I\x15" if typed % 20 == 0 else b"Ix")
                while True:
                    message = bytes(await socket.recv())
                    if message[:1] == b"D":
                        drawn += len(message) - 1
                        break
                self.echoes.append((time.perf_counter() - began) * 1000)
                await socket.send(b"A" + struct.pack(">I", drawn & 0xFFFFFFFF))
                await asyncio.sleep(0.3)

    async def read_on(self) -> None:
        """Until cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.to_thread(self._student.ask, f"{PAGE}panel/")
            self.answers.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(2)

    def take(self) -> tuple[list[float], list[float]]:
        taken = self.echoes, self.answers
        self.echoes, self.answers = [], []
        return taken


def abuse(machine: str, command: str, seconds: float) -> None:
    """Whatever comes of it."""
    with suppress(EngineError):
        lab_engine().run(machine, ["timeout", str(int(seconds)), "sh", "-c", command], user="alumno", seconds=seconds)


async def start_all(students: list[Student]) -> dict[int, uuid.UUID]:
    """All press the button at once; student → sandbox."""
    names = {number: uuid.uuid4() for number in range(len(students))}

    async def press(number: int) -> None:
        panel = await asyncio.to_thread(students[number].ask, f"{PAGE}iniciar/", {"laboratorio": str(names[number])})
        while 'data-state="ready"' not in panel:
            if 'data-state="failed"' in panel:
                raise RuntimeError("a start failed")
            await asyncio.sleep(0.4)
            panel = await asyncio.to_thread(students[number].ask, f"{PAGE}panel/")

    await asyncio.gather(*(press(number) for number in names))
    return names


async def measure(sandboxes: int, seconds: float, only: str = "") -> None:
    """Print what was seen."""
    ways = {name: command for name, command in ABUSES.items() if only in name}
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(sandboxes + 8))
    students = [Student(number) for number in range(sandboxes)]
    began = time.perf_counter()
    names = await start_all(students)
    report: dict[str, Any] = {"sandboxes": sandboxes, "all ready after s": round(time.perf_counter() - began, 1)}
    bad = [number for number in names if number % 2]
    typists = [Typist(students[number], names[number]) for number in names if number % 2 == 0]
    doing = [asyncio.create_task(work()) for typist in typists for work in (typist.type_on, typist.read_on)]
    await asyncio.gather(*(typist.prompt.wait() for typist in typists))
    machines = await asyncio.to_thread(_machines, [names[number] for number in bad])
    for typist in typists:
        typist.take()
    await asyncio.sleep(seconds / 2)
    report["before"] = _figures(typists)
    commands = [command for _, command in zip(machines, cycle(ways.values()), strict=False)]
    going = [asyncio.to_thread(abuse, *pair, seconds + NOTICE_ROUNDS) for pair in zip(machines, commands, strict=True)]
    abuses = asyncio.gather(*going)
    await asyncio.sleep(seconds)
    report["during"] = _figures(typists) | {"pressure": _pressure()}
    await asyncio.sleep(NOTICE_ROUNDS)
    good = [name for number, name in names.items() if number % 2 == 0]
    report |= await asyncio.to_thread(_told, list(ways), good, [names[number] for number in bad])
    failed = [str(task.exception()) for task in doing if task.done()]
    report["good ones cut off"] = failed or "none"
    print(json.dumps(report, indent=2, ensure_ascii=False), flush=True)  # what comes may take longer than somebody waits
    for task in doing:
        task.cancel()
    await abuses
    await asyncio.to_thread(forget, students)


def _figures(typists: list[Typist]) -> dict[str, Any]:
    taken = [typist.take() for typist in typists]
    echoes, answers = [each for one in taken for each in one[0]], [each for one in taken for each in one[1]]
    return {"keys": len(echoes), "echo ms": quantiles(echoes), "pages": len(answers), "page ms": quantiles(answers)}


def _pressure() -> dict[str, str]:
    """How much of the last ten seconds the kernel had somebody wait for each, and, of all but processor, everybody; percent."""
    found = {}
    for path in sorted(Path("/proc/pressure").iterdir()):
        lines = dict(line.split(" ", 1) for line in path.read_text().splitlines())
        found[path.name] = " / ".join(value.split()[0].removeprefix("avg10=") for value in lines.values())
    return found


def _machines(sandboxes: list[uuid.UUID]) -> list[str]:
    found = dict(Machine.objects.filter(sandbox__in=sandboxes).values_list("sandbox", "name"))
    connection.close()
    return [found[name] for name in sandboxes]


def _told(ways: list[str], good: list[uuid.UUID], bad: list[uuid.UUID]) -> dict[str, Any]:
    """Who has a notice, or was ended, by what they did."""
    rows = Sandbox.objects.in_bulk([*good, *bad])
    said = {key: row.notice if row.state == State.READY else row.reason for key, row in rows.items()}
    connection.close()
    told = {name: [0, 0] for name in ways}
    for at, sandbox in enumerate(bad):
        told[ways[at % len(ways)]][0] += bool(said[sandbox])
        told[ways[at % len(ways)]][1] += 1
    return {
        "offenders told": {name: f"{some} of {all_}" for name, (some, all_) in told.items()},
        "good ones told": sum(bool(said[sandbox]) for sandbox in good),
        "words": sorted({*said.values()} - {""}),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sandboxes", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--only", default="", choices=["", *ABUSES])
    options = parser.parse_args()
    asyncio.run(measure(options.sandboxes, options.seconds, options.only))


if __name__ == "__main__":
    main()
