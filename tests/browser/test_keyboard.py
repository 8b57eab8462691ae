"""The whole journey by keyboard alone, on a real engine: no click, no touch, no focus given by the test."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import wait_until

pytestmark = pytest.mark.browser
MOST_TABS = 60


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => Boolean(document.activeElement?.matches(wanted))", selector):
            return
    pytest.fail(f"no Tab leads to {selector}")


def screen(page: Page) -> str:
    return page.locator(".xterm-rows").first.inner_text().replace("\xa0", " ")


def test_an_exercise_is_done_by_keyboard_alone(person: Any) -> None:
    page = person("teclas")
    page.goto("/curso/docker-intensivo/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "a[href$='/hello-world/hello-world/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/hello-world/hello-world/")
    tab_to(page, "[data-testid=start-lab]")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("lab-state")).to_have_attribute("data-state", "ready", timeout=60_000)
    wait_until(lambda: "alumno@" in screen(page), seconds=30)
    page.keyboard.press("Alt+2")
    page.keyboard.type(
        "docker run busybox:1.37 echo 'hello world' && docker run --name saludo busybox:1.37 echo hola; echo fin-$((40+2))\n"
    )
    wait_until(lambda: "fin-42" in screen(page), seconds=60)
    says = page.get_by_test_id("lab-state").element_handle()
    page.keyboard.press("Alt+C")
    expect(page.get_by_test_id("check-result")).to_have_attribute("data-status", "passed", timeout=60_000)
    page.keyboard.press("Alt+1")
    tab_to(page, "[data-testid=stop-lab]")
    page.keyboard.press("Enter")
    # Its end is said where it was said that it runs, and the keyboard is beside what can be done now.
    expect(page.get_by_test_id("lab-state")).to_have_attribute("data-state", "removed", timeout=30_000)
    expect(page.locator("#lab .empty")).to_be_focused()
    assert page.evaluate("kept => kept.isConnected", says), "the live region was exchanged: nobody hears its new words"
    tab_to(page, "[data-testid=resume-lab]")
    page.keyboard.press("Alt+1")
    tab_to(page, "[data-testid=onward]")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: not url.endswith("/hello-world/hello-world/"))
    assert page.errors == []
