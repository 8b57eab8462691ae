"""Runs attacks in real sandboxes and writes down what came of them.

Two sandboxes: one attacks, the other is the neighbour. Needs no database; whatever happens, both are removed.
"""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sandboxes.doctor.attempt import KILLED, Attack, Seen
from sandboxes.engine import Death, EngineError, Flavor, LabEngine, Limits

LABELS = {"lab.purpose": "doctor"}
_DISK = "1G"
_DYING = 10
"""Seconds in which Docker learns of a death."""


@dataclass(frozen=True)
class Finding:
    """One attempt and what came of it, as the operator reads it."""

    name: str
    tried: str
    expected: str
    observed: str
    held: bool


def examine(engine: LabEngine, attacks: tuple[Attack, ...], *, tell: Callable[[Finding], None] = lambda _: None) -> list[Finding]:
    """Try every attack; `tell` hears each finding as it comes. Raises EngineError if there are no sandboxes to try in."""
    findings = []
    with ExitStack() as stack:
        attacker = stack.enter_context(_sandbox(engine))
        neighbour = stack.enter_context(_sandbox(engine))
        words = stack.enter_context(_targets(engine, neighbour))
        for attack in attacks:
            finding = _find(engine, attack, attacker, neighbour, words)
            findings.append(finding)
            tell(finding)
    return findings


def _find(engine: LabEngine, attack: Attack, attacker: str, neighbour: str, words: dict[str, str]) -> Finding:
    try:
        seen = _try(engine, attack, attacker, neighbour, words)
        if seen.code == KILLED:  # by whom watches: the next attempt needs a living one
            await_death(engine, attacker)
            engine.start(attacker)
            engine.wait_ready(attacker, seconds=60)
    except EngineError as error:
        return Finding(attack.name, attack.tried, attack.expected, f"no se pudo probar: {error}", held=False)
    return Finding(attack.name, attack.tried, attack.expected, _describe(attack, seen), held=attack.judge(seen))


def _try(engine: LabEngine, attack: Attack, attacker: str, neighbour: str, words: dict[str, str]) -> Seen:
    command = attack.command
    for word, value in words.items():
        command = command.replace(f"{{{word}}}", value)

    def run() -> tuple[int, str]:
        done = engine.run(attacker, ["sh", "-c", command], seconds=attack.seconds)
        return done.code, done.output.decode(errors="replace").strip()

    if not attack.neighbour:
        code, said = run()
        return Seen(code, said)
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(run)
        slowest, failed = _ask_meanwhile(engine, neighbour, attack.neighbour, going)
        code, said = going.result()
    return Seen(code, said, slowest, failed)


def _ask_meanwhile(engine: LabEngine, neighbour: str, command: str, going: Future[tuple[int, str]]) -> tuple[float, str]:
    """Have the neighbour do `command` until the attack ends, and once more; its slowest time and first failure."""
    slowest, failed, last = 0.0, "", False
    while not last:
        last = going.done()
        began = time.monotonic()
        try:
            done = engine.run(neighbour, ["sh", "-c", command], seconds=20)
            wrong = f"código {done.code} {done.output.decode(errors='replace').strip()[:120]}".strip() if done.code else ""
        except EngineError as error:
            wrong = str(error)
        slowest = max(slowest, time.monotonic() - began)
        failed = failed or wrong
    return slowest, failed


def await_death(engine: LabEngine, name: str) -> Death | None:
    """How a sandbox whose processes were killed ended; None if it lives on.

    Docker learns of it a moment later than who had an `exec` there, and until then would have nothing to start."""
    deadline = time.monotonic() + _DYING
    while (death := engine.death(name)) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    return death


def _describe(attack: Attack, seen: Seen) -> str:
    said = " ".join(seen.said.split())[:300] or f"(nada; código {seen.code})"
    if not attack.neighbour:
        return said
    return f"{said}; el vecino, " + (f"falló: {seen.neighbour_failed}" if seen.neighbour_failed else f"{seen.slowest:.1f} s como mucho")


@contextmanager
def _sandbox(engine: LabEngine) -> Iterator[str]:
    name = f"lab-doctor-{uuid.uuid4().hex[:8]}"
    try:
        engine.create(name, hostname="lab", labels=LABELS, limits=Limits(), flavor=Flavor(disk=_DISK))
        engine.start(name)
        engine.wait_ready(name, seconds=60)
        yield name
    finally:
        engine.remove(name)


@contextmanager
def _targets(engine: LabEngine, neighbour: str) -> Iterator[dict[str, str]]:
    """What attacks aim at: a port that is open on this machine and on the neighbour, and both addresses.

    Something must listen, or "no answer" would prove nothing."""
    address = engine.run(neighbour, ["hostname", "-i"]).output.decode().split()[0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))  # sends nothing: asks the kernel which of our addresses leads there
        host = probe.getsockname()[0]
    with socket.create_server(("0.0.0.0", 0)) as listener:
        port = listener.getsockname()[1]
        listening = (
            "perl -MSocket -e 'socket(S,PF_INET,SOCK_STREAM,0); setsockopt(S,SOL_SOCKET,SO_REUSEADDR,1); "
            f'bind(S,sockaddr_in({port},INADDR_ANY)) or die; listen(S,5); exit if fork; open(STDOUT,">/dev/null"); '
            'open(STDERR,">/dev/null"); while(accept(C,S)){close C}\''
        )
        if engine.run(neighbour, ["sh", "-c", listening]).code:
            raise EngineError("the neighbour could not listen")
        yield {"neighbour": address, "host": host, "port": str(port)}
