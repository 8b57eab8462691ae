"""Questions on the exercise's page: shuffled, judged on the server, the right answer kept there."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from lessons import catalog, kinds, progress
from lessons.models import Attempt, CheckRun, Completion, QuizAnswer
from sandboxes import grading, lifecycle
from sandboxes.questions import questions
from tests.conftest import work

pytestmark = pytest.mark.django_db
KEY = "docker-intensivo/hello-world/hello-world"
PARTS = KEY.split("/")
HTMX = {"HX-Request": "true"}
ASKED: list[dict[str, Any]] = [
    {"id": "una", "clase": "una", "opciones": ["roble", "pino", "haya"], "respuesta": "pino", "explicacion": "El secreto uno."},
    {
        "id": "varias",
        "clase": "varias",
        "opciones": ["sal", "mar", "pan"],
        "respuesta": ["sal", "mar"],
        "puntos": 4,
        "explicacion": "Secreto.",
    },
    {"id": "orden", "clase": "orden", "opciones": ["alba", "tarde", "noche"], "explicacion": "Secreto."},
    {"id": "numero", "clase": "numero", "respuesta": 90210, "explicacion": "Secreto."},
    {"id": "texto", "clase": "texto", "respuesta": "quintaesencia", "explicacion": "Secreto."},
]


@pytest.fixture
def exercise(monkeypatch: pytest.MonkeyPatch) -> catalog.Exercise:
    """An exercise that only asks."""
    raws = tuple({"tipo": "quiz", "titulo": f"La {raw['id']}", "pregunta": "¿Cuál?", **raw} for raw in ASKED)
    asking = replace(
        catalog.course().exercises[KEY], checks=tuple(kinds.parse(raw) for raw in raws), raw_checks=raws, solutions=(), mistakes=()
    )
    monkeypatch.setitem(catalog.course().exercises, KEY, asking)
    return asking


@pytest.fixture
def page(ana: Any, client: Client, exercise: catalog.Exercise) -> Client:
    client.force_login(ana)
    return client


def text(client: Client) -> str:
    return client.get(reverse("exercise", args=PARTS)).content.decode()


def token(html: str, option: str) -> str:
    found = re.search(rf'(?:value="|name="puesto-)([0-9a-f]{{16}})"[^<]*?>(?:(?!</label>).)*?<span>{option}</span>', html, re.DOTALL)
    assert found, option
    return found[1]


def answer(client: Client, id_: str, data: dict[str, Any]) -> str:
    return client.post(reverse("lab-answer", args=[*PARTS, id_]), data, headers=HTMX).content.decode()


def test_the_page_holds_no_right_answer_before(page: Client) -> None:
    html = text(page)
    assert html.count('data-testid="question"') == 5
    assert "ecreto" not in html
    assert "90210" not in html
    assert "quintaesencia" not in html


def test_answers_are_judged_at_once_and_explained(page: Client) -> None:
    html = text(page)
    wrong = answer(page, "una", {"respuesta": token(html, "roble")})
    assert 'data-status="failed"' in wrong
    assert "El secreto" not in wrong
    right = answer(page, "una", {"respuesta": token(html, "pino")})
    assert 'data-status="passed"' in right
    assert "El secreto uno." in right
    assert "✓ Correcto" in answer(page, "numero", {"respuesta": "90210"})
    assert QuizAnswer.objects.get(check_id="una").tries == 2


def test_the_explanation_comes_after_three_wrong_answers_too(page: Client) -> None:
    for number in range(3):
        assert "Secreto" not in text(page)
        shown = answer(page, "texto", {"respuesta": f"no {number}"})
    assert "Secreto" in shown


def test_what_is_no_answer_is_not_kept(page: Client) -> None:
    html = text(page)
    same = {f"puesto-{token(html, option)}": "1" for option in ("alba", "tarde", "noche")}
    assert "puesto distinto" in answer(page, "orden", same)
    for data in ({}, {"respuesta": "zzz"}, {"respuesta": " \x00 "}):
        assert "Elige o escribe" in answer(page, "una", data)
    assert not QuizAnswer.objects.exists()
    assert page.post(reverse("lab-answer", args=[*PARTS, "nada"]), {}).status_code == 404


def test_answering_everything_right_passes_without_a_lab(page: Client) -> None:
    html = text(page)
    answer(page, "una", {"respuesta": token(html, "pino")})
    answer(page, "varias", {"respuesta": [token(html, "sal"), token(html, "mar")]})
    answer(page, "orden", {f"puesto-{token(html, option)}": str(n) for n, option in enumerate(("alba", "tarde", "noche"), 1)})
    answer(page, "numero", {"respuesta": "90210"})
    last = answer(page, "texto", {"respuesta": "Quintaesencia"})
    assert 'data-testid="passed"' in last
    assert Completion.objects.get().points == 8
    assert Attempt.objects.count() == 1


def test_partly_right_answers_give_part_of_the_points(page: Client) -> None:
    html = text(page)
    answer(page, "varias", {"respuesta": token(html, "sal")})
    for _ in range(2):  # a double click
        page.post(reverse("lab-check", args=PARTS), {"press": "uno"}, headers=HTMX)
    assert CheckRun.objects.get().points == 2
    assert "Llevas 2 de 8 puntos" in text(page)


def test_answers_stay_when_the_lab_starts_and_go_with_a_reset(
    page: Client, ana: Any, exercise: catalog.Exercise, lab: Any, sent: Any
) -> None:
    answer(page, "numero", {"respuesta": "90210"})
    sandbox = lifecycle.start(ana, exercise)
    work(sent)
    assert set(progress.answers_of(sandbox.attempt)) == {"numero"}
    sandbox.refresh_from_db()
    assert progress.answers_of(lifecycle.reset(sandbox).attempt) == {}


def test_options_come_in_another_order_for_others(exercise: catalog.Exercise) -> None:
    orders = {tuple(option.text for option in questions(exercise, {}, seed=str(seed))[2].options) for seed in range(40)}
    assert len(orders) == 6


def test_an_answer_from_the_engine_waits_for_it(page: Client, ana: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    raws = (
        {"id": "pid", "tipo": "command", "titulo": "p", "orden": "x", "guarda": "pid"},
        {"id": "q", "tipo": "quiz", "titulo": "q", "pregunta": "¿PID?", "clase": "numero", "respuesta": "{{pid}}", "explicacion": "e"},
    )
    found = replace(catalog.course().exercises[KEY], checks=tuple(kinds.parse(raw) for raw in raws), raw_checks=raws)
    monkeypatch.setitem(catalog.course().exercises, KEY, found)
    assert "Se mira en tu motor" in answer(page, "q", {"respuesta": "77"})
    assert not grading.only_asks(found)
    answers = progress.answers_of(Attempt.objects.get())
    kind: Any = kinds.get("command")
    monkeypatch.setattr(type(kind), "observe", lambda *_: type(kind).evidence(code=0, output="77\n"))
    seen: list[int] = []
    verdicts, _evidence = grading.grade(
        found.checks, lambda _node: None, answer=lambda spec: answers.get(spec.id), tell=lambda known: seen.append(len(known))
    )
    assert [verdict.status for _, verdict in verdicts] == ["passed", "passed"]
    assert seen == [1]
