"""A classroom on a LAN: another address, TLS by the lab's own authority."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from host import certificate
from tests.browser.conftest import Site
from tests.browser.test_journey import PAGE, end, prompt, state, type_line
from tests.conftest import PASSWORD

pytestmark = pytest.mark.browser
ADDRESS, PORT = "127.0.0.2", 8766


@pytest.fixture
def classroom(site: Site, tmp_path: Path) -> Iterator[Site]:
    """The same site, at another address, with a certificate as `make certificate NAMES=127.0.0.2` makes it."""
    certificate.issue([ADDRESS], tmp_path, authority=tmp_path / "ca")
    tls = ("--ssl-certfile", f"{tmp_path}/server.crt", "--ssl-keyfile", f"{tmp_path}/server.key")
    url = f"https://{ADDRESS}:{PORT}"
    second = replace(site, url=url, env={**site.env, "LAB_URL": url}, listen=("--host", ADDRESS, "--port", str(PORT), *tls), processes={})
    second.start("web")
    yield second
    second.stop()


def test_the_certificate_is_good_for_who_trusts_the_authority_only(classroom: Site, tmp_path: Path) -> None:
    def curl(*argv: str) -> int:
        return subprocess.run(["curl", "-sf", "-o", "/dev/null", *argv, f"{classroom.url}/"], check=False).returncode

    assert curl("--cacert", str(tmp_path / "ca" / "ca.crt")) == 0
    assert curl() != 0


def test_the_journey_over_https_with_a_clipboard(classroom: Site, browser: Browser) -> None:
    context = browser.new_context(base_url=classroom.url, ignore_https_errors=True, viewport={"width": 1400, "height": 850})
    page = context.new_page()
    page.goto("/cuenta/signup/")
    page.fill("[name=username]", "segura")
    page.fill("[name=password1]", PASSWORD)
    page.fill("[name=password2]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/curso/**")
    assert all(cookie["secure"] for cookie in context.cookies())
    page.goto(PAGE)
    page.get_by_test_id("start-lab").click()
    state(page, "ready")
    prompt(page)
    type_line(page, "docker ps", "https")
    assert page.evaluate("() => window.isSecureContext && Boolean(navigator.clipboard)")
    end(page)
    context.close()
