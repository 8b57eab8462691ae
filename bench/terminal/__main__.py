"""Runs it all on a running lab and prints the table: `--rounds 5 --crowds 50,200`. See bench/terminal.sh."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import websockets

from bench.start import URL, Student, settings, wait_warm
from bench.terminal import accounts, gates, measures
from bench.terminal.clients import Client, Ours
from bench.terminal.servers import Peer, start_peers, write_entry
from sandboxes.engine import lab_engine
from sandboxes.models import Machine

SHELLS = 7
"""Sessions on one machine: of the holder's eight shells, all but the one that starts by itself."""
HERE = "docker-intensivo"


@dataclass
class Site:
    """The real site, with its students: each has a machine."""

    students: list[Student]
    sandboxes: list[str]
    name: str = HERE
    made: int = 0

    @property
    def pid(self) -> int:
        return accounts.site_process(int(URL.rsplit(":", 1)[1]))

    def session(self) -> Client:
        who = self.made // SHELLS % len(self.students)
        shell = f"t{2 + self.made % SHELLS}"
        self.made += 1
        address = f"{URL.replace('http', 'ws', 1)}/ws/terminal/{self.sandboxes[who]}/lab/{shell}/"
        return Ours(address, origin=URL, cookie=self.students[who].cookie)


Server = Site | Peer


@dataclass
class Figures:
    """All that was measured, by server and figure."""

    seen: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    def note(self, server: Server, figure: str, *values: float) -> None:
        self.seen[server.name][figure] += values

    def medians(self) -> dict[str, dict[str, float]]:
        out: dict[str, dict[str, float]] = {}
        for server, figures in self.seen.items():
            out[server] = {}
            for figure, values in figures.items():
                if figure.startswith("echo"):
                    for part, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
                        out[server][f"{figure} {name}"] = measures.quantile(values, part)
                else:
                    out[server][figure] = statistics.median(values)
        return out


def open_machines(count: int) -> tuple[Site, list[str]]:
    """Students with a machine each, by the site's own buttons, and the machines' names."""
    students = [Student(number) for number in range(count)]
    sandboxes = []
    for student in students:
        panel = student.ask("/curso/docker-intensivo/hello-world/hello-world/iniciar/", post={})
        while 'data-state="ready"' not in panel:
            time.sleep(0.2)
            panel = student.ask("/curso/docker-intensivo/hello-world/hello-world/panel/")
        sandboxes.append(panel.split('data-sandbox="')[1].split('"')[0])
    names = [Machine.objects.get(sandbox=sandbox).name for sandbox in sandboxes]
    for name in names[:2]:
        lab_engine().run(name, ["sh", "-c", "base64 -w 76 /dev/urandom | head -c 4000000 >/tmp/bulk; chmod 644 /tmp/bulk"], seconds=60)
    return Site(students, sandboxes), names


async def close(session: Client) -> None:
    if isinstance(session, Ours):
        await session.end()
    else:
        await session.type(b"exit\n")
    await session.close()


async def alone(server: Server, figures: Figures) -> None:
    """One round with one session."""
    session, taken = await measures.connect(server.session)
    figures.note(server, "connect", taken)
    figures.note(server, "echo 1", *await measures.echo(session, 100))
    figures.note(server, "bulk 1", await measures.bulk([session], 5))
    figures.note(server, "interrupt", await measures.interrupt(session))
    await close(session)


async def ten(server: Server, figures: Figures) -> None:
    sessions = [(await measures.connect(server.session))[0] for _ in range(10)]
    figures.note(server, "bulk 10", await measures.bulk(sessions, 1))
    for session in sessions:
        await close(session)


async def open_many(server: Server, size: int) -> list[Client]:
    """Ten at a time: how fast they open is not what is measured here."""
    sessions: list[Client] = []
    while len(sessions) < size:
        opened = await asyncio.gather(*(measures.connect(server.session) for _ in range(min(10, size - len(sessions)))))
        sessions += [session for session, _ in opened]
    return sessions


async def close_many(sessions: list[Client]) -> None:
    """Ten at a time, each at its prompt again."""
    await asyncio.gather(*(session.type(b"\x03") for session in sessions))
    for at in range(0, len(sessions), 10):
        await asyncio.gather(*map(close, sessions[at : at + 10]))


async def many(server: Server, figures: Figures, size: int, machines: list[str], seconds: float) -> None:
    """A crowd that types: echo, processor per key, memory per session."""
    root = server.pid
    engine = accounts.engine_processes(settings.ENV.name)

    def pids() -> set[int]:
        return accounts.tree(root) | engine

    def memory() -> int:
        return accounts.memory(pids() | accounts.attachments(engine))

    empty = memory()
    sessions = await open_many(server, size)
    figures.note(server, f"memory {size}", (memory() - empty) / size / 1e6)
    before = accounts.cpu(pids()) + accounts.machines_cpu(machines)
    taken = await measures.crowd(sessions, seconds=seconds)
    spent = accounts.cpu(pids()) + accounts.machines_cpu(machines) - before
    figures.note(server, f"echo {size}", *taken)
    figures.note(server, f"cpu per key {size}", spent / len(taken) * 1e6)
    await close_many(sessions)


