"""The engine, Redis and then all of a lab are killed (-9) while somebody works in it: the page finds the laboratory again.

A lab of its own, raised as `make run` does. The page is never reloaded: what it shows is what a student sees who stays there.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from host.instance import ROOT, STATE
from tests.browser.conftest import PORT
from tests.browser.test_journey import PAGE, check, end, prompt, screen, state, type_line
from tests.conftest import PASSWORD, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.engine]
NAME, ADDRESS = "labcorte", f"127.0.0.1:{PORT + 20}"


class Lab:
    """What runs, and the ways to end it."""

    def __init__(self, log: Path) -> None:
        self._log = log
        ours = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
        # ext4, which has nothing to be seeded, and no warm machines: it is up sooner.
        quick = {"LAB_STORAGE": "ext4", "LAB_DISK": "20G", "LAB_POOL_MIN": "0", "LAB_POOL_MAX": "0", "LAB_MIN_DISK_MB": "1000"}
        self._env = {**ours, **quick, "LAB_SUBNET_OCTET": "232", "LAB_BIND": ADDRESS}
        self._process: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        with self._log.open("wb") as log:
            command = ["sh", "host/bootstrap.sh", "up", "--name", NAME]
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=log, stderr=log, start_new_session=True)
        wait_until(lambda: self._ended() or "\nListo:" in self._log.read_text(), seconds=400)
        assert not self._ended(), self._log.read_text()[-3000:]

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def kill(self, *words: str) -> None:
        """The processes in whose command line all of these are."""
        found = [pid for pid, line in _processes() if all(word in line for word in words)]
        assert found
        _kill(found)

    def power_cut(self) -> None:
        """Everything at once, supervisor and sandboxes too; what is left is what a machine finds that starts again."""
        _kill([pid for pid, line in _processes() if NAME in line] + _in_groups())
        assert self._process
        self._process.wait()

    def down(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(timeout=150)
        subprocess.run(["sh", "host/bootstrap.sh", "down", "--name", NAME], cwd=ROOT, env=self._env, capture_output=True, timeout=150)
        shutil.rmtree(STATE / NAME, ignore_errors=True)


def _processes() -> Iterator[tuple[int, str]]:
    """Those that belong to the lab, by their command line or what they were started with; not this one."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (folder / "cmdline").read_bytes() + b"\0" + (folder / "environ").read_bytes()
            if NAME.encode() in line and int(folder.name) != os.getpid():
                yield int(folder.name), line.replace(b"\0", b" ").decode(errors="replace")


def _in_groups() -> list[int]:
    groups = Path("/sys/fs/cgroup").glob(f"**/docker-intensivo-{NAME}/**/cgroup.procs")
    return [int(pid) for group in groups for pid in group.read_text().split()]


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path / "lab.log")
    try:
        made.up()
        yield made
    finally:
        made.down()


def connected(page: Page) -> None:
    expect(page.locator("[data-connection=conectado]")).to_have_count(1, timeout=60_000)


def test_whatever_is_killed_the_page_that_was_open_finds_its_laboratory_again(lab: Lab, browser: Browser) -> None:
    context = browser.new_context(base_url=f"http://{ADDRESS}", viewport={"width": 1400, "height": 850}, locale="es-ES")
    context.add_init_script("localStorage.setItem('laboratorio.visita', '1')")
    page = context.new_page()
    page.goto("/cuenta/signup/")
    page.fill("[name=username]", "cortada")
    page.fill("[name=password1]", PASSWORD)
    page.fill("[name=password2]", PASSWORD)
    page.click("main button[type=submit]")
    page.goto(PAGE)
    page.get_by_test_id("start-lab").click()
    state(page, "ready")
    prompt(page)
    type_line(page, "docker run --name recuerdo busybox:1.37 true; variable=sigue", "antes")

    for words in (("dockerd", f"/{NAME}/exec"), ("redis-server", NAME)):
        lab.kill(*words)
        wait_until(lambda: not page.locator("[data-connection=conectado]").count(), seconds=60)
        connected(page)
        type_line(page, "echo aqui-$variable; clear", words[0])
        check(page, "failed")
        expect(page.get_by_test_id("lab-state")).to_have_attribute("data-state", "ready")

    lab.power_cut()
    lab.up()
    expect(page.get_by_test_id("lab-reason")).to_have_text(re.compile("se reinició el servidor"), timeout=60_000)
    page.get_by_test_id("resume-lab").click()
    state(page, "ready")
    connected(page)
    type_line(page, "clear; docker ps -a --format 'hay-{{.Names}}'", "despues")
    assert "hay-recuerdo" in screen(page)
    end(page)
    context.close()
