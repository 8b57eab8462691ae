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
WARN = """
from sandboxes import watch
from sandboxes.models import Sandbox
watch._tell(Sandbox.objects.get(pk="{sandbox}"), "A tu laboratorio casi no le queda memoria.")
"""
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


def begin(page: Page, name: str) -> None:
    """An account and, without the tour, a laboratory whose terminal is seen."""
    page.add_init_script("localStorage.setItem('laboratorio.visita', '1')")
    page.goto("/cuenta/signup/")
    for field, value in (("username", name), ("password1", PASSWORD), ("password2", PASSWORD)):
        page.fill(f"[name={field}]", value)
    page.get_by_role("button", name="Crear la cuenta").tap()
    page.wait_for_url("**/curso/**")
    page.goto(PAGE)
    page.get_by_role("tab", name="Terminal").tap()
    page.get_by_test_id("start-lab").tap()
    expect(page.get_by_test_id("lab-state")).to_have_attribute("data-state", "ready", timeout=60_000)
    expect(page.locator(".xterm-rows").first).to_contain_text("alumno@", timeout=30_000)


def lines(page: Page) -> list[str]:
    """What the terminal shows, but for the room at the end of its lines."""
    return [line.rstrip() for line in page.locator(".xterm-rows").first.inner_text().rstrip().split("\n")]


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


def test_the_terminal_is_as_it_was_after_a_reload(phone: Page) -> None:
    begin(phone, "vuelve")
    phone.locator(".xterm-screen").first.tap()
    phone.keyboard.type("seq 1 60; echo ñandú fin-$((40+2))\n")
    wait_until(lambda: "ñandú fin-42" in lines(phone) and lines(phone)[-1].startswith("alumno@"), seconds=60)
    before = lines(phone)
    phone.reload()
    expect(phone.get_by_test_id("statement")).to_be_visible()
    phone.get_by_role("tab", name="Terminal").tap()
    wait_until(lambda: lines(phone) == before, seconds=30)
    phone.locator(".xterm-screen").first.tap()
    phone.keyboard.type("echo sigue-$((40+2))\n")
    wait_until(lambda: "sigue-42" in lines(phone), seconds=30)


def test_what_one_must_know_of_the_laboratory_is_seen_in_every_tab(phone: Page, site: Site) -> None:
    begin(phone, "avisada")
    sandbox = phone.get_by_test_id("lab-state").get_attribute("data-sandbox")
    tabs = [tab.inner_text() for tab in phone.get_by_role("tablist", name="Mesa de trabajo").get_by_role("tab").all()]
    assert tabs == ["Texto", "Terminal", "Archivos", "Motor"]
    phone.get_by_role("tab", name="Texto").tap()
    expect(phone.get_by_test_id("lab-state")).to_be_hidden()
    site.shell(WARN.format(sandbox=sandbox))
    notice = phone.get_by_test_id("lab-notice")
    for tab in ("Texto", "Archivos", "Motor", "Terminal"):
        phone.get_by_role("tab", name=tab).tap()
        expect(notice).to_be_in_viewport()
        fits(phone)
        accessible(phone)
    phone.get_by_role("button", name="Pantalla completa").tap()
    expect(phone.get_by_role("tab", name="Texto")).to_be_hidden()
    expect(notice).to_be_in_viewport()
    phone.get_by_role("button", name="Pantalla completa").tap()
    phone.get_by_role("tab", name="Texto").tap()
    notice.get_by_role("button", name="Entendido").tap()
    expect(notice).to_have_count(0)
    expect(phone.locator(".lab-body")).to_be_hidden()
