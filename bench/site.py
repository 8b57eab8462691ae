"""A whole site of one's own, in a folder: its database, web server, worker and collector. For browser tests and pictures.

Its processes can be killed and started again by name. Owns no engine: without one (`LAB_ENGINE_URL`), start the web alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Site:
    """The running site."""

    url: str
    env: dict[str, str]
    folder: Path
    """Where it writes its logs."""
    listen: tuple[str, ...] = ()
    """uvicorn's address, port and certificate."""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start «web», «worker» or «collector» and wait until it answers; RuntimeError if it ends instead."""
        commands = {
            "web": ["-m", "uvicorn", "labsite.asgi:application", *self.listen, "--ws", "websockets-sansio",
                    "--ws-per-message-deflate", "false", "--no-access-log", "--timeout-graceful-shutdown", "1"],
            "worker": ["-m", "celery", "-A", "labsite", "worker", "--beat", "--concurrency", "2", "--loglevel", "WARNING",
                       "--without-gossip", "--without-mingle"],
            "collector": ["manage.py", "collect"],
        }  # fmt: skip
        if name == "web" and self._answers():
            raise RuntimeError(f"something else answers at {self.url}: end it, or choose another LAB_TEST_PORT")
        ready = self.folder / f"{name}-ready"
        ready.unlink(missing_ok=True)
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *commands[name]], cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
                env={**self.env, f"LAB_{name.upper()}_READY": str(ready)},
            )  # fmt: skip
        until(lambda: self._lives(name) and (self._answers() if name == "web" else ready.exists()), seconds=60)

    def _lives(self, name: str) -> bool:
        """Fails if it ended: what answers at its port would be another."""
        if self.processes[name].poll() is not None:
            raise RuntimeError(f"{name} ended: {(self.folder / f'{name}.log').read_text()[-500:]}")
        return True

    def kill(self, name: str) -> None:
        """kill -9, with its children."""
        process = self.processes.pop(name)
        os.killpg(process.pid, 9)
        process.wait()

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for name, process in self.processes.items():
            process.wait(timeout=20)
            try:
                until(lambda pid=process.pid: not _group_lives(pid), seconds=10)
            except TimeoutError:
                os.killpg(process.pid, 9)
                raise RuntimeError(f"{name} ended and left processes behind") from None

    def manage(self, *argv: str) -> str:
        done = subprocess.run([sys.executable, "manage.py", *argv], cwd=ROOT, env=self.env, capture_output=True, text=True, check=True)
        return done.stdout

    def shell(self, code: str) -> str:
        """Python within the site."""
        return self.manage("shell", "-v", "0", "-c", code)

    def _answers(self) -> bool:
        return subprocess.run(["curl", "-ksf", "-o", "/dev/null", f"{self.url}/"], check=False).returncode in (0, 22)


def _group_lives(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(condition: Callable[[], object], *, seconds: float) -> None:
    """Wait for a condition; TimeoutError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {condition}")
        time.sleep(0.05)
