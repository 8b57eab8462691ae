"""The worker dies in the middle of a check: the check still ends, once, and soon; and its clock goes on."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site
from tests.browser.test_journey import end, start
from tests.conftest import wait_until

pytestmark = pytest.mark.browser


def kill_whole(site: Site) -> None:
    site.kill("worker")


def children(site: Site) -> set[int]:
    """The worker's: two that carry out tasks and the clock."""
    parent = site.processes["worker"].pid
    return set(map(int, subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=True).stdout.split()))


def kill_children(site: Site) -> None:
    """As the kernel does with a process that took too much memory; Celery's main process goes on."""
    for child in children(site):
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("kill", [kill_whole, kill_children])
def test_worker_killed_in_the_middle_of_a_check(person: Any, site: Site, real_lab: Any, kill: Any) -> None:
    page = person("corte")
    start(page)
    sandbox = page.get_by_test_id("lab-state").get_attribute("data-sandbox")
    machine = site.manage("shell", "-v", "0", "-c", MACHINE_OF.format(sandbox)).strip()

    def inside(command: str) -> bool:
        return real_lab.run(machine, ["sh", "-c", command]).code == 0  # type: ignore[no-any-return]

    # The student's engine hangs, so that the check is under way for as long as it takes.
    assert inside("pkill -STOP dockerd")
    page.get_by_test_id("check").click()
    wait_until(lambda: inside("pgrep -f 'perl -e # Runs in a student'"), seconds=30)
    before = children(site)
    kill(site)
    assert inside("pkill -CONT dockerd")
    if "worker" not in site.processes:
        site.start("worker")
    expect(page.get_by_test_id("check-result")).to_have_attribute("data-status", "failed", timeout=120_000)
    expect(page.get_by_test_id("check-item").first).to_contain_text("Se encontró")
    said = site.manage("shell", "-v", "0", "-c", CHECKS_OF_LAST)
    assert said.split() == ["1", "True"]
    end(page)
    wait_until(lambda: len(children(site)) == len(before), seconds=30)
    assert not children(site) & before


MACHINE_OF = """
from sandboxes.models import Machine
print(Machine.objects.get(sandbox="{}").name)
"""
CHECKS_OF_LAST = """
from lessons.models import Attempt
checks = Attempt.objects.latest("pk").checks.all()
print(len(checks), all(check.finished for check in checks))
"""
