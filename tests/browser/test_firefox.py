"""The terminal in Debian's Firefox: it opens, types, copies, pastes, and comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import FAILED, ROOT, Site
from tests.browser.firefox import Firefox
from tests.browser.test_journey import PAGE
from tests.conftest import PASSWORD, wait_until

pytestmark = pytest.mark.browser
SCREEN = "document.querySelector('.xterm-rows')?.innerText.replaceAll('\\u00a0', ' ') ?? ''"
STATE = "document.querySelector('[data-testid=lab-state]')?.dataset.state ?? ''"
CONNECTION = "document.querySelector('.screen')?.dataset.connection ?? ''"
SIGN_UP = """(() => {{
    const form = document.querySelector("main form");
    form.elements.username.value = "{name}";
    form.elements.password1.value = form.elements.password2.value = "{word}";
    form.requestSubmit();
}})()"""


@pytest.fixture
def firefox(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Firefox]:
    with Firefox(tmp_path) as found:
        yield found
        if request.node.stash.get(FAILED, False):
            (ROOT / "test-results").mkdir(exist_ok=True)
            found.screenshot(ROOT / "test-results" / f"{request.node.name[:80]}.png")


def until(firefox: Firefox, expression: str, *, seconds: float = 30) -> Any:
    return wait_until(lambda: firefox.evaluate(expression), seconds=seconds)


def says(firefox: Firefox, text: str, *, times: int = 1, seconds: float = 30) -> None:
    wait_until(lambda: firefox.evaluate(SCREEN).count(text) >= times, seconds=seconds)


def test_terminal_in_firefox_types_copies_pastes_and_comes_back(firefox: Firefox, site: Site) -> None:
    firefox.go(f"{site.url}/cuenta/signup/")
    firefox.evaluate(SIGN_UP.format(name=f"zorra{time.monotonic_ns() % 10**9}", word=PASSWORD))
    until(firefox, "location.pathname.startsWith('/curso/')")
    firefox.go(f"{site.url}{PAGE}")
    firefox.click("[data-testid=start-lab]")
    until(firefox, f"({STATE}) === 'ready'")
    says(firefox, "alumno@")
    firefox.click(".xterm-screen")
    firefox.type("echo ñandú-$((40+2)); docker version --format '{{.Client.Version}}'\n")
    says(firefox, "ñandú-42")
    # A double click takes a word; with something selected, Ctrl+C copies and interrupts nothing.
    firefox.type("echo recortable\n")
    says(firefox, "recortable", times=2)
    row = "[...document.querySelectorAll('.xterm-rows > div')].findLast((row) => row.textContent.startsWith('recortable'))"
    firefox.evaluate(f"({row}).id = 'copiable'")
    firefox.click("#copiable", times=2, dx=20)
    firefox.press("Control", "c")
    firefox.type("echo pega-")
    firefox.press("Control", "v")
    firefox.type("\n")
    says(firefox, "pega-recortable", times=2)
    assert [error for error in firefox.errors if "ws://" not in error] == []
    # The web dies: what is typed meanwhile arrives once, in the same shell.
    firefox.type("variable=sigue\n")
    site.kill("web")
    until(firefox, f"({CONNECTION}) === 'reconectando'")
    firefox.type("echo aqui-$variable-$((40+2))\n")
    site.start("web")
    until(firefox, f"({CONNECTION}) === 'conectado'", seconds=40)
    says(firefox, "aqui-sigue-42")
    assert firefox.evaluate(SCREEN).count("aqui-sigue-42") == 1
    firefox.reload()
    says(firefox, "aqui-sigue-42")
    firefox.click("[data-testid=stop-lab]")
    until(firefox, f"({STATE}) === 'removed'")
