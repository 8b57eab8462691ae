"""Each container is restarted while somebody works, and each process of the site killed: the shell is the same, and what they
ask is answered.

With `pytest -s` it says, of each, after how long they typed again and what the terminal said of its connection meanwhile.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from host import containers
from host.instance import ROOT, Instance
from host.shell import sh
from tests.browser.test_journey import PAGE, end, screen, start, type_line
from tests.conftest import wait_until

pytestmark = pytest.mark.browser


def compose(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "host/bootstrap.sh", "compose", "run", *words], cwd=ROOT, capture_output=True, text=True, timeout=300)


def meanwhile(page: Page, *words: str) -> list[str]:
    """Run a command of Compose's; returns what the terminal said of its connection while it ran, each once, in order."""
    page.evaluate(
        """() => {
            const told = document.querySelector('.connection');
            const note = () => { const said = told.textContent.trim(); if (said && seen.at(-1) !== said) seen.push(said); };
            window.seen = [];
            const { seen } = window;
            new MutationObserver(note).observe(told, { childList: true, characterData: true, subtree: true });
        }"""
    )
    command = ["sh", "host/bootstrap.sh", "compose", "run", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            page.wait_for_timeout(100)  # lets the page live while the container goes and comes
        assert process.stderr
        assert process.returncode == 0, process.stderr.read()
    return list(dict.fromkeys(page.evaluate("window.seen")))


def check_anew(page: Page) -> None:
    """A check that begins now and passes; the last one's result is on the page until then."""
    result = page.get_by_test_id("check-result")
    last = result.get_attribute("data-finished")
    page.get_by_test_id("check").click()
    wait_until(lambda: result.get_attribute("data-finished") not in (None, last), seconds=90)
    expect(result).to_have_attribute("data-status", "passed")


def type_again(page: Page, after: str) -> None:
    """In the shell that was there."""
    wait_until(lambda: page.locator("[data-connection=conectado]").count(), seconds=90)
    type_line(page, f"clear; echo aqui-$variable-{after}", after)
    assert f"aqui-sigue-{after}" in screen(page)


def work_again(page: Page, after: str) -> None:
    # What a container wrote may come to its log an instant after it ended.
    command = "docker rm -f saludo; docker run --name saludo busybox:1.37 echo hola; until docker logs saludo | grep hola; do sleep 1; done"
    type_line(page, command, f"saludo-{after}", seconds=120)
    check_anew(page)


SERVICES = ("proxy", "web", "worker", "collector", "tokens", "db", "redis", "mirror", "registry")


def test_no_service_restarted_in_mid_use_loses_anything(person: Any) -> None:
    page = person("reinicio")
    start(page)
    type_line(page, 'docker run busybox:1.37 echo "hello world"; variable=sigue', "antes")
    print("\nservicio   escribía de nuevo a los… y mientras leía")
    for service in SERVICES:
        began = time.monotonic()
        said = meanwhile(page, "restart", service)
        type_again(page, service)
        typed = time.monotonic() - began
        done = compose("up", "--detach", "--no-build", "--no-deps", "--wait", service)
        assert done.returncode == 0, done.stderr
        work_again(page, service)
        print(f"{service:<10} {typed:5.1f} s  {'; '.join(said) or 'nada'}", flush=True)
    end(page)


def test_a_stopped_database_is_told_and_found_again(person: Any) -> None:
    page, other = person("parada"), person("mira")
    start(page)
    type_line(page, 'docker run busybox:1.37 echo "hello world"; variable=sigue', "antes")
    assert compose("stop", "db").returncode == 0
    try:
        page.get_by_test_id("check").click()
        expect(page.get_by_text("El sitio no contesta ahora")).to_be_visible(timeout=60_000)
        type_again(page, "parada")
        asked = other.goto(PAGE)
        assert asked
        assert asked.status == 503
        expect(other.get_by_role("heading", name="Un momento")).to_be_visible()
    finally:
        assert compose("start", "db").returncode == 0
    expect(other.get_by_test_id("start-lab")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("El sitio no contesta ahora")).to_have_count(0, timeout=60_000)
    work_again(page, "vuelve")
    end(page)


class Site:
    """The processes of the site that is up, wherever they run, and how each is doing."""

    def __init__(self) -> None:
        self._lab = Instance(os.environ.get("LAB_NAME", "lab"), composed=True)
        self._docker = ("docker", "-H", containers.engine(self._lab))

    def main_process(self, part: str) -> int | None:
        """Of a container, or of the host's part; None while it has none."""
        if part in SERVICES:
            return int(self._inspect(part, "{{.State.Pid}}") or 0) or None
        if part == "gate":
            return next((pid for pid, words in _processes() if str(self._lab.plugin_socket) in words), None)
        file = self._lab.rundir({"engine": "engine.pid", "compose-engine": "compose-engine.pid"}[part])
        return next((pid for pid, words in _processes() if str(file) in words), None)

    def parts(self) -> tuple[str, ...]:
        """Last the engine of the containers, where it is the site's own: they all go with it."""
        return (*SERVICES, "gate", "engine", *(["compose-engine"] if self._lab.compose_data.exists() else []))

    def well(self) -> bool:
        return all(self._inspect(service, "{{.State.Health.Status}}") == "healthy" for service in SERVICES)

    def _inspect(self, service: str, what: str) -> str:
        label = f"label=com.docker.compose.project=docker-intensivo-{self._lab.name}"
        call = ("ps", "-aq", "--filter", label, "--filter", f"label=com.docker.compose.service={service}")
        found = sh(*self._docker, *call, check=False).split()
        return sh(*self._docker, "inspect", "-f", what, found[0], check=False).strip() if len(found) == 1 else ""


def _processes() -> list[tuple[int, list[str]]]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found.append((int(folder.name), (folder / "cmdline").read_text(errors="replace").split("\0")))
    return found


def test_whatever_is_killed_in_mid_use_comes_back_by_itself(person: Any) -> None:
    site = Site()
    page = person("muerte")
    start(page)
    type_line(page, 'docker run busybox:1.37 echo "hello world"; variable=sigue', "antes")
    print("\nmuerto           otro proceso, escribía, y todo sano a los…")
    for part in site.parts():
        was = site.main_process(part)
        assert was
        began = time.monotonic()
        os.kill(was, signal.SIGKILL)
        wait_until(lambda was=was, part=part: site.main_process(part) not in (None, was), seconds=90)
        another = time.monotonic() - began
        type_again(page, part)
        typed = time.monotonic() - began
        wait_until(site.well, seconds=180)
        well = time.monotonic() - began
        work_again(page, part)
        print(f"{part:<15} {another:5.1f} s {typed:5.1f} s {well:5.1f} s", flush=True)
    end(page)
