"""Each container is restarted while somebody works: the shell is the same, and what they ask is answered.

With `pytest -s` it says, of each, after how long they typed again and what the terminal said of its connection meanwhile.
"""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from host.instance import ROOT
from tests.browser.test_journey import end, screen, start, type_line
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


SERVICES = ("proxy", "web", "worker", "collector", "tokens", "db", "redis", "mirror", "registry")


def test_no_service_restarted_in_mid_use_loses_anything(person: Any) -> None:
    page = person("reinicio")
    start(page)
    type_line(page, 'docker run busybox:1.37 echo "hello world"; variable=sigue', "antes")
    print("\nservicio   escribía de nuevo a los… y mientras leía")
    for service in SERVICES:
        began = time.monotonic()
        said = meanwhile(page, "restart", service)
        wait_until(lambda: page.locator("[data-connection=conectado]").count(), seconds=90)
        type_line(page, f"clear; echo aqui-$variable-{service}", service)
        typed = time.monotonic() - began
        assert f"aqui-sigue-{service}" in screen(page)
        done = compose("up", "--detach", "--no-build", "--no-deps", "--wait", service)
        assert done.returncode == 0, done.stderr
        type_line(page, "docker rm -f saludo; docker run --name saludo busybox:1.37 echo hola", f"saludo-{service}", seconds=120)
        check_anew(page)
        print(f"{service:<10} {typed:5.1f} s  {'; '.join(said) or 'nada'}", flush=True)
    end(page)
