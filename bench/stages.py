"""The moments worth a picture: what one meets on a page, and a laboratory from before its start to its end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bench.places import COURSE, EXERCISE, LESSON, PASSWORD
from bench.site import Site, until

if TYPE_CHECKING:
    from bench.captures import Camera

NAMES: dict[str, str] = {}
DOCKERFILE = "FROM busybox:1.37\nWORKDIR /web\nRUM echo hola > index.html\nEXPOSE 80\nCMD httpd -f -h /web\n"
WORK = (
    "mkdir -p web; echo '<h1>Hola desde el contenedor</h1>' > web/index.html; "
    "docker network create tienda; docker volume create datos; "
    "docker run -d --name web --network tienda -p 8080:80 -v ~/web:/w busybox:1.37 httpd -f -h /w; "
    "docker run -d --name cola --network tienda -v datos:/datos busybox:1.37 sleep 9999; docker run --name tarea busybox:1.37 true"
)


def moments(camera: Camera, seen: dict[str, Any], found: dict[str, str], width: str) -> None:
    """What is met on pages that need no laboratory."""
    nobody, ana = seen[""], seen["ana"]
    nobody.goto("/cuenta/login/")
    nobody.fill("[name=login]", "ana")
    nobody.fill("[name=password]", "otra-cosa")
    nobody.click("main button[type=submit]")
    camera.take(nobody, "login-mal", width)
    nobody.goto("/cuenta/signup/")
    nobody.fill("[name=username]", "Ana María")
    nobody.fill("[name=password1]", "12345678")
    nobody.fill("[name=password2]", "1234")
    nobody.click("main button[type=submit]")
    camera.take(nobody, "signup-mal", width)
    nobody.goto("/cuenta/login/")
    nobody.context.clear_cookies()
    with nobody.expect_navigation():
        nobody.evaluate("() => document.querySelector('main form').submit()")
    camera.take(nobody, "error-csrf", width)
    nobody.route("**/rota/", lambda route: route.fulfill(status=500, content_type="text/html", body=found["broken"]))
    nobody.goto("/rota/")
    camera.take(nobody, "error-500", width)
    _lesson(camera, ana, width)
    ana.goto(COURSE)
    ana.get_by_test_id("account").click()
    camera.take(ana, "menu", width)
    ana.goto(EXERCISE)
    ana.locator("body").press("?")
    camera.take(ana, "atajos", width)
    ana.get_by_role("button", name="Ver la visita guiada").click()
    camera.take(ana, "visita", width)


def _lesson(camera: Camera, page: Any, width: str) -> None:
    """Down a lesson: its first figure, a block of a terminal, boxes, the questions at its end; a term's card."""
    page.goto(LESSON, wait_until="networkidle")
    for name, selector in {
        "leccion-figura": ".text figure", "leccion-terminal": ".shell", "leccion-aviso": ".box-aviso, .box",
        "leccion-tabla": ".text .table", "leccion-maquina": ".box-maquina", "leccion-repaso": ".review", "leccion-practica": ".practice",
    }.items():  # fmt: skip
        if page.locator(selector).count():
            page.locator(selector).first.evaluate("element => element.scrollIntoView({block: 'center'})")
            camera.take(page, name, width)
    page.locator(".text .term").first.focus()
    page.get_by_role("tooltip").wait_for()
    camera.take(page, "leccion-ficha", width)
    if page.locator(".enlarge").count():
        page.locator(".enlarge").first.click()
        camera.take(page, "leccion-ampliada", width)
        page.keyboard.press("Escape")


def laboratory(camera: Camera, page: Any, site: Site, width: str) -> None:
    """One student's laboratory: before, in the queue, starting, at work, checked, looked at from each panel, ended."""
    if not any(camera.wants(name) for name in STAGES):
        return
    student = f"lucia-{width[:4]}"
    page.goto("/cuenta/signup/")
    for name, value in (("username", student), ("password1", PASSWORD), ("password2", PASSWORD)):
        page.fill(f"[name={name}]", value)
    page.click("main button[type=submit]")
    page.wait_for_url("**/curso/**")
    page.goto(EXERCISE)
    camera.take(page, "lab-enunciado", width)
    show(page, "terminal")
    camera.take(page, "lab-sin-iniciar", width)
    _start(camera, page, site, student, width)
    _work(camera, page, width)
    _panels(camera, page, width)
    _end(camera, page, site, student, width)


def _start(camera: Camera, page: Any, site: Site, student: str, width: str) -> None:
    """The worker is not there yet, so that each state lasts as long as it is wanted."""
    mine = f"Sandbox.objects.filter(user__username='{student}', state__in=('requested', 'starting'))"
    head = "from sandboxes.models import *; from django.contrib.auth.models import User; from django.utils import timezone; "
    page.get_by_test_id("start-lab").click()
    state(page, "requested")
    camera.take(page, "lab-en-cola", width)
    user = "User.objects.get_or_create(username='vecino{}')[0]"
    others = "; ".join(f"Sandbox.objects.create(user={user.format(n)}, exercise='x/y/z', state='ready')" for n in range(3))
    site.shell(head + others)
    page.get_by_text("El aula está llena").wait_for()
    camera.take(page, "lab-llena", width)
    site.shell(head + f"Sandbox.objects.filter(exercise='x/y/z').delete(); {mine}.update(state='starting')")
    state(page, "starting")
    camera.take(page, "lab-arrancando", width)
    site.shell(head + f"{mine}.update(state='requested')")
    for name in ("worker", "collector"):
        site.start(name)
    state(page, "ready")
    until(lambda: "alumno@" in screen(page), seconds=60)


