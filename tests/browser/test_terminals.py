"""Terminals as people use them: they come back, are arranged, copied from, pasted into, read aloud, run from the text."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, accessible
from tests.browser.test_journey import PAGE, end, prompt, start, type_line
from tests.conftest import wait_until

pytestmark = pytest.mark.browser


def shown(page: Page, number: int = 0) -> str:
    """What the given pane of the tab in front shows."""
    return page.locator(".term-panel:not([hidden]) .xterm-rows").nth(number).inner_text().replace("\xa0", " ")


def connection(page: Page, wanted: str) -> None:
    expect(page.locator(".term-panel:not([hidden]) .screen").first).to_have_attribute("data-connection", wanted, timeout=40_000)


def at_prompt(page: Page, number: int = 0) -> None:
    wait_until(lambda: shown(page, number).rstrip().endswith("$"), seconds=20)


def ask_to_run(page: Page, command: str) -> str:
    """As a block of the text does; gives what the student is told."""
    said: str = page.evaluate(
        """command => {
            const event = new CustomEvent("laboratorio:run", { cancelable: true, detail: { command } });
            document.dispatchEvent(event);
            return event.detail.said;
        }""",
        command,
    )
    return said


def test_what_is_typed_while_the_web_is_down_arrives_once_in_the_same_shell(person: Any, site: Site) -> None:
    page = person("corte")
    start(page)
    type_line(page, "variable=sigue; seq 1 300", "antes")
    site.kill("web")
    connection(page, "reconectando")
    expect(page.locator(".connection")).to_contain_text("Lo que escribas se enviará al volver")
    page.keyboard.type("echo aqui-$variable-$((40+2))\n")
    site.start("web")
    connection(page, "conectado")
    wait_until(lambda: "aqui-sigue-42" in shown(page), seconds=20)
    assert shown(page).count("aqui-sigue-42") == 1
    assert shown(page).count("echo aqui-") == 1
    for _ in range(12):
        page.keyboard.press("Shift+PageUp")
    wait_until(lambda: "variable=sigue" in shown(page), seconds=10)
    end(page)


def test_airplane_mode_in_the_middle_of_typing_loses_and_doubles_nothing(person: Any) -> None:
    page = person("avion")
    start(page)
    type_line(page, "true", "antes")
    page.keyboard.type("echo uno-")
    page.context.set_offline(True)
    page.keyboard.type("dos-")
    connection(page, "reconectando")
    page.keyboard.type("tres-$((40+2))")
    page.context.set_offline(False)
    connection(page, "conectado")
    page.keyboard.press("Enter")
    wait_until(lambda: "uno-dos-tres-42" in shown(page), seconds=20)
    assert shown(page).count("uno-dos-tres-42") == 1
    end(page)


def test_tabs_splits_names_sizes_and_colours_are_remembered(person: Any) -> None:
    page = person("ordena")
    start(page)
    page.locator(".xterm-screen").click()
    page.keyboard.press("Alt+Shift+D")
    expect(page.locator(".term-panel:not([hidden]) .screen[data-connection=conectado]")).to_have_count(2, timeout=20_000)
    at_prompt(page, 1)
    page.keyboard.type("echo en-el-segundo\n")
    wait_until(lambda: shown(page, 1).count("en-el-segundo") == 2, seconds=20)
    assert "en-el-segundo" not in shown(page, 0)
    page.keyboard.press("Alt+Shift+T")
    expect(page.get_by_role("tab", name="Terminal 3")).to_have_attribute("aria-selected", "true")
    at_prompt(page)
    page.keyboard.press("Alt+Shift+R")
    page.get_by_role("textbox", name="Nombre de la pestaña").fill("Servidor")
    page.keyboard.press("Enter")
    # What comes before may be kept by itself; the last of the changes is what counts.
    with page.expect_response(
        lambda answer: answer.url.endswith("/cuenta/terminal/") and "claro" in (answer.request.post_data or "")
    ) as kept:
        page.keyboard.press("Alt+Shift+PageUp")
        page.keyboard.press("Alt+Shift+Equal")
        page.keyboard.press("Alt+Shift+O")
        page.get_by_label("Colores").select_option("claro")
        page.keyboard.press("Escape")
    assert kept.value.status == 204
    page.reload()
    prompt_tabs = page.locator(".term-bar [role=tab]")
    expect(prompt_tabs).to_have_text(["Servidor", "Terminal"], timeout=20_000)
    expect(page.locator("#terminal")).to_have_attribute("data-theme", "claro")
    prompt_tabs.nth(1).click()
    wait_until(lambda: shown(page, 1).count("en-el-segundo") == 2, seconds=20)
    # Closing ends the shell: its name is given to a new one, which knows nothing.
    page.keyboard.press("Alt+Shift+W")
    expect(page.locator(".term-panel:not([hidden]) .screen")).to_have_count(1)
    expect(page.locator(".term-panel:not([hidden]) .border")).to_have_count(0)
    page.keyboard.press("Alt+Shift+S")
    at_prompt(page, 1)
    assert "en-el-segundo" not in shown(page, 1)
    accessible(page)
    end(page)
    assert page.errors == []


def test_copy_paste_search_and_the_way_out(person: Any) -> None:
    page = person("copia")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    start(page)
    type_line(page, "for n in 1 2 3; do echo linea-$n; done", "tres")
    page.keyboard.type("sleep 1000\n")
    wait_until(lambda: "sleep 1000" in shown(page), seconds=10)
    page.locator(".xterm-rows > div", has_text="linea-2").last.dblclick(position={"x": 20, "y": 5}, force=True)
    page.keyboard.press("Control+c")
    wait_until(lambda: page.evaluate("() => navigator.clipboard.readText()").startswith("linea"), seconds=10)
    assert not shown(page).rstrip().endswith("$")
    page.keyboard.press("Control+c")
    at_prompt(page)
    page.evaluate("() => navigator.clipboard.writeText('echo pega-$((40+1))\\necho pega-$((40+2))\\n')")
    page.keyboard.press("Control+v")
    dialog = page.get_by_role("dialog", name="¿Pegar varias líneas?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert "pega-" not in shown(page)
    page.keyboard.press("Control+v")
    dialog.get_by_label("Lo que se va a pegar").fill("echo pega-$((40+3))")
    dialog.get_by_role("button", name="Pegar").click()
    page.keyboard.press("Enter")
    wait_until(lambda: "pega-43" in shown(page), seconds=30)
    page.keyboard.type("printf '\\e]52;c;c2VjcmV0bw==\\a'\n")
    expect(page.locator(".pane-notice")).to_contain_text("ha querido copiar en tu portapapeles")
    assert page.evaluate("() => navigator.clipboard.readText()").startswith("echo pega")
    page.keyboard.press("Control+Shift+F")
    page.get_by_label("Buscar en la terminal").fill("linea-3")
    expect(page.locator(".finder .count")).to_have_text("1 de 1")
    page.keyboard.press("Escape")
    page.keyboard.type("vi\n")
    wait_until(lambda: "~" in shown(page), seconds=10)
    page.keyboard.press("Control+Shift+F6")
    expect(page.get_by_role("tab", name="Terminal", exact=True).last).to_be_focused()
    end(page)


def test_the_text_runs_commands_only_at_an_empty_prompt(person: Any) -> None:
    page = person("ejecuta")
    start(page)
    at_prompt(page)
    assert "Enviado" in ask_to_run(page, "echo uno-$((40+1))\necho dos-$((40+2))")
    wait_until(lambda: "uno-41" in shown(page) and "dos-42" in shown(page), seconds=20)
    at_prompt(page)
    page.keyboard.type("echo a medias")
    wait_until(lambda: "a medias" in shown(page), seconds=10)
    assert "a medio escribir" in ask_to_run(page, "echo no")
    page.keyboard.press("Control+u")
    page.keyboard.type("cat\n")
    wait_until(lambda: page.get_by_test_id("voice").count() == 1 and shown(page).rstrip().endswith("cat"), seconds=10)
    assert "ocupada con «cat»" in ask_to_run(page, "echo no")
    assert "echo no" not in shown(page)
    expect(page.locator(".term-word")).to_contain_text("ocupada")
    end(page)


def test_the_transcript_is_read_and_short_outputs_are_spoken(person: Any) -> None:
    page = person("oye")
    start(page)
    type_line(page, "true", "antes")
    at_prompt(page)
    page.keyboard.type("echo España, ¿qué tal?; false\n")
    voice = page.get_by_test_id("voice")
    expect(voice).to_have_text("Código 1. España, ¿qué tal?")
    page.keyboard.type("seq 1 100\n")
    expect(voice).to_contain_text("100 líneas")
    page.keyboard.press("Alt+Shift+X")
    transcript = page.get_by_role("region", name="Transcripción")
    expect(transcript.get_by_role("heading", name="seq 1 100")).to_be_visible()
    expect(transcript.get_by_role("listitem").filter(has_text="¿qué tal?").locator("pre")).to_have_text("España, ¿qué tal?")
    expect(transcript.get_by_text("Terminó con el código 1.")).to_be_visible()
    accessible(page)
    page.reload()
    expect(page.get_by_role("region", name="Transcripción").get_by_role("heading", name="seq 1 100")).to_be_visible(timeout=20_000)
    expect(page.get_by_test_id("voice")).to_have_text("")
    end(page)


def test_files_come_by_drop_and_go_by_the_lab_command(person: Any) -> None:
    page = person("lleva")
    start(page)
    type_line(page, "mkdir -p mis\\ cosas && cd mis\\ cosas", "cd")
    page.locator(".screen").evaluate(
        """element => {
            const dropped = new DataTransfer();
            dropped.items.add(new File(["hola desde casa\\n"], "índice de notas.txt"));
            element.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.locator(".pane-notice")).to_contain_text("está en /home/alumno/mis cosas", timeout=20_000)
    type_line(page, "cat índice*; stat -c %U índice*", "cat")
    assert "hola desde casa" in shown(page)
    assert "alumno\n" in shown(page)
    page.keyboard.type("lab descargar índice*\n")
    with page.expect_download() as download:
        page.locator(".pane-notice").get_by_role("link", name="Descargar").click()
    assert download.value.suggested_filename == "índice de notas.txt"
    assert download.value.path().read_text() == "hola desde casa\n"
    page.reload()
    prompt(page)
    wait_until(lambda: "te ofrece" in shown(page), seconds=10)
    expect(page.locator(".pane-notice")).to_be_hidden()
    assert page.url.endswith(PAGE)
    end(page)