async def flooded(server: Server, figures: Figures, size: int, floods: int, machines: list[str], seconds: float) -> None:
    """A crowd that types while others show floods."""
    noisy = await open_many(server, floods)
    sessions = await open_many(server, size)
    drawing = [asyncio.create_task(measures.flood(session)) for session in noisy]
    try:
        figures.note(server, f"echo {size}, {floods} floods", *await measures.crowd(sessions, seconds=seconds))
    finally:
        for task in drawing:
            task.cancel()
        await asyncio.gather(*drawing, return_exceptions=True)
        sweep(machines)
    for session in [*noisy, *sessions]:
        await session.close()


async def stalled(server: Server, figures: Figures) -> None:
    session, _ = await measures.connect(server.session)
    figures.note(server, "stalled", await measures.stall(session, lambda: accounts.memory(accounts.tree(server.pid))))


def sweep(machines: list[str]) -> None:
    """End what the student runs: floods and shells that a server has left behind."""
    for machine in machines:
        lab_engine().run(machine, ["sh", "-c", "pkill -KILL -u alumno; true"], seconds=120)


def left_behind(machines: list[str]) -> int:
    """Shells of the student in the machines."""
    return sum(int(lab_engine().run(machine, ["pgrep", "-cu", "alumno", "bash"], seconds=120).output.strip() or 0) for machine in machines)


async def leaks(server: Server, figures: Figures, machines: list[str]) -> None:
    """Shells that are there 5 s after five sessions were closed as each server's page closes them, with a program running."""
    before = left_behind(machines)
    for _ in range(5):
        session, _ = await measures.connect(server.session)
        await session.type(b"sleep 600\n")
        await session.until(b"\n")
        if isinstance(session, Ours):
            await session.end()
        await session.close()
    await asyncio.sleep(5)
    figures.note(server, "shells left", left_behind(machines) - before)


def begin_again(server: Server) -> None:
    """The site's sessions are shared out from its first machine on; a peer's are, at random, by its entry."""
    if isinstance(server, Site):
        server.made = 0


async def as_far_as_it_goes(measure: Coroutine[Any, Any, None], server: Server) -> None:
    """A peer that breaks has no figure, and the others go on; the site has to hold."""
    try:
        await measure
    except (OSError, TimeoutError, websockets.WebSocketException) as error:
        if isinstance(server, Site):
            raise
        say(f"{server.name} no aguantó: {error!r}")


def say(what: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')} {what}", flush=True)


async def rounds(servers: list[Server], count: int, figures: Figures) -> None:
    """Everything that one or ten sessions tell, server after server, each round in another order."""
    for number in range(count):
        for server in servers[number % len(servers) :] + servers[: number % len(servers)]:
            say(f"ronda {number + 1}: {server.name}")
            for measure in (alone, ten):
                begin_again(server)
                await as_far_as_it_goes(measure(server, figures), server)


async def abandoned(servers: list[Server], machines: list[str], figures: Figures) -> None:
    """Clients that stop reading, and clients that go away. Last: it leaves floods behind."""
    for server in servers:
        say(f"cliente parado y consolas que quedan: {server.name}")
        begin_again(server)
        await as_far_as_it_goes(stalled(server, figures), server)
        sweep(machines)
        await as_far_as_it_goes(leaks(server, figures, machines), server)
        sweep(machines)


async def crowds(servers: list[Server], machines: list[str], sizes: list[int], floods: int, seconds: float, figures: Figures) -> None:
    for size in sizes:
        for server in servers:
            say(f"{size} sesiones: {server.name}")
            begin_again(server)
            await as_far_as_it_goes(many(server, figures, size, machines, seconds), server)
    for server in servers if floods and sizes else []:
        say(f"{max(sizes)} sesiones y {floods} avalanchas: {server.name}")
        begin_again(server)
        await as_far_as_it_goes(flooded(server, figures, max(sizes), floods, machines, seconds), server)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--crowds", type=lambda text: [int(part) for part in text.split(",") if part], default=[50, 200])
    parser.add_argument("--floods", type=int, default=10, help="sessions that flood while the biggest crowd types; 0: none")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--only", type=lambda text: text.split(","), default=[])
    parser.add_argument("--crowd-of", type=lambda text: text.split(","), default=[], help="peers that crowds are measured of; all, if none")
    parser.add_argument("--json", default="")
    options = parser.parse_args()
    wait_warm(settings.ENV.pool_min)
    site, machines = open_machines(max(2, -(-(max([*options.crowds, 1]) + options.floods) // SHELLS)))
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        peers = start_peers(write_entry(Path(folder), machines[:2], settings.ENV.engine_url), options.only)
        chosen = [peer for peer in peers if not options.crowd_of or peer.name in options.crowd_of]
        try:
            asyncio.run(rounds([site, *peers], options.rounds, figures))
            write_entry(Path(folder), machines, settings.ENV.engine_url)
            asyncio.run(crowds([site, *chosen], machines, options.crowds, options.floods, options.seconds, figures))
            write_entry(Path(folder), machines[:2], settings.ENV.engine_url)
            asyncio.run(abandoned([site, *peers], machines[:2], figures))
        finally:
            for peer in peers:
                peer.stop()
            report(figures, options)


def report(figures: Figures, options: argparse.Namespace) -> None:
    """The table; of what there is, if the run was cut short."""
    medians = figures.medians()
    biggest = max(options.crowds, default=0)
    for server in medians.values():
        for figure in ("memory", "cpu per key"):
            if f"{figure} {biggest}" in server:
                server[figure] = server.pop(f"{figure} {biggest}")
    if options.json:
        Path(options.json).write_text(json.dumps(medians, indent=2))
    print(gates.table(medians))


if __name__ == "__main__":
    main()
