"""Every page there is, by the URLs: without a fault of accessibility in three looks and two widths, and nothing that moves
sideways at 400 %. A class that has come differently far, without an engine."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from bench.places import ERRORS, PASSWORD, PLACES, Place
from bench.site import Site
from tests.browser.conftest import PORT, accessible

pytestmark = pytest.mark.browser
EVERY = [
    pytest.param(place, id=f"{name}-{number}-{place.who or 'nadie'}")
    for name, places in {**PLACES, "error": tuple(ERRORS.values())}.items()
    for number, place in enumerate(places)
    if name != "admin"  # Django's own: its colours are not ours
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, str]]]:
    """The site, and where what belongs to one person is."""
    folder = tmp_path_factory.mktemp("escena")
    port = PORT + 100
    settings = {
        "LAB_DATABASE_URL": f"sqlite:///{folder}/site.sqlite3", "LAB_URL": f"http://127.0.0.1:{port}", "LAB_PREVIEW": "no",
        "LAB_RECORDINGS_DIR": f"{folder}/recordings", "DJANGO_SETTINGS_MODULE": "labsite.settings",
    }  # fmt: skip
    site = Site(f"http://127.0.0.1:{port}", {**os.environ, **settings}, folder, listen=("--port", str(port)))
    site.manage("migrate", "-v", "0")
    found = json.loads(site.shell("from bench.scene import play; play()"))
    try:
        site.start("web")
        yield site, found
    finally:
        site.stop()


@pytest.fixture(scope="module")
def page_of(browser: Browser, scene: tuple[Site, dict[str, str]]) -> Iterator[Callable[[str], Page]]:
    """A page of each person, logged in once."""
    pages: dict[str, Page] = {}

    def of(name: str) -> Page:
        if name not in pages:
            context = browser.new_context(base_url=scene[0].url, locale="es-ES", reduced_motion="reduce")
            context.add_init_script("localStorage.setItem('laboratorio.visita', '1')")
            pages[name] = context.new_page()
            pages[name].set_default_timeout(60_000)
            if name:
                pages[name].goto("/cuenta/login/")
                pages[name].fill("[name=login]", name)
                pages[name].fill("[name=password]", PASSWORD)
                pages[name].click("main button[type=submit]")
                pages[name].wait_for_url("**/curso/**")
        return pages[name]

    yield of
    for page in pages.values():
        page.context.close()


@pytest.mark.parametrize("place", EVERY)
def test_a_page_is_for_everybody(page_of: Any, scene: Any, place: Place) -> None:
    page = page_of(place.who)
    page.set_viewport_size({"width": 1400, "height": 850})
    answer = page.goto(place.path.format(**scene[1]))
    assert answer
    assert answer.status == place.status
    accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    accessible(page, themes=("light",))
    assert page.evaluate("() => document.querySelector('.top').offsetHeight") < 70, "the bar above in more than one row"
    # 1280 px at 400 %: WCAG 1.4.10.
    page.set_viewport_size({"width": 320, "height": 512})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
