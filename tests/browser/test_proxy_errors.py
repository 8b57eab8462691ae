"""A proxy whose site is starting answers for it: its page must not become part of ours."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_journey import PAGE

pytestmark = pytest.mark.browser
OUTAGE = "El sitio no contesta ahora."


def test_who_presses_without_a_network_is_told(person: Any) -> None:
    page = person("cortada")
    page.goto(PAGE)
    page.context.set_offline(True)
    page.get_by_test_id("check").click()
    expect(page.get_by_text(OUTAGE)).to_be_visible()
    page.context.set_offline(False)
    page.get_by_test_id("check").click()
    expect(page.get_by_text("Para comprobar, el laboratorio tiene que estar en marcha.")).to_be_visible()
    expect(page.get_by_text(OUTAGE)).to_have_count(0)


def test_what_a_proxy_says_in_our_stead_replaces_nothing(person: Any) -> None:
    page = person("espera")
    page.goto(PAGE)
    page.route("**/comprobar/", lambda route: route.fulfill(status=502, content_type="text/html", body="<h1>502 Bad Gateway</h1>"))
    before = page.get_by_test_id("check-result").inner_text()
    with page.expect_response("**/comprobar/"):
        page.get_by_test_id("check").click()
    expect(page.get_by_text(OUTAGE)).to_be_visible()
    expect(page.get_by_text("502 Bad Gateway")).to_have_count(0)
    expect(page.get_by_test_id("check-result")).to_have_text(before, use_inner_text=True)
