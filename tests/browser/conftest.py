"""A whole site for the browser: its own database, web server and worker, on the tests' lab engine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.conftest import PASSWORD, real_engine_url, wait_until
from tests.settings import RUN

ROOT = Path(__file__).resolve().parents[2]
PORT = int(os.environ.get("LAB_TEST_PORT", "8765"))


@dataclass
class Site:
    """The running site; its processes can be killed and started again by name."""

    url: str
    env: dict[str, str]
    listen: tuple[str, ...] = ("--port", str(PORT))
    """uvicorn's address, port and certificate."""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        commands = {
            "web": ["-m", "uvicorn", "labsite.asgi:application", *self.listen, "--ws", "websockets-sansio",
                    "--ws-per-message-deflate", "false", "--no-access-log", "--timeout-graceful-shutdown", "1"],
            "worker": ["-m", "celery", "-A", "labsite", "worker", "--beat", "--concurrency", "2", "--loglevel", "WARNING",
                       "--without-gossip", "--without-mingle"],
            "collector": ["manage.py", "collect"],
        }  # fmt: skip
        ready = RUN / f"{name}-ready"
        ready.unlink(missing_ok=True)
        log = (RUN / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            [sys.executable, *commands[name]], cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
            env={**self.env, f"LAB_{name.upper()}_READY": str(ready)},
        )  # fmt: skip
        log.close()
        wait_until(lambda: self._lives(name) and (self._answers() if name == "web" else ready.exists()), seconds=60)

    def _lives(self, name: str) -> bool:
        """Fails if it ended: what answers at its port would be another."""
        if self.processes[name].poll() is not None:
            pytest.fail(f"{name} ended: {(RUN / f'{name}.log').read_text()[-500:]}")
        return True

    def kill(self, name: str) -> None:
        """kill -9, with its children."""
        process = self.processes.pop(name)
        os.killpg(process.pid, 9)
        process.wait()

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(timeout=20)

    def manage(self, *argv: str) -> str:
        done = subprocess.run([sys.executable, "manage.py", *argv], cwd=ROOT, env=self.env, capture_output=True, text=True, check=True)
        return done.stdout

    def _answers(self) -> bool:
        return subprocess.run(["curl", "-ksf", "-o", "/dev/null", f"{self.url}/"], check=False).returncode in (0, 22)


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """One of the tests' own, or with TEST_SITE=https://… one that is up (`make compose-test`)."""
    if given := os.environ.get("TEST_SITE"):
        yield Site(given, {})
        return
    real_lab = request.getfixturevalue("real_lab")
    settings = {
        "LAB_DATABASE_URL": f"sqlite:///{RUN}/site.sqlite3", "LAB_URL": f"http://127.0.0.1:{PORT}",
        "LAB_POOL_MIN": "1", "LAB_POOL_MAX": "1",
        "LAB_ENGINE_URL": real_engine_url(), "LAB_KEEP_DAYS": "1",
    }  # fmt: skip
    found = Site(f"http://127.0.0.1:{PORT}", {**os.environ, **settings, "DJANGO_SETTINGS_MODULE": "labsite.settings"})
    found.manage("migrate", "-v", "0")
    found.start("worker")
    found.start("collector")
    found.start("web")
    wait_until(lambda: '"warm": 1' in found.manage("lab_status", "--json"), seconds=60)
    yield found
    found.stop()
    for container in real_lab.containers():
        real_lab.remove(container.name)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox", "--disable-background-networking"]}


@pytest.fixture
def person(browser: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Makes people: each a browser context that has just registered. A screenshot is kept if the test fails."""
    contexts: list[BrowserContext] = []

    def register(name: str) -> Page:
        context = browser.new_context(base_url=site.url, viewport={"width": 1400, "height": 850}, locale="es-ES", ignore_https_errors=True)
        contexts.append(context)
        context.add_init_script("localStorage.setItem('laboratorio.visita', '1')")  # no tour: it has its own test
        page = context.new_page()
        page.errors = []  # type: ignore[attr-defined]
        page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.errors.append(str(error)))  # type: ignore[attr-defined]
        page.goto("/cuenta/signup/")
        page.fill("[name=username]", f"{name}{time.monotonic_ns() % 10**9}")
        page.fill("[name=password1]", PASSWORD)
        page.fill("[name=password2]", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url("**/curso/**")
        return page

    yield register
    failed = request.node.stash.get(FAILED, False)
    for number, context in enumerate(contexts):
        for page in context.pages:
            if failed:
                folder = ROOT / "test-results"
                folder.mkdir(exist_ok=True)
                page.screenshot(path=folder / f"{request.node.name[:80]}-{number}.png")
        context.close()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report
