"""A whole site for the browser: its own database, web server and worker, on the tests' lab engine; and sites without one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from bench.site import Site as Site
from tests.conftest import PASSWORD, real_engine_url, wait_until
from tests.settings import RUN

ROOT = Path(__file__).resolve().parents[2]
PORT = int(os.environ.get("LAB_TEST_PORT", "8765"))
THEMES = ("light", "dark", "contrast")


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """One of the tests' own, or with TEST_SITE=https://… one that is up (`make compose-test`)."""
    if given := os.environ.get("TEST_SITE"):
        yield Site(given, {}, RUN)
        return
    real_lab = request.getfixturevalue("real_lab")
    settings = {
        "LAB_DATABASE_URL": f"sqlite:///{RUN}/site.sqlite3", "LAB_URL": f"http://127.0.0.1:{PORT}",
        "LAB_POOL_MIN": "1", "LAB_POOL_MAX": "1",
        "LAB_ENGINE_URL": real_engine_url(), "LAB_KEEP_DAYS": "1",
    }  # fmt: skip
    environment = {**os.environ, **settings, "DJANGO_SETTINGS_MODULE": "labsite.settings"}
    found = Site(f"http://127.0.0.1:{PORT}", environment, RUN, listen=("--port", str(PORT)))
    found.manage("migrate", "-v", "0")
    try:
        for name in ("worker", "collector", "web"):
            found.start(name)
        # One of each kind; on a slow day both are there at once.
        wait_until(lambda: '"warm": 0' not in found.manage("lab_status", "--json"), seconds=120)
        yield found
    finally:
        found.stop()
        for container in real_lab.containers():
            real_lab.remove(container.name)


@contextmanager
def preview_of(folder: Path) -> Iterator[str]:
    """Where an author's preview of a course is (`manage.py preview`): pages without accounts or engine."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "DJANGO_"))}
    environment |= {"LAB_SECRET_KEY": "x", "LAB_DATABASE_URL": "sqlite://:memory:"}
    command = [sys.executable, "manage.py", "preview", str(folder), "--puerto", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            found = re.search(r"http://[\d.:]+", process.stdout.readline())
            assert found
            yield found[0]
        finally:
            process.terminate()


def accessible(page: Page, *, themes: tuple[str, ...] = THEMES) -> None:
    """axe finds nothing in any of the looks. What is in a preview is the student's; xterm's text, its own."""
    page.emulate_media(reduced_motion="reduce")  # a colour on its way to the next look is nobody's
    for theme in themes:
        page.evaluate(
            """theme => new Promise(done => {
                document.documentElement.dataset.theme = theme;
                requestAnimationFrame(() => requestAnimationFrame(done));
            })""",
            theme,
        )
        results = Axe().run(page, context={"exclude": [["iframe"], [".xterm"]]})
        assert results.violations_count == 0, f"{page.url}, {theme}: {results.generate_report()}"
    page.evaluate("() => { delete document.documentElement.dataset.theme; }")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    # Containers that come and go change this machine's addresses, and then Chromium drops its HTTP/2 sessions: no student's does.
    composed = ["--disable-http2"] if os.environ.get("TEST_SITE") else []
    return {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox", "--disable-background-networking", *composed]}


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
        if found := getattr(item, "funcargs", {}).get("site"):
            for log in sorted(found.folder.glob("*.log")):
                report.sections.append((log.name, log.read_text(errors="replace")[-3000:]))
    return report
