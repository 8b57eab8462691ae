"""The journeys people make, in a real Chromium on a real engine."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from lessons import catalog
from tests.browser.conftest import Site, accessible
from tests.conftest import wait_until

pytestmark = pytest.mark.browser
PAGE = "/curso/docker-intensivo/hello-world/hello-world/"
LINKS = "/curso/docker-intensivo/enlazar-contenedores/contador-y-redis/"


def state(page: Page, wanted: str) -> None:
    expect(page.get_by_test_id("lab-state")).to_have_attribute("data-state", wanted, timeout=30_000)


def screen(page: Page) -> str:
    return page.locator(".xterm-rows").inner_text().replace("\xa0", " ")


def prompt(page: Page) -> None:
    wait_until(lambda: "alumno@" in screen(page), seconds=20)


def start(page: Page, where: str = PAGE) -> None:
    page.goto(where)
    page.get_by_test_id("start-lab").click()
    state(page, "ready")
    prompt(page)


def type_line(page: Page, command: str, sentinel: str, *, seconds: float = 60) -> None:
    """Type a command and wait for what it says, twice: once as typed, once as answered."""
    page.locator(".xterm-screen").click()
    page.keyboard.type(f"{command}; echo fin-$((40+2))-{sentinel}\n")
    wait_until(lambda: f"fin-42-{sentinel}" in screen(page), seconds=seconds)


def check(page: Page, status: str) -> None:
    page.get_by_test_id("check").click()
    expect(page.get_by_test_id("check-result")).to_have_attribute("data-status", status, timeout=60_000)


def end(page: Page) -> None:
    page.get_by_test_id("stop-lab").click()
    state(page, "removed")


def test_a_visitor_registers_and_does_a_graded_exercise(person: Any) -> None:
    page = person("visita")
    lessons = catalog.course().lessons
    expect(page.get_by_test_id("lesson")).to_have_count(len(lessons))
    assert page.get_by_text("en preparación").count() == sum(not lesson.written for lesson in lessons)
    page.locator("[data-lesson=hello-world] h3 a").click()
    page.locator(".card").first.click()
    page.get_by_test_id("start-lab").click()
    state(page, "ready")
    prompt(page)
    type_line(page, "docker version --format '{{.Client.Version}} {{.Server.Version}}'", "v")
    type_line(page, 'docker run busybox:1.37 echo "hello world"', "run")
    assert "hello world" in screen(page)
    check(page, "failed")
    accessible(page)
    failed = page.locator("[data-testid=check-item][data-status=failed]")
    expect(failed).to_have_count(1)
    for words in ("Se esperaba", "Se encontró", "Pista"):
        assert words in failed.inner_text()
    type_line(page, "docker run --name saludo busybox:1.37 echo hola", "saludo")
    check(page, "passed")
    accessible(page)
    expect(page.get_by_test_id("progress")).to_have_attribute("data-completed", "1")
    page.goto("/")
    expect(page.get_by_test_id("progress")).to_have_attribute("data-completed", "1")
    page.goto(PAGE)
    prompt(page)
    wait_until(lambda: "fin-42-saludo" in screen(page), seconds=10)
    page.get_by_test_id("reset-lab").click()
    wait_until(lambda: "saludo" not in screen(page) and "alumno@" in screen(page), seconds=30)
    type_line(page, "docker ps -aq | wc -l | sed s/^/hay-/", "ps")
    assert "hay-0" in screen(page)
    end(page)
    assert page.errors == []


def test_leaving_and_coming_back_finds_the_same_shell_and_stop_and_continue_the_same_containers(person: Any) -> None:
    page = person("vuelve")
    start(page)
    type_line(page, "docker run --name recuerdo busybox:1.37 true; variable=secreta", "uno")
    page.goto("/")
    page.goto(PAGE)
    prompt(page)
    type_line(page, "echo la-$variable", "dos")
    assert "la-secreta" in screen(page)
    end(page)
    page.get_by_test_id("resume-lab").click()
    state(page, "ready")
    prompt(page)
    type_line(page, "docker ps -a --format '{{.Names}}'", "tres")
    assert "recuerdo" in screen(page)
    end(page)


def test_another_student_cannot_use_my_terminal(person: Any) -> None:
    mine, theirs = person("duena"), person("intrusa")
    start(mine)
    sandbox = mine.get_by_test_id("lab-state").get_attribute("data-sandbox")
    code = theirs.evaluate(
        """path => new Promise(done => {
            const socket = new WebSocket(`${location.protocol.replace('http', 'ws')}//${location.host}${path}`);
            socket.onclose = event => done(event.code);
        })""",
        f"/ws/terminal/{sandbox}/lab/principal/",
    )
    assert code == 4403
    end(mine)


def test_web_and_worker_killed_in_mid_use(person: Any, site: Site) -> None:
    page = person("apagon")
    start(page)
    type_line(page, "variable=sigue", "antes")
    site.kill("web")
    site.start("web")
    wait_until(lambda: page.locator("[data-connection=conectado]").count(), seconds=30)
    type_line(page, "echo aqui-$variable", "despues")
    assert "aqui-sigue" in screen(page)
    site.kill("worker")
    page.get_by_test_id("check").click()
    expect(page.get_by_test_id("check-result")).to_have_attribute("data-status", "running")
    site.start("worker")
    expect(page.get_by_test_id("check-result")).to_have_attribute("data-status", "failed", timeout=60_000)
    end(page)


def test_ten_megabytes_arrive_and_ctrl_c_stops_a_flood(person: Any) -> None:
    page = person("caudal")
    start(page)
    type_line(page, "head -c 10000000 /dev/zero | tr '\\0' x | fold -w 99", "diez", seconds=120)
    page.locator(".xterm-screen").click()
    page.keyboard.type("yes inundacion\n")
    wait_until(lambda: screen(page).count("inundacion") > 10, seconds=10)
    page.keyboard.press("Control+c")
    page.keyboard.type("echo alto-$((1+1))\n")
    wait_until(lambda: "alto-2" in screen(page), seconds=5)
    end(page)


def test_links_exercise_with_a_mistake_first(person: Any) -> None:
    page = person("enlace")
    start(page, LINKS)
    type_line(page, "docker run -d --name redis redis:8.0; docker run -d --name web -p 5000:5000 curso/contador:1.0", "mal")
    check(page, "failed")
    assert "al crear el contenedor" in page.locator("[data-check=enlace]").inner_text()
    type_line(page, "docker rm -f web; docker run -d --name web --link redis -p 5000:5000 curso/contador:1.0", "bien")
    check(page, "passed")
    end(page)


def test_logging_out_closes_the_terminal(person: Any, site: Site) -> None:
    page = person("sale")
    start(page)
    second = page.context.new_page()
    second.goto("/")
    second.get_by_test_id("account").click()
    second.get_by_test_id("logout").click()
    wait_until(lambda: "has salido de tu cuenta" in page.locator(".connection").inner_text(), seconds=10)


def test_foreign_origin_is_refused(site: Site) -> None:
    said = subprocess.run(
        ["curl", "-skim3", "--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13",
         "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "-H", "Origin: http://127.0.0.1:9999",
         f"{site.url}/ws/terminal/00000000-0000-0000-0000-000000000000/lab/principal/"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert (4403).to_bytes(2, "big") in said.stdout
