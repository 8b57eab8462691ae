"""An author's preview and the questions of an exercise, in a real browser: by keyboard, without a fault of accessibility."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from lessons.authoring import new_exercise, new_lesson
from tests.browser.conftest import accessible, preview_of

pytestmark = pytest.mark.browser
QUESTIONS = """comprobaciones:
  - id: nucleo
    tipo: quiz
    titulo: De quién es el núcleo
    pregunta: ¿Qué núcleo usa un contenedor?
    clase: una
    opciones: [El de la máquina, Uno propio]
    respuesta: El de la máquina
    explicacion: Un contenedor es un proceso más.
  - id: cadena
    tipo: quiz
    titulo: La cadena
    pregunta: Ordénalos.
    clase: orden
    opciones: [dockerd, containerd]
    explicacion: Uno arranca al otro.
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    folder = tmp_path / "mi-curso"
    new_lesson(folder, slug="primeros-pasos", title="Primeros pasos")
    exercise = new_exercise(folder, lesson="primeros-pasos", slug="tu-nombre", title="Tu nombre")
    exercise.write_text(exercise.read_text().replace("comprobaciones:\n", QUESTIONS))
    return folder


@pytest.fixture
def address(course: Path) -> Iterator[str]:
    """Where the course's preview is."""
    with preview_of(course) as address:
        yield address


def test_questions_by_keyboard_and_a_page_that_reloads_on_save(browser: Browser, course: Path, address: str) -> None:
    context = browser.new_context(base_url=address)
    page = context.new_page()
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    page.goto("/curso/mi-curso/primeros-pasos/tu-nombre/")
    page.get_by_label("El de la máquina").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("#pregunta-nucleo")).to_have_attribute("data-status", "passed")
    expect(page.locator("#pregunta-nucleo")).to_contain_text("Un contenedor es un proceso más.")
    page.locator("#pregunta-cadena button").click()
    expect(page.locator("#pregunta-cadena")).to_contain_text("Pon cada opción en un puesto distinto")
    page.get_by_test_id("next-hint").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("hint")).to_have_count(1)
    # The keyboard stays in what was exchanged: on the next hint, or on the hints when there is none left.
    expect(page.locator("#pistas:focus, #pistas :focus")).to_have_count(1)
    accessible(page)
    statement = course / "01-primeros-pasos" / "ejercicios" / "tu-nombre" / "enunciado.md"
    statement.write_text("Un enunciado recién guardado.\n\n[a](nada.md)\n")
    expect(page.get_by_text("Un enunciado recién guardado.").first).to_be_visible()
    expect(page.get_by_test_id("faults")).to_contain_text("enunciado.md:3")
    context.close()


def test_a_fault_in_a_file_is_told_with_its_line_and_goes_when_it_is_mended(browser: Browser, course: Path, address: str) -> None:
    file = course / "01-primeros-pasos" / "ejercicios" / "tu-nombre" / "ejercicio.yaml"
    right = file.read_text()
    context = browser.new_context(base_url=address)
    page = context.new_page()
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    page.goto("/curso/mi-curso/primeros-pasos/tu-nombre/")
    title = page.get_by_role("heading", name="Tu nombre").first
    expect(title).to_be_visible()
    faults = page.get_by_test_id("faults")
    expect(faults).to_have_count(0)

    # Saved with a wrong value: the page follows by itself, with the line and what is around it.
    file.write_text(right.replace("minutos: 10", "minutos: diez"))
    expect(faults).to_contain_text("ejercicio.yaml:3")
    expect(faults).to_contain_text("minutos: ha de ser un número entero")
    expect(faults.locator("mark")).to_contain_text("3  minutos: diez")
    expect(page.get_by_role("heading", name="El curso tiene fallos")).to_be_visible()
    accessible(page)

    # Mended, and something else is wrong: it is no YAML any more.
    file.write_text(right.replace("nombre: {palabra: true}", "nombre: {palabra: true"))
    expect(faults).to_contain_text("esta llave no se cierra")
    expect(faults.locator("mark")).to_contain_text("nombre: {palabra: true")
    expect(faults).not_to_contain_text("minutos: ha de ser")

    # All mended: the exercise is back where it was.
    file.write_text(right)
    expect(title).to_be_visible()
    expect(faults).to_have_count(0)
    assert page.url.endswith("/curso/mi-curso/primeros-pasos/tu-nombre/")
    context.close()
