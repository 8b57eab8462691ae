"""A proxy whose site is starting answers for it: its page must not become part of ours."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_journey import PAGE

pytestmark = pytest.mark.browser


def test_what_a_proxy_says_in_our_stead_replaces_nothing(person: Any) -> None:
    page = person("espera")
    page.goto(PAGE)
    page.route("**/comprobar/", lambda route: route.fulfill(status=502, content_type="text/html", body="<h1>502 Bad Gateway</h1>"))
    before = page.get_by_test_id("check-result").inner_text()
    with page.expect_response("**/comprobar/"):
        page.get_by_test_id("check").click()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    expect(page.get_by_text("502 Bad Gateway")).to_have_count(0)
    expect(page.get_by_test_id("check-result")).to_have_text(before, use_inner_text=True)
