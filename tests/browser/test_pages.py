"""The pages themselves, in a real browser and without an engine: texts that do things, tabs, split, looks, accessibility."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from lessons.authoring import new_exercise, new_lesson
from tests.browser.conftest import accessible, preview_of

pytestmark = pytest.mark.browser
LESSON = "/curso/mi-curso/primeros-pasos/"
EXERCISE = LESSON + "tu-nombre/"
MORE = """
## Más

Una [[capa|capas]].

![Un cuadro](figuras/a.svg)

```python
print("%s")
```

| a | b |
|---|---|
| 1 | 2 |

::: error "no such image"
Está mal escrita.
:::

::: version fecha=2026-11 fuente="https://docs.docker.com/"
Hoy.
:::
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The preview of a small course that uses all that a text may use."""
    folder = tmp_path_factory.mktemp("cursos") / "mi-curso"
    lesson = new_lesson(folder, slug="primeros-pasos", title="Primeros pasos")
    new_lesson(folder, slug="segunda", title="Segunda")
    new_exercise(folder, lesson="primeros-pasos", slug="tu-nombre", title="Tu nombre")
    new_exercise(folder, lesson="segunda", slug="otro", title="Otro")
    lesson.write_text(lesson.read_text() + MORE % ("x" * 300))
    (lesson.parent / "figuras").mkdir()
    (lesson.parent / "figuras" / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 100"/>')
    (folder / "glosario.yaml").write_text("capa: Cada uno de los pisos de una imagen.\nvolumen: Lo que se queda.\n")
    with preview_of(folder) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(base_url=address, viewport={"width": 1400, "height": 850}, locale="es-ES")
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    yield opened
    context.close()
    assert said == []


def test_a_block_is_copied_and_run_with_a_button(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(EXERCISE)
    page.goto(LESSON)
    block = page.locator(".shell").first
    block.get_by_role("button", name="Copiar").click()
    assert page.evaluate("() => navigator.clipboard.readText()") == "docker run busybox:1.37 echo hola"
    page.evaluate("() => document.addEventListener('laboratorio:run', event => { window.asked = event.detail; event.preventDefault(); })")
    block.get_by_role("button", name="Ejecutar").click()
    command = "docker run busybox:1.37 echo hola"
    assert page.evaluate("() => window.asked") == {"command": command, "commands": [command], "node": ""}
    expect(block).to_contain_text("Enviado")


def test_a_term_explains_itself_to_the_mouse_and_to_the_keyboard(page: Page) -> None:
    page.goto(LESSON)
    term, card = page.locator(".term").first, page.get_by_role("tooltip")
    term.hover()
    expect(card).to_contain_text("Cada uno de los pisos")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    page.mouse.move(0, 0)
    term.focus()
    expect(card).to_be_visible()
    assert term.get_attribute("aria-describedby") == card.get_attribute("id")
    page.keyboard.press("Enter")
    page.wait_for_url("**/glosario/#capa")


def test_a_term_explains_itself_to_a_finger_before_it_is_followed(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(LESSON)
    term, card = page.locator(".term").first, page.get_by_role("tooltip")
    term.tap()
    expect(card).to_contain_text("Cada uno de los pisos")
    assert page.url.endswith(LESSON)
    page.locator("h1").tap()
    expect(card).to_be_hidden()
    term.tap()
    term.tap()
    page.wait_for_url("**/glosario/#capa")
    context.close()


def test_the_split_is_dragged_by_mouse_and_keys_and_remembered(page: Page) -> None:
    page.goto(EXERCISE)
    splitter, text = page.get_by_role("separator"), page.locator("#panel-texto")
    box = splitter.bounding_box()
    assert box
    page.mouse.move(box["x"] + 4, 400)
    page.mouse.down()
    page.mouse.move(800, 400, steps=4)
    page.mouse.up()
    width = (text.bounding_box() or {})["width"]
    assert abs(width - 800) < 20
    page.reload()
    assert abs((text.bounding_box() or {})["width"] - width) < 2
    splitter.focus()
    page.keyboard.press("ArrowLeft")
    assert (text.bounding_box() or {})["width"] < width
    page.keyboard.press("Enter")
    expect(splitter).to_have_attribute("aria-valuenow", "42")


def test_on_a_phone_the_text_and_the_lab_are_tabs(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(EXERCISE)
    expect(page.locator("#enunciado")).to_be_visible()
    expect(page.get_by_test_id("start-lab")).to_be_hidden()
    page.get_by_role("tab", name="Terminal").click()
    expect(page.get_by_test_id("start-lab")).to_be_visible()
    expect(page.locator("#enunciado")).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Texto")).to_be_focused()
    expect(page.locator("#enunciado")).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_the_looks_follow_the_system_and_what_is_chosen(page: Page) -> None:
    def paper() -> Any:
        return page.evaluate("() => getComputedStyle(document.body).backgroundColor")

    page.emulate_media(color_scheme="light")
    page.goto(LESSON)
    light = paper()
    page.emulate_media(color_scheme="dark")
    dark = paper()
    assert light != dark
    page.get_by_test_id("account").click()
    page.get_by_role("button", name="Claro").click()
    assert paper() == light
    page.reload()
    assert paper() == light
    page.get_by_test_id("account").click()
    page.get_by_role("button", name="El del sistema").click()
    assert paper() == dark


@pytest.mark.parametrize("width", [1400, 390])
def test_no_page_has_a_violation_of_accessibility(page: Page, width: int) -> None:
    """What a small course of all that a text may use shows; the real course's pages: test_every_page.py."""
    page.set_viewport_size({"width": width, "height": 850})
    for url in (LESSON, f"{LESSON}laboratorio/", EXERCISE, "/glosario/"):
        page.goto(url)
        accessible(page)


