"""The whole first visit on a phone, by touch alone: register, read, start, type with the bar of keys, check, go on."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.site import Site
from tests.browser.conftest import accessible
from tests.conftest import PASSWORD, wait_until

pytestmark = pytest.mark.browser
PAGE = "/curso/docker-intensivo/hello-world/hello-world/"
SMALLEST = 24
"""CSS pixels of what is touched: WCAG 2.5.8."""
TOO_SMALL = """least => [...document.querySelectorAll("button, [role=tab], select, summary, .button, .card, nav a")]
    .filter(each => each.checkVisibility() && !each.closest(".visually-hidden, p, .xterm"))
    .map(each => [each.textContent.trim() || each.getAttribute("aria-label"), each.getBoundingClientRect()])
    .filter(([, box]) => box.height < least || box.width < least)
    .map(([said, box]) => `${said}: ${Math.round(box.width)} x ${Math.round(box.height)}`)"""


@pytest.fixture
def phone(browser: Browser, site: Site) -> Any:
    context = browser.new_context(
        base_url=site.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, locale="es-ES", ignore_https_errors=True
    )
    page = context.new_page()
    yield page
    context.close()


def fits(page: Page) -> None:
    """Nothing is wider than the screen, and nothing too small for a finger."""
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert page.evaluate(TOO_SMALL, SMALLEST) == []


def test_the_first_visit_by_touch(phone: Page) -> None:
    phone.goto("/")
    fits(phone)
    phone.get_by_role("link", name="Crear una cuenta y empezar").tap()
    phone.wait_for_url("**/signup/")
    for name, value in (("username", "movil"), ("password1", PASSWORD), ("password2", PASSWORD)):
        phone.fill(f"[name={name}]", value)
    fits(phone)
    phone.get_by_role("button", name="Crear la cuenta").tap()
    phone.wait_for_url("**/curso/**")
    phone.locator("[data-lesson=hello-world] h3 a").tap()
    phone.wait_for_url("**/hello-world/")
    fits(phone)
    phone.locator(f".card[href='{PAGE}']").tap()
    phone.wait_for_url(f"**{PAGE}")
    phone.get_by_role("button", name="Saltar la visita").tap()
    expect(phone.locator("#enunciado")).to_be_visible()
    fits(phone)
    phone.get_by_role("tab", name="Terminal").tap()
    phone.get_by_test_id("start-lab").tap()
    expect(phone.get_by_test_id("lab-state")).to_have_attribute("data-state", "ready", timeout=60_000)
    screen = phone.locator(".xterm-rows").first
    expect(screen).to_contain_text("alumno@", timeout=30_000)
    fits(phone)
    phone.locator(".xterm-screen").first.tap()
    phone.keyboard.type("docker run busybox:1.37 echo 'hello world'; docker run ")
    bar = phone.get_by_role("toolbar", name="Teclas")
    for _ in range(2):
        bar.get_by_role("button", name="-").tap()
    phone.keyboard.type("name saludo busybox:1.37 echo hola; echo fin-$((40+2))\n")
    wait_until(lambda: "fin-42" in screen.inner_text(), seconds=90)
    accessible(phone)
    phone.get_by_role("tab", name="Texto").tap()
    phone.get_by_test_id("check").tap()
    expect(phone.get_by_test_id("check-result")).to_have_attribute("data-status", "passed", timeout=60_000)
    fits(phone)
    accessible(phone)
    phone.get_by_test_id("onward").tap()
    phone.wait_for_url(lambda url: not url.endswith(PAGE))
