"""What an exercise plants, on the fake engine: at start and at reset, on each node, never over a student's work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from lessons import catalog
from lessons.values import Value
from sandboxes import lifecycle, pool
from sandboxes.engine import ExecResult
from sandboxes.models import State
from tests.conftest import work

pytestmark = pytest.mark.django_db
KEY = "docker-intensivo/hello-world/hello-world"


@pytest.fixture
def exercise(monkeypatch: pytest.MonkeyPatch) -> catalog.Exercise:
    found = catalog.course().exercises[KEY]
    varied = replace(
        found,
        text="La clave es «{{clave}}».",
        lab=found.lab.model_copy(update={"nodos": ["lab", "servidor"]}),
        values={"clave": Value(palabra=True)},
        files={"notas/{{clave}}.txt": "para {{usuario}}\n", "hola.sh": "echo hola\n"},
        preparation={"servidor": "echo {{clave}}"},
        hints=("Mira «{{clave}}»", "b", "c"),
        varies=True,
    )
    monkeypatch.setitem(catalog.course().exercises, KEY, varied)
    return varied


def test_files_are_planted_on_each_node_and_anew_at_reset(ana: Any, exercise: catalog.Exercise, lab: Any, sent: Any) -> None:
    sandbox = lifecycle.start(ana, exercise)
    work(sent)
    assert sandbox.attempt
    word = sandbox.attempt.values["clave"]
    planted = {"/home/alumno/hola.sh": (b"echo hola\n", 0o755), f"/home/alumno/notas/{word}.txt": (b"para ana\n", 0o644)}
    assert [lab.boxes[machine.name].planted for machine in sandbox.machines.all()] == [planted, planted]
    sandbox.refresh_from_db()
    again = lifecycle.reset(sandbox)
    work(sent)
    assert again.attempt
    assert again.attempt.values["clave"] != word
    assert f"/home/alumno/notas/{again.attempt.values['clave']}.txt" in lab.boxes[again.machines.all()[0].name].planted


def test_continuing_does_not_plant_again(ana: Any, exercise: catalog.Exercise, lab: Any, sent: Any) -> None:
    sandbox = lifecycle.start(ana, exercise)
    work(sent)
    sandbox.refresh_from_db()
    lifecycle.stop(sandbox, reason="")
    work(sent)
    sandbox.refresh_from_db()
    lab.calls.clear()
    lifecycle.resume(sandbox)
    work(sent)
    sandbox.refresh_from_db()
    assert sandbox.state == State.READY
    assert "put_files" not in {verb for verb, _ in lab.calls}


def test_a_preparation_that_fails_is_a_start_that_fails(
    ana: Any, exercise: catalog.Exercise, lab: Any, sent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = []

    def run(name: str, argv: list[str], **_: Any) -> ExecResult:
        scripts.append(argv[-1])
        return ExecResult(1 if argv[0] == "bash" else 0, b"no")

    monkeypatch.setattr(lab, "run", run)
    sandbox = lifecycle.start(ana, exercise)
    work(sent)
    sandbox.refresh_from_db()
    assert sandbox.state == State.FAILED
    assert sandbox.attempt
    assert f"echo {sandbox.attempt.values['clave']}" in scripts
    assert lab.boxes == {}


def test_a_preparation_never_runs_within_the_request(ana: Any, exercise: catalog.Exercise, lab: Any, sent: Any, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"pool_min": 2})
    pool.tend()
    assert lifecycle.start(ana, exercise).state == State.REQUESTED


def test_the_page_shows_the_attempts_values_and_a_start_brings_them_along(
    ana: Any, exercise: catalog.Exercise, lab: Any, sent: Any, client: Client
) -> None:
    client.force_login(ana)
    page = reverse("exercise", args=KEY.split("/"))
    before = client.get(page).content.decode()
    sandbox = lifecycle.start(ana, exercise)
    assert sandbox.attempt
    word = sandbox.attempt.values["clave"]
    assert f"La clave es «{word}»" in before
    answer = client.post(reverse("lab-act", args=[*KEY.split("/"), "reiniciar"]), headers={"HX-Request": "true"}).content.decode()
    assert "hx-swap-oob" in answer
    assert f"«{word}»" not in answer
    assert "«{{clave}}»" not in answer
    assert "hx-swap-oob" not in client.get(reverse("lab-panel", args=KEY.split("/"))).content.decode()


def test_hints_are_shown_one_by_one(ana: Any, exercise: catalog.Exercise, client: Client) -> None:
    client.force_login(ana)
    page, hint = reverse("exercise", args=KEY.split("/")), reverse("lab-hint", args=KEY.split("/"))
    assert "gratis" in client.get(page).content.decode()
    assert "Mira «" not in client.get(page).content.decode()
    shown = client.post(hint, {"number": "1"}, headers={"HX-Request": "true"}).content.decode()
    assert "Mira «" in shown
    assert "{{clave}}" not in shown
    assert "resta un punto" in shown
    client.post(hint, {"number": "3"})
    client.post(hint, {"number": "x"})
    assert client.get(page).content.decode().count('data-testid="hint"') == 1


def test_anonymous_readers_see_an_example(exercise: catalog.Exercise, client: Client) -> None:
    text = client.get(reverse("exercise", args=KEY.split("/"))).content.decode()
    assert "La clave es «" in text
    assert "{{" not in text
