"""A laboratory's life as its student sees it: countdown, warning, an end with its reason, the queue, a step gone back to."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from lessons import catalog
from tests.browser.conftest import Site, accessible
from tests.browser.test_journey import PAGE, check, end, prompt, screen, start, state, type_line
from tests.conftest import wait_until

pytestmark = pytest.mark.browser

STEPS = "docker-intensivo/instrucciones/la-cache-que-miente"
AGE = """
from datetime import timedelta
from django.core.cache import cache
from django.utils import timezone
from sandboxes.models import Sandbox
Sandbox.objects.filter(pk="{sandbox}").update(active=timezone.now() - timedelta(minutes={minutes}))
cache.delete("active:{sandbox}")
"""
FILL = """
from django.conf import settings
from django.contrib.auth.models import User
from sandboxes.models import Sandbox
for number in range(settings.ENV.sandboxes_max):
    Sandbox.objects.create(user=User.objects.create(username=f"relleno{number}"), exercise="x", state="starting")
"""
LEAVE = """
from django.contrib.auth.models import User
from sandboxes import lifecycle
from sandboxes.models import Sandbox
for sandbox in Sandbox.objects.filter(user__username__startswith="relleno"):
    lifecycle.stop(sandbox, reason="")
User.objects.filter(username__startswith="relleno").delete()
"""


def grow_old(page: Page, site: Site, *, minutes: int, until: str) -> None:
    """Nobody has stirred for so long; wait until the page shows it. Work that is still being counted makes it young again."""
    sandbox = page.get_by_test_id("lab-state").get_attribute("data-sandbox")

    def shown() -> bool:
        site.shell(AGE.format(sandbox=sandbox, minutes=minutes))
        try:
            page.locator(until).wait_for(timeout=17_000)
        except TimeoutError:
            return False
        return True

    wait_until(shown, seconds=90)


def minutes_left(page: Page) -> int:
    return int(page.locator(".left-time").inner_text().split(":")[0])


def test_an_idle_laboratory_counts_down_warns_is_extended_ends_with_its_reason_and_is_continued(person: Any, site: Site) -> None:
    page = person("ociosa")
    start(page)
    type_line(page, "touch recuerdo", "uno")
    assert minutes_left(page) in (29, 30)
    grow_old(page, site, minutes=26, until="[data-testid=lab-warning]")
    expect(page.get_by_test_id("lab-warning")).to_contain_text("¿Sigues ahí?")
    assert minutes_left(page) < 5
    accessible(page)
    page.get_by_test_id("still-here").click()
    expect(page.get_by_test_id("lab-warning")).to_have_count(0)
    wait_until(lambda: minutes_left(page) >= 28, seconds=5)
    grow_old(page, site, minutes=31, until="[data-state=expired]")
    expect(page.get_by_test_id("lab-reason")).to_have_text("Pasaron 30 minutos sin actividad.")
    accessible(page)
    page.get_by_test_id("resume-lab").click()
    state(page, "ready")
    prompt(page)
    type_line(page, "ls", "dos")
    assert "recuerdo" in screen(page)
    end(page)
    assert page.errors == []


def test_a_full_classroom_shows_each_their_place_and_starts_whoever_is_next(person: Any, site: Site) -> None:
    first, second = person("primera"), person("segunda")
    site.shell(FILL)
    try:
        for page, place in ((first, 1), (second, 2)):
            page.goto(PAGE)
            page.get_by_test_id("start-lab").click()
            expect(page.get_by_test_id("lab-state")).to_contain_text(f"El aula está llena: eres el n.º {place} de la cola")
        accessible(second)
        first.get_by_test_id("stop-lab").click()
        state(first, "removed")
        expect(second.get_by_test_id("lab-state")).to_contain_text("eres el n.º 1 de la cola")
    finally:
        site.shell(LEAVE)
    state(second, "ready")
    prompt(second)
    end(second)
    assert first.errors == second.errors == []


def test_a_step_that_was_done_is_gone_back_to(person: Any) -> None:
    page = person("pasos")
    start(page, f"/curso/{STEPS}/")
    lines = catalog.course().exercises[STEPS].solutions[0].splitlines()
    for number, line in enumerate(lines[:2]):
        type_line(page, line, f"l{number}")
    check(page, "failed")
    page.get_by_test_id("steps").locator("summary").wait_for(timeout=20_000)  # it is copied by now
    type_line(page, "docker rmi -f util:1.0 util:1.1; rm -r util", "roto")
    page.get_by_test_id("steps").locator("summary").click()
    page.get_by_test_id("back-to-1").click()
    wait_until(lambda: "fin-42" not in screen(page) and "alumno@" in screen(page), seconds=30)
    state(page, "ready")
    type_line(page, "docker images --format 'hay-{{.Tag}}'; ls", "vuelta")
    assert "hay-1.1" in screen(page)
    end(page)
    assert page.errors == []
