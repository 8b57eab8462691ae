"""Students who press *Comprobar* at once, by the site's own way: view, queue, worker, page.

    python -m bench.crowd [--students 50] [--rounds 3]

On a lab with its site and the course of bench/course (bench/grade.sh). Each student has a sandbox of their own with a small
application in it, and does what the page does: presses (a double click: the second must begin nothing), hears by the
websocket that there is more to see, and asks for it now and then all the same. The time is from the press to the page that
shows all ten checks passed; then the database is asked whether each press left one run, and each run all its results.
`crowd_cpu_ms` is what one press costs the processors in all, which no order of doing things can go below: times the students, by
the processors there are, it is the least that the last one waits.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean
from typing import Any

import websockets
from websockets.typing import Origin

from bench.start import URL, Student, quantiles
from lessons import catalog
from lessons.models import CheckRun
from sandboxes.engine import lab_engine
from sandboxes.models import Machine, Sandbox, State

PAGE = f"/curso/{catalog.course().slug}/diez/diez/"
CHECKS = 10
PATIENCE = 60


class Page:
    """What a student's browser knows of the exercise's page."""

    def __init__(self, number: int) -> None:
        self.student = Student(number)
        self.said, self.looked = asyncio.Event(), asyncio.Event()
        self.drawn = ""
        """The button that it shows: each has a press of its own."""
        self.took = 0.0
        self.asked = 0
        self.requests: list[int] = []
        """Of each press."""

    def start(self) -> None:
        self.student.ask(f"{PAGE}iniciar/", {})
        self.drawn = _press(self.student.ask(f"{PAGE}resultado/"))

    @property
    def state(self) -> str:
        return re.findall(r'data-state="(\w+)"', self.student.ask(f"{PAGE}panel/"))[0]

    async def listen(self, ready: asyncio.Event) -> None:
        sandbox = await Sandbox.objects.aget(user__username=self.student.name, state=State.READY)
        address = f"{URL.replace('http', 'ws', 1)}/ws/laboratorio/{sandbox.pk}/"
        async with websockets.connect(address, origin=Origin(URL), additional_headers={"Cookie": self.student.cookie}) as socket:
            ready.set()
            async for message in socket:
                match json.loads(message)["type"]:
                    case "result":
                        self.said.set()
                    case "check":
                        self.looked.set()

    async def press(self) -> None:
        """From the press to the page that shows the result."""
        self.said.clear()
        form = {"press": self.drawn}
        before = self.asked
        began = time.perf_counter()
        shown, _again = await asyncio.gather(self._ask("comprobar/", form), self._ask("comprobar/", form))
        while (status := _in(shown, "status")) == "running" and time.perf_counter() - began < PATIENCE:
            try:
                await asyncio.wait_for(self.said.wait(), int(re.findall(r"every (\d+)ms", shown)[0]) / 1000)
                self.said.clear()
            except TimeoutError:
                pass
            shown = await self._ask(f"resultado/?tiene={re.findall(r'tiene=(\d+)', shown)[0]}") or shown
        self.took = (time.perf_counter() - began) * 1000
        self.requests.append(self.asked - before)
        passed = len(re.findall(r'data-testid="check-item"[^>]*data-status="passed"', shown))
        if (status, passed) != ("passed", CHECKS):
            raise SystemExit(f"{self.student.name}: {status}, {passed} passed: {shown}")
        self.drawn = _press(shown)

    async def _ask(self, path: str, post: dict[str, str] | None = None) -> str:
        self.asked += 1
        return await asyncio.to_thread(self.student.ask, PAGE + path, post)


def _in(fragment: str, name: str) -> str:
    return re.findall(rf'data-{name}="(\w+)"', fragment)[0]


def _press(fragment: str) -> str:
    return re.findall(r'name="press" value="(\w+)"', fragment)[0]


def prepare(pages: list[Page], seconds: float) -> None:
    for page in pages:
        page.start()
    deadline = time.monotonic() + seconds
    waiting = list(pages)
    while waiting := [page for page in waiting if page.state != "ready"]:
        if time.monotonic() > deadline or any(page.state == "failed" for page in waiting):
            raise SystemExit(f"{len(waiting)} sandboxes of {len(pages)} did not start")
        time.sleep(2)


async def crowd(pages: list[Page], rounds: int) -> tuple[list[float], float]:
    """Milliseconds of every press, round by round; and those of processor that the whole computer spent on one, clients included."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2 * len(pages)))
    for page in pages:
        page.said, page.looked = asyncio.Event(), asyncio.Event()  # this loop's
    opened = [asyncio.Event() for _ in pages]
    listeners = [asyncio.create_task(page.listen(event)) for page, event in zip(pages, opened, strict=True)]
    await asyncio.gather(*(event.wait() for event in opened))
    # A page that was just opened is looked at: here they have been open for a while.
    await asyncio.gather(*(page.looked.wait() for page in pages))
    taken, spent = [], 0.0
    for _ in range(rounds):
        await asyncio.sleep(3)
        before = busy()
        await asyncio.gather(*(page.press() for page in pages))
        spent += busy() - before
        taken += [page.took for page in pages]
    for listener in listeners:
        listener.cancel()
    return taken, spent / len(taken)


def busy() -> float:
    """Milliseconds that this computer's processors have worked for, all together."""
    user, nice, system, _idle, _waits, *interrupts = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8])
    return (user + nice + system + sum(interrupts)) * 1000 / os.sysconf("SC_CLK_TCK")


def audit(pages: list[Page], rounds: int) -> dict[str, int]:
    """Presses without a whole result, and students with more runs than presses."""
    lost = twice = 0
    for page in pages:
        runs = list(CheckRun.objects.filter(attempt__user__username=page.student.name))
        whole = [run for run in runs if run.finished and run.passed and not run.error and len(run.results) == CHECKS == len(run.evidence)]
        lost += max(0, rounds - len(whole))
        twice += max(0, len(runs) - rounds)
    return {"lost": lost, "twice": twice}


def floor() -> float:
    """Milliseconds of one `docker exec true` in a machine: what can't be avoided."""
    machine, taken = Machine.objects.filter(state=Machine.State.TAKEN)[0], []
    for _ in range(11):
        began = time.perf_counter()
        lab_engine().run(machine.name, ["true"])
        taken.append((time.perf_counter() - began) * 1000)
    return quantiles(taken)["p50"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--students", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patience", type=float, default=900, help="seconds for all the sandboxes to start")
    asked = parser.parse_args()
    pages = [Page(number) for number in range(asked.students)]
    prepare(pages, asked.patience)
    found: dict[str, Any] = {"load": Path("/proc/loadavg").read_text().split()[0], "floor_ms": floor()}
    alone, cpu = asyncio.run(crowd(pages[:1], 10))
    found |= {"alone_ms": quantiles(alone), "alone_cpu_ms": round(cpu)}
    together, cpu = asyncio.run(crowd(pages, asked.rounds))
    found |= {"students": len(pages), "crowd_ms": {**quantiles(together), "last": round(max(together))}, "crowd_cpu_ms": round(cpu)}
    found["requests_per_press"] = round(fmean(count for page in pages for count in page.requests[-asked.rounds :]), 1)
    found |= audit(pages[1:], asked.rounds)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