def _work(camera: Camera, page: Any, width: str) -> None:
    type_line(page, "docker run busybox:1.37 echo 'hello world'")
    type_line(page, "docker ps -a")
    camera.take(page, "lab-terminal", width)
    show(page, "texto")
    page.get_by_test_id("check").click()
    checked(page, "failed")
    see(page, ".checks")
    camera.take(page, "lab-falla", width)
    show(page, "terminal")
    type_line(page, "docker run --name saludo busybox:1.37 echo hola")
    show(page, "texto")
    checked(page, "passed")  # by itself: all that is asked has come true
    see(page, ".checks")
    camera.take(page, "lab-superado", width)


def _panels(camera: Camera, page: Any, width: str) -> None:
    show(page, "terminal")
    type_line(page, WORK)
    show(page, "motor")
    page.locator(".it.container").nth(3).wait_for()
    camera.take(page, "motor", width)
    page.locator(".it.container").first.focus()
    camera.take(page, "motor-contenedor", width)
    page.click("text=Ver como tabla")
    camera.take(page, "motor-tabla", width)
    page.click("text=Ver como dibujo")
    show(page, "archivos")
    page.click("text=Nuevo")
    camera.take(page, "archivos-nuevo", width)
    page.fill("dialog.ask input", "web/Dockerfile")
    page.keyboard.press("Enter")
    page.locator(".cm-content").wait_for()
    page.locator(".cm-content").click()
    page.keyboard.insert_text(DOCKERFILE)
    page.locator(".archivos-found li").first.wait_for()
    camera.take(page, "archivos", width)
    page.keyboard.press("Control+s")
    page.locator(".port", has_text="8080").click()
    page.frame_locator("#paneles iframe").locator("h1").wait_for()
    camera.take(page, "vista-previa", width)
    show(page, "terminal")
    page.get_by_role("button", name="Opciones").click()
    camera.take(page, "terminal-opciones", width)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Transcripción").click()
    camera.take(page, "terminal-transcripcion", width)
    page.get_by_role("button", name="Transcripción").click()


def _end(camera: Camera, page: Any, site: Site, student: str, width: str) -> None:
    page.get_by_test_id("stop-lab").click()
    state(page, "removed")
    camera.take(page, "lab-terminado", width)
    last = f"from sandboxes.models import Sandbox; Sandbox.objects.filter(user__username='{student}')"
    for name, told, reason in (
        ("lab-caducado", "expired", "Estuvo 30 minutos sin actividad."),
        (
            "lab-no-arranco",
            "failed",
            "El motor no llegó a arrancar. Vuelve a intentarlo; si sigue igual, avisa a quien administra el aula.",
        ),
    ):
        kept = ", kept_until=None" if told == "failed" else ""
        site.shell(f"{last}.update(state='{told}', reason={reason!r}{kept})")
        page.goto(EXERCISE)
        show(page, "terminal")
        state(page, told)
        camera.take(page, name, width)
    page.goto("/grabaciones/")
    page.locator("td a").first.click()
    page.locator(".player canvas, .player .ap-player").first.wait_for()
    page.locator("[data-mark]").nth(2).click()
    camera.take(page, "repeticion", width)
    for name in ("worker", "collector"):
        site.kill(name)


STAGES = frozenset({
    "lab-enunciado", "lab-sin-iniciar", "lab-en-cola", "lab-llena", "lab-arrancando", "lab-terminal", "lab-falla",
    "lab-superado", "motor", "motor-contenedor", "motor-tabla", "archivos-nuevo", "archivos", "vista-previa", "terminal-opciones",
    "terminal-transcripcion", "lab-terminado", "lab-caducado", "lab-no-arranco", "repeticion",
})  # fmt: skip


def show(page: Any, tab: str) -> None:
    """A tab of the workbench; the text has one on a phone alone."""
    if tab != "texto" or page.locator("#tab-texto").is_visible():
        page.click(f"#tab-{tab}")
    if tab in ("motor", "archivos"):
        page.locator(f"#panel-{tab}:not([aria-busy=true])").wait_for()


def see(page: Any, selector: str) -> None:
    page.locator(selector).evaluate("element => element.scrollIntoView({block: 'center'})")


def state(page: Any, wanted: str) -> None:
    page.locator(f"[data-testid=lab-state][data-state={wanted}]").wait_for(state="attached")


def checked(page: Any, wanted: str) -> None:
    page.locator(f"#resultado[data-status={wanted}]").wait_for(state="attached")


def screen(page: Any) -> str:
    return str(page.locator(".xterm-rows").first.inner_text()).replace("\xa0", " ")


def type_line(page: Any, command: str) -> None:
    """Type a command and wait until the shell asks for the next."""
    page.locator(".xterm-screen").first.click()
    page.keyboard.type(f"{command}\n")

    def asks_again() -> bool:
        text = screen(page)
        return command[-12:] in text.replace("\n", "") and bool(re.search(r"alumno@[^\n]*\$\s*$", text))

    until(asks_again, seconds=180)
