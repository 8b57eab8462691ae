"""The exercise's page and its buttons, on the fake engine."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from lessons.models import Attempt, CheckRun
from sandboxes import lifecycle
from sandboxes.models import Recording, Sandbox, State
from tests.conftest import work

pytestmark = pytest.mark.django_db
PAGE = "/curso/docker-intensivo/hello-world/hello-world/"
OTHER = "/curso/docker-intensivo/capas-de-imagen/una-capa-menos/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def as_ana(client: Client, ana: Any) -> Client:
    client.force_login(ana)
    return client


def press(client: Client, button: str, page: str = PAGE, **form: str) -> str:
    return client.post(f"{page}{button}/", form, headers=HTMX).content.decode()


def test_page_offers_to_start(as_ana: Client) -> None:
    page = as_ana.get(PAGE).content.decode()
    assert 'data-testid="lab-state" data-state="none"' in page
    assert 'data-testid="start-lab"' in page


def test_start_goes_through_the_states_to_ready(as_ana: Client, lab: Any, sent: Any) -> None:
    assert 'data-state="requested"' in press(as_ana, "iniciar")
    work(sent)
    panel = as_ana.get(f"{PAGE}panel/").content.decode()
    assert 'data-state="ready"' in panel
    assert f'data-sandbox="{Sandbox.objects.get().pk}"' in panel
    assert 'data-testid="stop-lab"' in panel


def test_stop_offers_to_continue_or_to_start_over(as_ana: Client, lab: Any, sent: Any) -> None:
    press(as_ana, "iniciar")
    work(sent)
    panel = press(as_ana, "terminar")
    assert 'data-state="removed"' in panel
    assert "Lo terminaste tú." in panel
    assert 'data-testid="resume-lab"' in panel
    assert 'data-testid="start-lab"' in panel


@pytest.mark.parametrize(
    ("state", "named"), [("expired", "Caducó"), ("lost", "Se detuvo"), ("removed", "Terminado"), ("failed", "No arrancó")]
)
def test_an_end_is_called_what_it_was_and_can_be_continued(state: str, named: str, as_ana: Client, lab: Any, sent: Any) -> None:
    press(as_ana, "iniciar")
    work(sent)
    lifecycle.stop(Sandbox.objects.get(), state=State(state), reason="Por esto.")
    panel = as_ana.get(f"{PAGE}panel/").content.decode()
    told = re.search(r'data-testid="lab-state" data-state="(\w+)".*?</span>\s*(.*?)\s*</p>', panel, re.DOTALL)
    assert told
    assert told.groups() == (state, named)
    assert "Por esto." in panel
    assert 'data-testid="resume-lab"' in panel


def test_reset_can_be_undone(as_ana: Client, lab: Any, sent: Any) -> None:
    press(as_ana, "iniciar")
    work(sent)
    first = Sandbox.objects.get()
    press(as_ana, "reiniciar")
    work(sent)
    assert 'data-testid="undo-reset"' in as_ana.get(f"{PAGE}panel/").content.decode()
    press(as_ana, "deshacer")
    work(sent)
    first.refresh_from_db()
    assert first.state == State.READY
    panel = press(as_ana, "terminar")
    assert "Lo terminaste tú." in panel
    assert "Volviste al laboratorio anterior." not in panel, "that is of the other one, which came later and ended before"


def test_another_exercise_offers_to_swap(as_ana: Client, lab: Any, sent: Any) -> None:
    press(as_ana, "iniciar")
    work(sent)
    panel = press(as_ana, "iniciar", OTHER)
    assert "Ya tienes un laboratorio en marcha" in panel
    assert 'data-testid="swap-lab"' in panel
    press(as_ana, "iniciar", OTHER, swap="1")
    work(sent)
    assert Sandbox.objects.get(state=State.READY).exercise.endswith("una-capa-menos")


def test_who_has_passed_goes_on_to_the_next_exercise_without_being_asked(as_ana: Client, lab: Any, sent: Any) -> None:
    press(as_ana, "iniciar")
    work(sent)
    done = Sandbox.objects.get()
    CheckRun.objects.create(attempt=done.attempt, finished=timezone.now(), passed=True)
    press(as_ana, "iniciar", OTHER)
    work(sent)
    assert Sandbox.objects.get(state=State.READY).exercise.endswith("una-capa-menos")
    done.refresh_from_db()
    assert done.resumable
    CheckRun.objects.create(attempt=done.attempt, finished=timezone.now(), passed=False)
    press(as_ana, "iniciar", PAGE, swap="1")
    work(sent)
    assert "Ya tienes un laboratorio en marcha" in press(as_ana, "iniciar", OTHER), "what was passed before was in another attempt"


def test_without_scripts_a_button_leads_back_to_the_page(as_ana: Client, lab: Any, sent: Any) -> None:
    answer = as_ana.post(f"{PAGE}iniciar/")
    assert (answer.status_code, answer["Location"]) == (302, PAGE)


def test_starts_are_rate_limited(as_ana: Client, lab: Any, sent: Any, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"rate_start": "1/hour"})
    press(as_ana, "iniciar")
    press(as_ana, "terminar")
    assert "muchos laboratorios en poco tiempo" in press(as_ana, "iniciar")


def test_one_check_runs_at_a_time_and_none_without_a_lab(as_ana: Client, lab: Any, sent: Any) -> None:
    assert 'data-status="none"' in press(as_ana, "comprobar")
    press(as_ana, "iniciar")
    work(sent)
    assert 'data-status="running"' in press(as_ana, "comprobar")
    press(as_ana, "comprobar")
    assert CheckRun.objects.count() == 1


def test_a_press_that_comes_twice_is_one_and_another_is_another(as_ana: Client, lab: Any, sent: Any) -> None:
    press(as_ana, "iniciar")
    work(sent)
    drawn = re.findall(r'name="press" value="(\w+)"', as_ana.get(f"{PAGE}resultado/").content.decode())
    assert len(drawn) == 1
    assert 'data-status="running"' in press(as_ana, "comprobar", press=drawn[0])
    work(sent)
    late = press(as_ana, "comprobar", press=drawn[0])  # the run of the first is over by then
    assert 'data-status="running"' not in late
    assert CheckRun.objects.count() == 1
    drawn_again = re.findall(r'name="press" value="(\w+)"', late)
    assert drawn_again != drawn
    assert 'data-status="running"' in press(as_ana, "comprobar", press=drawn_again[0])
    assert CheckRun.objects.count() == 2


def test_unreachable_engine_is_said_and_never_passes(as_ana: Client, lab: Any, sent: Any) -> None:
    press(as_ana, "iniciar")
    work(sent)
    press(as_ana, "comprobar")
    work(sent)
    page = as_ana.get(f"{PAGE}resultado/").content.decode()
    assert "No se pudo comprobar" in page
    assert 'data-status="passed"' not in page


@pytest.mark.parametrize("path", ["iniciar/", "comprobar/", "terminar/"])
def test_buttons_need_a_session_and_a_post(client: Client, ana: Any, path: str) -> None:
    assert client.post(PAGE + path).status_code == 302
    client.force_login(ana)
    assert client.get(PAGE + path).status_code == 405


@pytest.mark.parametrize("path", ["nada/", "../nada/"])
def test_unknown_buttons_and_exercises_are_not_found(as_ana: Client, path: str) -> None:
    assert as_ana.post(PAGE + path).status_code == 404


def test_buttons_refuse_forged_requests(ana: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana)
    assert client.post(f"{PAGE}iniciar/").status_code == 403


def test_a_page_that_shows_all_there_is_gets_nothing_until_there_is_more(as_ana: Client, lab: Any, sent: Any) -> None:
    press(as_ana, "iniciar")
    work(sent)
    fragment = press(as_ana, "comprobar")
    assert "resultado/?tiene=0" in fragment
    assert 'hx-trigger="every 400ms"' in fragment
    url = f"{PAGE}resultado/?tiene=0"
    assert as_ana.get(url).status_code == 204
    assert as_ana.get(f"{PAGE}resultado/?tiene=x").status_code == 200
    CheckRun.objects.update(results=[{"id": "imagen", "title": "x", "status": "passed", "worth": 1, "points": 1}])
    assert "?tiene=1" in as_ana.get(url).content.decode()
    work(sent)
    assert 'data-status="running"' not in as_ana.get(url).content.decode()


def test_pages_ask_less_often_when_many_are_being_checked(as_ana: Client, lab: Any, sent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandboxes.views.progress.under_way", lambda: 40)
    press(as_ana, "iniciar")
    work(sent)
    assert 'hx-trigger="every 6000ms"' in press(as_ana, "comprobar")


def test_the_exercises_page_asks_the_database_little(as_ana: Client, lab: Any, sent: Any, django_assert_max_num_queries: Any) -> None:
    press(as_ana, "iniciar")
    work(sent)
    as_ana.get(PAGE)
    for url, most in ((PAGE, 26), (f"{PAGE}panel/", 16), (f"{PAGE}resultado/", 8)):
        with django_assert_max_num_queries(most):
            assert as_ana.get(url).status_code == 200


def test_a_notice_stays_until_it_has_been_read(as_ana: Client, lab: Any, sent: Any) -> None:
    press(as_ana, "iniciar")
    work(sent)
    Sandbox.objects.update(notice="Tu laboratorio ha llenado su disco.")
    assert "ha llenado su disco" in press(as_ana, "prolongar")
    assert "ha llenado su disco" in as_ana.get(f"{PAGE}panel/").content.decode()
    assert "ha llenado su disco" not in press(as_ana, "entendido")


def test_who_waits_for_room_asks_less_often(as_ana: Client, lab: Any, sent: Any, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"sandboxes_max": 0})
    assert 'hx-trigger="every 2s"' in press(as_ana, "iniciar")
    settings.ENV = settings.ENV.model_copy(update={"sandboxes_max": 1})
    assert 'hx-trigger="every 400ms"' in as_ana.get(f"{PAGE}panel/").content.decode()


def test_a_fault_leads_to_the_command_that_caused_it_and_a_wrong_answer_to_none(as_ana: Client, ana: Any) -> None:
    key = "docker-intensivo/virtualizacion/un-solo-nucleo"
    attempt = Attempt.objects.create(user=ana, exercise=key)
    sandbox = Sandbox.objects.create(user=ana, exercise=key, attempt=attempt, state=State.REMOVED)
    Recording.objects.create(sandbox=sandbox, node="lab", shell="principal", started=timezone.now())  # noqa: S604  # a terminal's name
    results = [{"id": name, "title": name, "status": "failed", "worth": 1, "expected": "", "observed": ""} for name in ("dentro", "porque")]
    run = CheckRun.objects.create(attempt=attempt, finished=timezone.now(), passed=False, results=results)
    page = as_ana.get("/curso/docker-intensivo/virtualizacion/un-solo-nucleo/").content.decode()
    assert f"{run.pk}/dentro/" in page
    assert page.count('data-testid="cause"') == 1
