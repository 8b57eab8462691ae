"""How long a sandbox takes from click to prompt, and what it costs.

    python -m bench.start warm|cold|growth|nodes [--crowds 1,10,50] [--rounds 20]

Talks to a running lab as a browser does: POST of the button, websocket, first prompt. The floor is the bare
engine's: create, start and an inner `docker ps`, in the same run. Run by `make bench`; figures in docs/rendimiento.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import struct
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labsite.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
import django

django.setup()

import websockets
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from websockets.typing import Origin

from sandboxes import pool
from sandboxes.engine import Flavor, Limits, lab_engine

URL = settings.ENV.url
PAGE = "/curso/docker-intensivo/hello-world/hello-world/"
ENGINE_ROOT = Path(settings.ENV.database_url.removeprefix("sqlite:///")).parents[1] / "engine"


class Student:
    """One person with a session, ready to click."""

    def __init__(self, number: int) -> None:
        self.name = f"banco{number}"
        user, _ = get_user_model().objects.get_or_create(username=self.name)
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        self.token = "b" * 32
        self.cookie = f"{settings.SESSION_COOKIE_NAME}={session.session_key}; {settings.CSRF_COOKIE_NAME}={self.token}"

    def ask(self, path: str, post: dict[str, str] | None = None) -> str:
        body = None if post is None else urllib.parse.urlencode({"csrfmiddlewaretoken": self.token, **post}).encode()
        headers = {"Cookie": self.cookie, "HX-Request": "true", "Origin": URL}
        with urllib.request.urlopen(urllib.request.Request(URL + path, body, headers), timeout=120) as answer:  # noqa: S310
            return str(answer.read().decode())

    async def click_to_prompt(self) -> dict[str, float]:
        """Milliseconds from the click to each stage. As the page does: it names the sandbox, and its terminal waits for it."""
        began = time.perf_counter()
        name = uuid.uuid4()
        stages: dict[str, float] = {}

        def reached(stage: str) -> None:
            stages[stage] = (time.perf_counter() - began) * 1000

        async with asyncio.TaskGroup() as both:
            both.create_task(self._press(name, reached))
            both.create_task(self._open(name, reached))
        return stages

    async def _press(self, name: uuid.UUID, reached: Callable[[str], None]) -> None:
        panel = await asyncio.to_thread(self.ask, f"{PAGE}iniciar/", {"laboratorio": str(name)})
        reached("post")
        while 'data-state="ready"' not in panel:
            if 'data-state="failed"' in panel:
                raise RuntimeError("a start failed")
            await asyncio.sleep(0.4)
            panel = await asyncio.to_thread(self.ask, f"{PAGE}panel/")
        assert f'data-sandbox="{name}"' in panel
        reached("ready")

    async def _open(self, name: uuid.UUID, reached: Callable[[str], None]) -> None:
        address = f"{URL.replace('http', 'ws', 1)}/ws/terminal/{name}/lab/principal/?espera"
        async with websockets.connect(address, origin=Origin(URL), additional_headers={"Cookie": self.cookie}) as socket:
            await socket.send(b"O" + struct.pack(">HH", 80, 24))
            seen = b""
            while b"$ " not in seen:
                message = await socket.recv()
                assert isinstance(message, bytes)
                seen += message[1:]
            reached("prompt")

    def stop(self) -> None:
        self.ask(f"{PAGE}terminar/", {})


def floor() -> float:
    """The bare engine: milliseconds from nothing to an inner `docker ps` that answers."""
    engine, name = lab_engine(), f"lab-banco-{uuid.uuid4().hex[:8]}"
    began = time.perf_counter()
    try:
        engine.create(name, hostname="lab", labels={"lab.purpose": "bench"}, limits=Limits(), flavor=Flavor())
        engine.start(name)
        engine.run(name, ["sh", "-c", "until docker ps >/dev/null 2>&1; do sleep 0.02; done"], seconds=60)
        return (time.perf_counter() - began) * 1000
    finally:
        engine.remove(name)


def quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"p50": round(statistics.median(ordered)), "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))])}


async def crowd(students: list[Student]) -> list[dict[str, float]]:
    """All at once."""
    return list(await asyncio.gather(*(student.click_to_prompt() for student in students)))


def wait_warm(count: int) -> None:
    deadline = time.monotonic() + 300
    while pool.warm_count() < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {pool.warm_count()} warm machines")
        time.sleep(0.1)


def forget(students: list[Student]) -> None:
    """End and remove what the students have, so that rounds do not add up."""
    from sandboxes import lifecycle
    from sandboxes.models import Sandbox
    from sandboxes.turns import turn

    for student in students:
        student.stop()
    for sandbox in Sandbox.objects.filter(user__username__startswith="banco", kept_until__isnull=False):
        with turn(sandbox.pk):  # after the worker has stopped it
            lifecycle.put_down(sandbox)
    time.sleep(2)


def measure(kind: str, crowds: list[int], rounds: int) -> dict[str, Any]:
    report: dict[str, Any] = {}
    if kind == "cold":
        report["floor"] = quantiles([floor() for _ in range(5)])
    for size in crowds:
        students = [Student(number) for number in range(size)]
        taken: list[dict[str, float]] = []
        for _ in range(rounds if size == 1 else 2):
            if kind == "warm":
                wait_warm(max(size, settings.ENV.pool_min))  # or the one that is being made takes the processor
                time.sleep(1)
            taken += asyncio.run(crowd(students))
            forget(students)
        report[f"{size} at once"] = {stage: quantiles([one[stage] for one in taken]) for stage in ("post", "ready", "prompt")}
    if kind == "cold":
        report["ratio alone"] = round(report["1 at once"]["prompt"]["p50"] / report["floor"]["p50"], 2)
    return report


def several_nodes(count: int, rounds: int) -> dict[str, Any]:
    """A sandbox of `count` nodes from the pool: milliseconds until all are named, joined and their engines answer."""
    from lessons import catalog
    from sandboxes import lifecycle
    from sandboxes.assembly import assemble
    from sandboxes.models import Sandbox, State

    found = catalog.course().exercises["docker-intensivo/hello-world/hello-world"]
    names = [f"nodo{number}" for number in range(1, count + 1)]
    many = catalog.Exercise(**{**vars(found), "lab": catalog.Lab(nodos=names)})
    user, _ = get_user_model().objects.get_or_create(username="banco0")
    engine, taken = lab_engine(), []
    for _round in range(rounds):
        wait_warm(count)
        sandbox = Sandbox.objects.create(user=user, exercise=found.key, state=State.STARTING)
        began = time.perf_counter()
        try:
            assemble(sandbox, many)
            taken.append((time.perf_counter() - began) * 1000)
            first, *others = sandbox.machines.all()
            for other in others:
                said = engine.run(first.name, ["sh", "-c", f"ping -c1 -W2 {other.node} && docker ps"], seconds=20)
                assert said.code == 0, said.output
        finally:
            Sandbox.objects.filter(pk=sandbox.pk).update(state=State.REMOVED)
            lifecycle.put_down(sandbox)
    return {f"{count} nodes": quantiles(taken), "floor of one": quantiles([floor() for _ in range(3)])}


def growth(sizes: list[int]) -> dict[str, Any]:
    """Memory (cgroup, without reclaimable cache) and disk per warm machine as their number grows."""
    engine = lab_engine()
    names: list[str] = []
    report: dict[str, Any] = {}
    before = _disk()
    try:
        for size in sizes:
            while len(names) < size:
                name = f"lab-banco-{uuid.uuid4().hex[:8]}"
                names.append(name)
                engine.create(name, hostname="lab", labels={"lab.purpose": "bench"}, limits=Limits(), flavor=Flavor())
                engine.start(name)
                engine.wait_ready(name, seconds=120)
                engine.pause(name)
            memory = [engine.usage(name).memory / 2**20 for name in names[-5:]]
            report[str(size)] = {
                "MiB each": round(statistics.mean(memory), 1),
                "GiB less available on the host": round((_available_at_start - _available()) / 2**30, 2),
                "MB of disk each": round((_disk() - before) / size / 1e6, 2),
            }
    finally:
        for name in names:
            engine.remove(name)
    return report


def _available() -> int:
    line = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
    return int(line.split()[1]) * 1024


def _disk() -> int:
    os.sync()
    return shutil.disk_usage(ENGINE_ROOT).used


_available_at_start = _available()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("warm", "cold", "growth", "nodes"))
    parser.add_argument("--crowds", default="1,10,50")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    sizes = [int(part) for part in options.crowds.split(",")]
    if options.kind == "growth":
        report = growth(sizes)
    elif options.kind == "nodes":
        report = several_nodes(3, options.rounds)
    else:
        report = measure(options.kind, sizes, options.rounds)
    print(json.dumps({options.kind: report}, indent=2))


if __name__ == "__main__":
    main()
