"""Two people before the same terminals: a teacher who watches and then types along, a classmate who comes by a link."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_journey import PAGE, check, end, screen, start, state, type_line
from tests.browser.test_terminals import at_prompt, connection, shown
from tests.conftest import wait_until

pytestmark = pytest.mark.browser
PRACTICE = "/curso/docker-intensivo/hello-world/laboratorio/"
FOR_TWO = "/curso/docker-intensivo/push/de-mano-en-mano/"
PROMOTE = """
from django.contrib.auth.models import User
user = User.objects.get(username="{}")
user.is_staff = True
user.save()
"""


def name_of(page: Page) -> str:
    return page.get_by_test_id("account").inner_text().strip()


def no_violation(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def class_of_two(person: Any, site: Site) -> tuple[Page, Page]:
    """A teacher and their student, as they would come together: a class, its code, the code typed."""
    teacher, student = person("maestra"), person("alumna")
    site.manage("shell", "-v", "0", "-c", PROMOTE.format(name_of(teacher)))
    teacher.goto("/clases/")
    teacher.get_by_label("Nombre de la clase").fill("1.º de ASIR")
    teacher.get_by_test_id("create-cohort").click()
    code = teacher.get_by_test_id("class-code").inner_text()
    student.goto("/clases/")
    student.get_by_label("Código que te han dado").fill(code.upper())
    student.get_by_test_id("join-cohort").click()
    no_violation(student)
    student.get_by_test_id("join").click()
    expect(student.get_by_test_id("my-cohort")).to_contain_text("1.º de ASIR")
    return teacher, student


def test_teacher_watches_asks_to_type_and_is_sent_away(person: Any, site: Site) -> None:
    teacher, student = class_of_two(person, site)
    start(student)
    type_line(student, "seq 1 3", "uno")
    row = teacher.get_by_test_id("student")
    expect(row).to_contain_text("en marcha", timeout=20_000)
    no_violation(teacher)
    teacher.get_by_test_id("watch").click()
    wait_until(lambda: "fin-42-uno" in screen(teacher), seconds=20)
    guest = student.get_by_test_id("guest")
    expect(guest).to_contain_text("está viendo tus terminales")
    no_violation(teacher)
    no_violation(student)
    # Read-only: nothing arrives, and it is said.
    teacher.locator(".xterm-screen").click()
    teacher.keyboard.type("echo intrusa\n")
    expect(teacher.locator(".pane-notice")).to_contain_text("Solo estás mirando")
    # All of the student's terminals, as they are.
    student.locator(".xterm-screen").click()
    student.keyboard.press("Alt+Shift+T")
    at_prompt(student)
    student.keyboard.type("echo en-la-segunda\n")
    expect(teacher.get_by_role("tab", name="Terminal 2")).to_have_attribute("aria-selected", "true", timeout=20_000)
    wait_until(lambda: shown(teacher).count("en-la-segunda") == 2, seconds=20)
    assert "intrusa" not in shown(student)
    student.set_viewport_size({"width": 1000, "height": 700})
    columns = "() => document.querySelector('.term-panel:not([hidden]) .xterm-rows').children.length"
    wait_until(lambda: student.evaluate(columns) == teacher.evaluate(columns), seconds=20)
    # Typing along, once the student says yes; a key meant for the terminal answers nothing.
    teacher.get_by_test_id("ask-to-type").click()
    dialog = student.get_by_role("dialog", name="¿Escribir juntos?")
    expect(dialog).to_be_visible()
    student.keyboard.press("Enter")
    student.keyboard.press("Space")
    expect(dialog).to_be_visible()
    no_violation(student)
    dialog.get_by_role("button", name="Aceptar").click()
    expect(guest).to_have_attribute("data-mode", "type")
    expect(guest).to_contain_text("escribe contigo")
    expect(teacher.get_by_test_id("visit-state")).to_have_attribute("data-mode", "type")
    expect(teacher.get_by_text("Solo estás mirando")).to_be_hidden()
    teacher.locator(".term-panel:not([hidden]) .xterm-screen").click()
    teacher.keyboard.type("echo juntas-$((40+2))\n")
    wait_until(lambda: "juntas-42" in shown(student), seconds=20)
    # The student may end it at any moment.
    student.get_by_test_id("dismiss-visit").click()
    expect(guest).to_have_count(0)
    expect(teacher.get_by_test_id("visit-state")).to_contain_text("Ya no estás en el laboratorio")
    expect(teacher.locator(".term-panel:not([hidden]) .connection")).to_contain_text("la visita ha terminado")
    student.goto("/visitas/")
    expect(student.get_by_test_id("visit-row")).to_have_count(2)
    expect(student.get_by_test_id("visit-row").first).to_contain_text("lo dejó quien tiene el laboratorio")
    no_violation(student)
    student.goto(PAGE)
    end(student)
    assert student.errors == []  # type: ignore[attr-defined]


def test_teacher_who_is_refused_goes_on_watching_and_who_closes_the_page_is_gone(person: Any, site: Site) -> None:
    teacher, student = class_of_two(person, site)
    start(student)
    expect(teacher.get_by_test_id("watch")).to_be_visible(timeout=20_000)
    teacher.get_by_test_id("watch").click()
    teacher.get_by_test_id("ask-to-type").click()
    student.get_by_role("dialog", name="¿Escribir juntos?").get_by_role("button", name="Ahora no").click()
    expect(teacher.get_by_test_id("visit-state")).to_contain_text("Ha preferido que no escribas")
    type_line(student, "true", "sigo")
    wait_until(lambda: "fin-42-sigo" in screen(teacher), seconds=20)
    teacher.reload()
    wait_until(lambda: "fin-42-sigo" in screen(teacher), seconds=20)
    expect(student.get_by_test_id("guest")).to_be_visible()
    teacher.goto("/")
    expect(student.get_by_test_id("guest")).to_have_count(0, timeout=40_000)
    end(student)


def test_who_watches_waits_for_a_terminal_that_is_not_open_and_sees_the_next_after_its_end(person: Any, site: Site) -> None:
    teacher, student = class_of_two(person, site)
    start(student, FOR_TWO)
    teacher.get_by_test_id("watch").click()
    teacher.get_by_role("tab", name="servidor").click()
    connection(teacher, "esperando")
    said = teacher.locator(".term-panel:not([hidden]) .connection")
    expect(said).to_contain_text("aparecerá aquí en cuanto se abra")
    expect(said.get_by_role("button")).to_have_count(0)
    no_violation(teacher)
    student.get_by_role("tab", name="servidor").click()
    at_prompt(student)
    # Where the owner went, who watches is taken.
    connection(teacher, "conectado")
    wait_until(lambda: "alumno@servidor" in shown(teacher), seconds=20)
    say(student, "hostname", "uno")
    wait_until(lambda: "fin-42-uno" in shown(teacher), seconds=20)
    student.keyboard.type("exit\n")
    connection(teacher, "esperando")
    expect(said).to_contain_text("se cerró")
    student.get_by_role("button", name="Abrir otra").click()
    connection(teacher, "conectado")
    say(student, "hostname", "dos")
    wait_until(lambda: "fin-42-dos" in shown(teacher) and "fin-42-uno" not in shown(teacher), seconds=20)
    end(student)
    assert teacher.errors == []  # type: ignore[attr-defined]


def test_two_students_share_a_laboratory_by_a_link(person: Any, site: Site) -> None:
    owner, mate = person("duena"), person("pareja")
    start(owner, PRACTICE)
    owner.get_by_test_id("invite").click()
    link = owner.get_by_label("Quien abra este enlace").input_value()
    mate.goto(link)
    no_violation(mate)
    mate.get_by_test_id("take-invitation").click()
    wait_until(lambda: "alumno@" in screen(mate), seconds=20)
    expect(owner.get_by_test_id("guest")).to_contain_text("escribe contigo")
    no_violation(owner)
    mate.locator(".xterm-screen").click()
    mate.keyboard.type("echo de-la-pareja-$((40+1))\n")
    wait_until(lambda: "de-la-pareja-41" in screen(owner), seconds=20)
    type_line(owner, "echo de-la-dueña", "dos")
    wait_until(lambda: "fin-42-dos" in screen(mate), seconds=20)
    site.kill("web")
    connection(mate, "reconectando")
    site.start("web")
    connection(mate, "conectado")
    type_line(mate, "true", "tras-caer")
    wait_until(lambda: "fin-42-tras-caer" in screen(owner), seconds=40)
    mate.get_by_test_id("leave-visit").click()
    expect(owner.get_by_test_id("guest")).to_have_count(0, timeout=20_000)
    mate.goto(link)
    expect(mate.get_by_role("heading", level=1)).to_contain_text("ya no vale")
    end(owner)


def say(page: Page, command: str, sentinel: str) -> None:
    """Type a command into the terminal in front and wait for its end."""
    page.locator(".term-panel:not([hidden]) .xterm-screen").click()
    page.keyboard.type(f"{command} && echo fin-$((40+2))-{sentinel}\n")
    wait_until(lambda: f"fin-42-{sentinel}" in shown(page), seconds=60)


def test_in_an_exercise_for_two_each_keeps_to_a_node(person: Any, site: Site) -> None:
    """To the registry of the class nobody of the test's own site is known: what they push is proven, not typed, here."""
    owner, mate = person("sale"), person("llega")
    owner.goto(FOR_TWO)
    owner.get_by_test_id("start-lab").click()
    state(owner, "ready")
    at_prompt(owner)
    # Who comes needs nobody to have opened a terminal before.
    owner.get_by_test_id("invite").click()
    mate.goto(owner.get_by_label("Quien abra este enlace").input_value())
    mate.get_by_test_id("take-invitation").click()
    theirs = mate.get_by_role("tab", name="servidor")
    theirs.click()
    at_prompt(mate)
    say(mate, "cat tramo/tramo.txt", "uno")
    assert "llega " in shown(mate)
    # Who types along stays where they are, wherever the owner goes.
    for node in ("servidor", "lab"):
        owner.get_by_role("tab", name=node).click()
        at_prompt(owner)
    say(owner, "cat tramo/tramo.txt", "dos")
    assert "sale " in shown(owner)
    say(mate, "hostname", "tres")
    expect(theirs).to_have_attribute("aria-selected", "true")
    assert "\nservidor\n" in shown(mate)
    check(owner, "failed")
    end(owner)
    assert owner.errors == []  # type: ignore[attr-defined]
    assert mate.errors == []  # type: ignore[attr-defined]
