"""The pictures of who is together in a laboratory: a mate who comes by a link, a teacher who looks and then types along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.places import PRACTICE
from bench.site import Site, until
from bench.stages import screen, show, state, type_line

if TYPE_CHECKING:
    from bench.captures import Camera

STAGES = frozenset({"compartir", "invitacion", "en-otro-laboratorio", "acompanada", "clase-en-marcha", "mirando", "pide-escribir"})
"""What is looked at, by name."""


def together(camera: Camera, seen: dict[str, Any], site: Site, found: dict[str, str], width: str) -> None:
    """`seen`: a page of each of ana, who is in carmen's class, bruno and carmen. The worker and the collector begin here."""
    owner, mate, teacher = seen["ana"], seen["bruno"], seen["carmen"]
    for name in ("worker", "collector"):
        site.start(name)
    owner.goto(PRACTICE)
    show(owner, "terminal")
    owner.get_by_test_id("start-lab").click()
    state(owner, "ready")
    until(lambda: "alumno@" in screen(owner), seconds=60)
    type_line(owner, "docker run busybox:1.37 echo 'hola a las dos'")
    _by_a_link(camera, owner, mate, width)
    _in_a_class(camera, owner, teacher, found["cohort"], width)
    owner.get_by_test_id("stop-lab").click()
    state(owner, "removed")
    for name in ("worker", "collector"):
        site.kill(name)


def _by_a_link(camera: Camera, owner: Any, mate: Any, width: str) -> None:
    owner.get_by_test_id("invite").click()
    link = owner.get_by_label("Quien abra este enlace").input_value()
    camera.take(owner, "compartir", width)
    mate.goto(link)
    camera.take(mate, "invitacion", width)
    mate.get_by_test_id("take-invitation").click()
    until(lambda: "hola a las dos" in screen(mate), seconds=30)
    camera.take(mate, "en-otro-laboratorio", width)
    owner.get_by_test_id("guest").wait_for()
    camera.take(owner, "acompanada", width)
    mate.get_by_test_id("leave-visit").click()
    owner.get_by_test_id("guest").wait_for(state="detached")


def _in_a_class(camera: Camera, owner: Any, teacher: Any, address: str, width: str) -> None:
    teacher.goto(address)
    teacher.get_by_test_id("watch").wait_for()
    camera.take(teacher, "clase-en-marcha", width)
    teacher.get_by_test_id("watch").click()
    until(lambda: "hola a las dos" in screen(teacher), seconds=30)
    camera.take(teacher, "mirando", width)
    teacher.get_by_test_id("ask-to-type").click()
    asked = owner.get_by_role("dialog", name="¿Escribir juntos?")
    asked.wait_for()
    camera.take(owner, "pide-escribir", width)
    asked.get_by_role("button", name="Ahora no").click()
