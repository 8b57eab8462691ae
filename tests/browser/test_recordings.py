"""Recordings as a student meets them: told, refused, replayed, and led to from a check that failed."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.test_journey import check, end, start, type_line
from tests.conftest import wait_until

pytestmark = pytest.mark.browser


def seconds(page: Page) -> int:
    """Where the player stands."""
    minutes, rest = page.locator(".ap-time-elapsed").inner_text().split(":")[-2:]
    return 60 * int(minutes) + int(rest)


def test_recording_is_told_refused_and_leads_from_a_failed_check_to_its_command(person: Any) -> None:
    page = person("graba")
    start(page)
    notice = page.get_by_test_id("recording")
    expect(notice).to_contain_text("Se graba lo que sale en la terminal, nunca lo que tecleas")
    type_line(page, "docker run --name otro busybox:1.37 echo hola", "uno")
    type_line(page, "sleep 3; docker ps -a", "dos")
    check(page, "failed")
    page.get_by_test_id("recording-choice").click()
    expect(notice).to_contain_text("Esta terminal no se graba")
    type_line(page, "echo callado", "tres")
    page.reload()
    expect(notice).to_contain_text("Esta terminal no se graba")
    page.get_by_test_id("recording-choice").click()
    expect(notice).to_contain_text("Se graba")
    page.reload()
    page.get_by_test_id("cause").last.click()
    page.wait_for_url("**/grabaciones/*/?marca=*")
    marks = page.get_by_test_id("marks")
    chosen = marks.locator("[aria-current=true]")
    expect(chosen).to_contain_text("docker run --name otro")
    for said in ("docker ps -a", "otro: terminó", "Comprobar: "):
        expect(marks).to_contain_text(said)
    assert "callado" not in page.content()
    screen = page.locator(".ap-term, .ap-terminal").first
    wait_until(lambda: "docker run --name otro" in screen.inner_text() or page.locator(".ap-term canvas").count(), seconds=20)
    # The scrubber carries the marks, and each of the list takes the player to its moment.
    expect(page.locator(".ap-progressbar")).to_be_visible()
    assert page.locator(".ap-marker").count() == marks.get_by_role("button").count()
    before = seconds(page)
    marks.get_by_role("button").filter(has_text="docker ps -a").click()
    wait_until(lambda: seconds(page) > before, seconds=20)
    expect(chosen).to_contain_text("docker ps -a")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.errors == []
    page.goto("/curso/docker-intensivo/hello-world/hello-world/")
    end(page)