def test_the_first_visit_is_shown_around_once_and_may_be_skipped(page: Page) -> None:
    page.goto(EXERCISE)
    tour = page.get_by_test_id("tour")
    expect(tour).to_contain_text("1 de 5")
    for number in range(2, 6):
        page.keyboard.press("Enter")
        expect(tour).to_contain_text(f"{number} de 5")
    page.keyboard.press("Enter")
    expect(tour).to_have_count(0)
    page.reload()
    expect(page.locator("#enunciado")).to_be_visible()
    expect(tour).to_have_count(0)
    page.locator("body").press("?")
    page.get_by_role("button", name="Ver la visita guiada").click()
    expect(tour).to_contain_text("1 de 5")
    page.keyboard.press("Escape")
    expect(tour).to_have_count(0)


def test_shortcuts_and_their_sheet(page: Page) -> None:
    page.goto(EXERCISE)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Atajos de teclado")
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.keyboard.press("Alt+1")
    expect(page.locator("#panel-texto")).to_be_focused()
    page.keyboard.press("/")
    page.wait_for_url("**/buscar/")
    page.keyboard.type("imágenes/?")
    expect(page.get_by_role("searchbox")).to_have_value("imágenes/?")
    expect(sheet).to_be_hidden()


def test_nothing_moves_for_who_wants_nothing_to_move(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(EXERCISE)
    moving = page.evaluate(
        """() => [...document.querySelectorAll("*")].filter(each => {
            const style = getComputedStyle(each);
            return Math.max(...style.transitionDuration.split(",").map(parseFloat)) > 0.001 || style.scrollBehavior === "smooth";
        }).map(each => each.tagName)"""
    )
    assert moving == []


@pytest.mark.parametrize("url", ["/curso/mi-curso/", LESSON, EXERCISE, "/glosario/", "/buscar/?q=capa", "/progreso/"])
def test_at_200_per_cent_nothing_is_cut_or_scrolls_sideways(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 640, "height": 512})  # 1280 × 1024 at 200 %
    page.goto(url)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 640
    page.set_viewport_size({"width": 320, "height": 512})  # 400 %: WCAG 1.4.10
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320


def test_a_figure_too_small_to_be_read_is_enlarged(page: Page) -> None:
    page.goto(LESSON)
    expect(page.get_by_role("button", name="Ampliar la figura")).to_have_count(0)  # it has its own size there
    page.set_viewport_size({"width": 390, "height": 800})
    button = page.get_by_role("button", name="Ampliar la figura")
    button.click()
    whole = page.get_by_role("dialog", name="Un cuadro").get_by_role("img")
    expect(whole).to_be_visible()
    assert page.evaluate("() => document.querySelector('dialog[open] img').width") == 720
    accessible(page)
    page.keyboard.press("Escape")
    expect(whole).to_have_count(0)
    expect(button).to_be_focused()


def test_on_paper_there_is_the_text_and_nothing_to_press(page: Page) -> None:
    page.goto(LESSON)
    page.emulate_media(media="print", color_scheme="dark")
    shown = page.locator("button, .top, .foot, .contents, .practice, .pager").filter(visible=True)
    expect(shown).to_have_count(0)
    expect(page.locator("h1, .text p, .shell, .table, figure").filter(visible=True).first).to_be_visible()
    assert page.evaluate("() => getComputedStyle(document.querySelector('.text p')).color") == "rgb(23, 33, 47)"


def test_with_the_systems_colours_what_is_chosen_is_still_seen(page: Page) -> None:
    """Backgrounds and shadows are gone then (Windows' high contrast): a line says it."""
    page.emulate_media(forced_colors="active")
    page.goto(EXERCISE)
    chosen = page.locator(".pane-tabs [aria-selected=true]")
    assert chosen.evaluate("tab => getComputedStyle(tab).borderBottomStyle") == "solid"
    page.goto("/glosario/")
    assert page.locator("nav a[aria-current]").evaluate("link => getComputedStyle(link).textDecorationLine") == "underline"


def test_on_a_phone_the_tour_speaks_of_what_is_there(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(EXERCISE)
    tour = page.get_by_test_id("tour")
    expect(tour).to_contain_text("1 de 4")
    page.keyboard.press("Enter")
    expect(page.locator("#tab-terminal.toured")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(tour).to_contain_text("comprueba")
    spoken_of, card = page.locator(".toured").bounding_box(), tour.bounding_box()
    assert spoken_of
    assert card
    assert card["y"] + card["height"] <= spoken_of["y"] or spoken_of["y"] + spoken_of["height"] <= card["y"]
