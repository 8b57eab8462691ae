"""Runs the lab's processes: starts them in order, waits until each answers, restarts the ones that die,
stops them in reverse. A process group each, so that nothing they started stays behind.

Ours because what exists (supervisord, honcho) can't wait for one service before the next, and half of
these must be started inside a network namespace: docs/adr/0005-supervisor.md.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from host.instance import HostError

LOG_BYTES = 20_000_000
"""How large a log grows before it becomes `<name>.log.1`, in the place of the one before."""
RESTART_DELAYS = (0.5, 1, 2, 5, 10)
"""Seconds before the first, second… restart in a row; a process that lived for a minute starts over."""


@dataclass(frozen=True)
class Service:
    """One process: how it is started, when it is ready, how long it may take to stop."""

    name: str
    argv: tuple[str, ...]
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    start_seconds: float = 30
    stop_seconds: float = 15
    before_start: Callable[[], None] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    nice: int = 0
    """Below nothing what everybody waits for, so that it comes before anybody's work."""


@dataclass
class _Running:
    service: Service
    process: subprocess.Popen[bytes]
    started: float
    failures: int = 0
    restart_at: float | None = None


class Supervisor:
    """Owns the running services of one lab."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, _Running] = {}

    def start(self, service: Service) -> None:
        """Start a service and wait until it is ready; raises HostError with the end of its log."""
        running = self._launch(service)
        self._running[service.name] = running
        deadline = time.monotonic() + service.start_seconds
        while not service.ready():
            if running.process.poll() is not None or time.monotonic() > deadline:
                raise HostError(f"«{service.name}» no arrancó. {self._last_words(service.name)}")
            time.sleep(0.02)

    def stop(self, name: str) -> None:
        running = self._running.pop(name, None)
        if running:
            _end(running.process, ask=running.service.stop_signal, seconds=running.service.stop_seconds)

    def stop_all(self) -> None:
        for name in reversed(list(self._running)):
            self.stop(name)

    def tend(self, report: Callable[[str], None]) -> None:
        """Restart what died and cut logs that have grown; call it every second or so."""
        now = time.monotonic()
        for log in self._logs.glob("*.log"):
            _rotate(log)
        for name, running in self._running.items():
            if running.restart_at is not None:
                if now >= running.restart_at:
                    self._restart(name, running, now, report)
            elif running.process.poll() is not None:
                _end(running.process, seconds=0)
                lived = now - running.started
                running.failures = 1 if lived > 60 else running.failures + 1
                running.restart_at = now + _delay(running.failures)
                report(f"«{name}» terminó solo ({running.process.returncode}) tras {lived:.0f} s")

    def _restart(self, name: str, running: _Running, now: float, report: Callable[[str], None]) -> None:
        try:
            fresh = self._launch(running.service)
        except HostError as error:
            running.failures += 1
            running.restart_at = now + _delay(running.failures)
            report(f"«{name}» no pudo arrancar de nuevo: {error}")
            return
        fresh.failures = running.failures
        self._running[name] = fresh
        report(f"«{name}» arranca de nuevo")

    def _launch(self, service: Service) -> _Running:
        if service.before_start:
            service.before_start()
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{service.name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                ("nice", "-n", str(service.nice), *service.argv) if service.nice else service.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**_base_environment(), **service.env},
                start_new_session=True,
            )
        return _Running(service, process, time.monotonic())

    def _last_words(self, name: str) -> str:
        log = self._logs / f"{name}.log"
        lines = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
        return f"Su registro ({log}) acaba así:\n  " + "\n  ".join(lines)


def _rotate(log: Path) -> None:
    """Copy what a log holds and empty it: who writes it has it open, and appends."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > LOG_BYTES:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


def _delay(failures: int) -> float:
    return RESTART_DELAYS[min(failures, len(RESTART_DELAYS)) - 1]


def _base_environment() -> dict[str, str]:
    """What services inherit: enough to run, none of the caller's secrets."""
    keep = ("PATH", "LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
    return {name: os.environ[name] for name in keep if name in os.environ}


def _end(process: subprocess.Popen[bytes], *, seconds: float, ask: signal.Signals = signal.SIGTERM) -> None:
    """TERM (or `ask`) to the process, KILL to what is left of its group."""
    if process.poll() is None:
        process.send_signal(ask)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()
