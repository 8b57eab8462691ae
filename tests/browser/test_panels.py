"""The panels beside the terminal: published ports and their previews, the files, the live picture."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import accessible
from tests.browser.test_journey import end, screen, start, type_line

pytestmark = pytest.mark.browser
PAGE = "/curso/docker-intensivo/hello-world/hello-world/"


def shown(page: Page, tab: str) -> None:
    page.click(f"#tab-{tab}")
    expect(page.locator(f"#panel-{tab}")).not_to_have_attribute("aria-busy", "true", timeout=20_000)


def test_a_published_port_is_a_chip_that_opens_its_preview_beside_the_terminal(person: Any) -> None:
    page = person("puertos")
    start(page)
    type_line(page, "mkdir w; echo '<h1>hola</h1>' > w/index.html", "web")
    type_line(page, "docker run -d --name web -P -p 8080:80 -v ~/w:/w busybox:1.37 httpd -f -h /w", "sirve", seconds=120)
    chip = page.locator(".port", has_text="8080")
    chip.click(timeout=30_000)
    frame = page.frame_locator("#paneles iframe")
    expect(frame.locator("h1")).to_have_text("hola", timeout=30_000)
    accessible(page)
    page.keyboard.press("Delete")
    expect(page.locator("#paneles iframe")).to_have_count(0)
    page.click("#tab-terminal")
    type_line(page, "docker rm -f web", "fuera")
    expect(chip).to_have_count(0, timeout=30_000)
    end(page)


def test_a_published_port_is_a_chip_within_a_second(person: Any) -> None:
    """From the shell's word that it was published to the chip; both clocks are this machine's. The best of three: the
    machine may have other things to do."""
    page = person("aprisa")
    start(page)
    page.evaluate(
        """() => {
            window.seen = {};
            const chips = () => [...document.querySelectorAll(".port strong")];
            const note = () => chips().forEach(chip => { window.seen[chip.textContent] ??= Date.now(); });
            new MutationObserver(note).observe(document.getElementById("puertos"), {childList: true, subtree: true, characterData: true});
        }"""
    )
    took = []
    for port in (8081, 8082, 8083):
        type_line(
            page, f"docker run -d -p {port}:80 busybox:1.37 sleep 99 >/dev/null; echo p{port}-$(date +%s%3N)", f"p{port}", seconds=120
        )
        expect(page.locator(".port", has_text=str(port))).to_be_visible(timeout=30_000)
        published = re.search(rf"p{port}-(\d{{13}})", screen(page))
        assert published
        took.append(page.evaluate("port => window.seen[port]", str(port)) - int(published[1]))
    print(f"ms from published to chip: {took}")
    assert min(took) < 1000, took
    end(page)


def test_files_are_written_in_the_page_and_in_the_terminal_and_nothing_is_lost(person: Any) -> None:
    page = person("archivos")
    start(page)
    shown(page, "archivos")
    page.click("text=Nuevo")
    page.fill("dialog.ask input", "web/Dockerfile")
    page.keyboard.press("Enter")
    editor = page.locator(".cm-content")
    expect(editor).to_be_focused(timeout=20_000)
    page.keyboard.type("FROM busybox:1.37\nRUM echo hola\n")
    finding = page.locator(".archivos-found li")
    expect(finding).to_contain_text("«RUM» no es ninguna instrucción", timeout=30_000)
    accessible(page)
    page.keyboard.press("Control+s")
    state = page.locator(".archivos-state")
    expect(state).to_have_text("Guardado", timeout=20_000)
    page.click("#tab-terminal")
    type_line(page, "grep -c RUM web/Dockerfile; sed -i s/RUM/RUN/ web/Dockerfile", "arreglado")
    shown(page, "archivos")
    expect(editor).to_contain_text("RUN echo hola", timeout=30_000)
    expect(finding).to_have_count(0, timeout=30_000)
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("# lo mío")
    write = """async text => {
        const base = `/laboratorio/${document.querySelector('[data-testid=lab-state]').dataset.sandbox}/lab/archivos/cambio/`;
        const token = document.querySelector('[name=csrfmiddlewaretoken]').value;
        await fetch(base, {method: 'POST', headers: {'X-CSRFToken': token, 'Content-Type': 'application/json'},
            body: JSON.stringify({accion: 'guardar', ruta: 'web/Dockerfile', texto: text, version: 'any'})});
    }"""
    page.evaluate(write, "FROM debian:trixie\n")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("ha cambiado en la terminal")).to_be_visible(timeout=30_000)
    expect(editor).to_contain_text("# lo mío")
    page.click("text=Quedarme con lo de la terminal")
    expect(editor).to_contain_text("FROM debian:trixie", timeout=20_000)
    # A conflict is an answer of 409, which browsers write down; what is asked while the sandbox ends, of 404.
    assert [error for error in page.errors if "409" not in error] == []
    end(page)


def test_the_picture_follows_what_is_done_and_is_read_by_keyboard_and_as_a_table(person: Any) -> None:
    page = person("motor")
    alone(page)
    start(page)
    shown(page, "motor")
    send(page, [])
    expect(page.locator("#panel-motor").get_by_text("Tu motor está vacío")).to_be_visible()
    send(page, ["saludo"])
    box = page.locator(".it.container")
    expect(box).to_have_count(1)
    expect(page.locator(".it.writable")).to_have_count(1)
    box.focus()
    expect(page.locator(".motor-told")).to_contain_text("Contenedor saludo: en marcha")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".motor-told")).to_contain_text("Capa de escritura de «saludo»")
    accessible(page)
    page.click("text=Ver como tabla")
    expect(page.get_by_role("table", name="Contenedores")).to_contain_text("8080→80")
    accessible(page)
    page.click("text=Ver como dibujo")
    send(page, [])
    expect(box).to_have_count(0)
    end(page)


def test_sixty_images_and_fifty_containers_are_drawn_and_only_what_changes_is_touched(person: Any) -> None:
    page = person("grande")
    alone(page)
    start(page)
    shown(page, "motor")
    send(page, [f"caja{number}" for number in range(50)], images=60)
    expect(page.locator(".it.container")).to_have_count(50)
    expect(page.locator(".it.image")).to_have_count(60)
    page.evaluate(
        """() => {
            window.touched = 0;
            const count = new MutationObserver(all => { window.touched += all.length });
            count.observe(document.querySelector('.motor svg'), {subtree: true, childList: true});
        }"""
    )
    send(page, [f"caja{number}" for number in range(50)], images=60, stopped="caja7")
    expect(page.locator(".it.is-exited")).to_have_count(1)
    # Its box, and the wires that it hung on: not the hundreds of others.
    assert page.evaluate("() => window.touched") <= 4
    end(page)


def alone(page: Page) -> None:
    """Nothing is heard of the sandbox but what the test says (`send`). Before the page opens its live channel."""
    page.route_web_socket("**/ws/laboratorio/**", lambda _socket: None)


def send(page: Page, names: list[str], *, images: int = 1, stopped: str = "") -> None:
    """As the collector would, whatever the sandbox holds."""
    layers = [[f"sha256:base{number % 5}", f"sha256:own{number}"] for number in range(images)]
    found = {
        "images": [
            {"id": f"sha256:i{number}", "tags": [f"app{number}:1"], "layers": layers[number], "size": 10**6, "created": number}
            for number in range(images if names else 0)
        ],
        "containers": [
            {
                "id": f"c-{name}", "name": name, "image": f"app{number % images}:1", "image_id": f"sha256:i{number % images}",
                "state": "exited" if name == stopped else "running", "exit_code": 0 if name == stopped else None,
                "ports": [{"host": 8080 + number, "container": 80, "proto": "tcp"}], "networks": ["bridge"], "mounts": [], "links": [],
                "size_rw": None,
            }
            for number, name in enumerate(names)
        ],
        "networks": [{"id": "n", "name": "bridge", "driver": "bridge", "scope": "local"}],
        "volumes": [], "name": "lab", "swarm": None,
    }  # fmt: skip
    page.evaluate(
        "text => document.dispatchEvent(new CustomEvent('laboratorio:snapshot', {detail: JSON.parse(text)}))",
        json.dumps({"type": "snapshot", "nodes": [found]}),
    )
