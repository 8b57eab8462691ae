"""Where one is on the way: what comes next, what failed, streaks, what is left, and the diploma at the end."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from lessons import catalog, journey
from lessons.models import Attempt, CheckRun, Completion
from lessons.templatetags.study import ago, minutes

pytestmark = pytest.mark.django_db
COURSE = catalog.course()
KEYS = list(COURSE.exercises)
TODAY = date(2026, 11, 29)


def run(user: Any, key: str, *, passed: bool, days_ago: int = 0) -> CheckRun:
    attempt = Attempt.objects.create(user=user, exercise=key)
    status = "passed" if passed else "failed"
    results = [{"id": "a", "title": "Está la imagen", "status": status, "hint": "Mira «docker images»."}]
    when = timezone.now() - timedelta(days=days_ago)
    return CheckRun.objects.create(attempt=attempt, finished=when, passed=passed, results=results)


def done(user: Any, key: str) -> None:
    Completion.objects.create(user=user, exercise=key, points=COURSE.exercises[key].points)


def test_who_begins_begins_at_the_beginning(ana: Any) -> None:
    for user in (ana, AnonymousUser()):
        found = journey.journey_of(user, COURSE)
        assert found.next is COURSE.exercises[KEYS[0]]
        assert (found.resumed, found.count, found.earned, found.percent, found.streak) == (False, 0, 0, 0, 0)
        assert found.minutes_left == sum(lesson.minutes for lesson in COURSE.lessons)


def test_what_was_begun_is_resumed(ana: Any) -> None:
    run(ana, KEYS[1], passed=False)
    found = journey.journey_of(ana, COURSE)
    assert (found.next, found.resumed) == (COURSE.exercises[KEYS[1]], True)


def test_after_what_is_done_comes_the_next_and_then_what_was_left_out(ana: Any) -> None:
    for key in KEYS[1:]:
        run(ana, key, passed=True)
        done(ana, key)
    found = journey.journey_of(ana, COURSE)
    assert (found.next, found.resumed) == (COURSE.exercises[KEYS[0]], False)


def test_what_failed_is_told_until_it_passes(ana: Any, bruno: Any) -> None:
    run(ana, KEYS[0], passed=False, days_ago=2)
    run(ana, KEYS[1], passed=False)
    run(bruno, KEYS[2], passed=False)
    assert [item.exercise.key for item in journey.journey_of(ana, COURSE).failed] == [KEYS[1], KEYS[0]]
    run(ana, KEYS[0], passed=True)
    done(ana, KEYS[0])
    assert [item.exercise.key for item in journey.journey_of(ana, COURSE).failed] == [KEYS[1]]


@pytest.mark.parametrize(
    ("ago", "count"), [((), 0), ((0,), 1), ((1,), 1), ((0, 1, 2), 3), ((1, 2), 2), ((2, 3), 0), ((0, 2), 1), ((0, 0, 1), 2)]
)
def test_a_streak_is_days_in_a_row_up_to_today_or_yesterday(ago: tuple[int, ...], count: int) -> None:
    assert journey.streak([TODAY - timedelta(days=each) for each in ago], today=TODAY) == count


def test_a_day_counts_when_a_step_was_done(ana: Any) -> None:
    run(ana, KEYS[0], passed=False)
    assert journey.journey_of(ana, COURSE).streak == 0
    run(ana, KEYS[0], passed=True)
    assert journey.journey_of(ana, COURSE).streak == 1


def test_an_exercise_that_left_the_course_counts_for_nothing(ana: Any) -> None:
    Completion.objects.create(user=ana, exercise="docker-intensivo/x/y", points=99)
    run(ana, "docker-intensivo/x/y", passed=False)
    found = journey.journey_of(ana, COURSE)
    assert (found.count, found.earned, found.failed, found.next) == (0, 0, (), COURSE.exercises[KEYS[0]])


def test_pages_ask_the_database_little(client: Client, ana: Any, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for key in KEYS:
        run(ana, key, passed=False)
    client.force_login(ana)
    # Session, user, completions for the top of the page; the map adds completions and check runs.
    for url, most in (
        ("/curso/docker-intensivo/", 5),
        ("/curso/docker-intensivo/hello-world/", 3),
        ("/progreso/", 5),
        ("/glosario/", 3),
        ("/buscar/?q=a", 3),
    ):
        with django_assert_max_num_queries(most):
            assert client.get(url).status_code == 200


def test_the_map_shows_the_way(client: Client, ana: Any) -> None:
    assert 'data-testid="standing"' not in client.get("/curso/docker-intensivo/").content.decode()
    client.force_login(ana)
    run(ana, KEYS[1], passed=False)
    html = client.get("/curso/docker-intensivo/").content.decode()
    assert "Sigue donde lo dejaste" in html
    assert f'data-testid="resume" href="/curso/{KEYS[1]}/"' in html


def test_ones_progress_is_ones_own(client: Client, ana: Any) -> None:
    assert client.get("/progreso/")["Location"].startswith("/cuenta/login/")
    client.force_login(ana)
    assert "Aquí saldrá cada ejercicio" in client.get("/progreso/").content.decode()
    run(ana, KEYS[0], passed=False)
    done(ana, KEYS[1])
    html = client.get("/progreso/").content.decode()
    assert "Mira «docker images»." in html
    assert COURSE.exercises[KEYS[1]].title in html


def test_a_diploma_is_for_who_has_done_everything(client: Client, ana: Any) -> None:
    url = f"/diploma/{journey.diploma_code(ana, COURSE)}/"
    assert client.get(url).status_code == 404
    for key in KEYS:
        done(ana, key)
    html = client.get(url).content.decode()
    assert "ana" in html
    assert COURSE.title in html
    client.force_login(ana)
    # Its code says when it was asked for: another second, another code.
    shown = re.search(r"/diploma/[^\"]+", client.get("/progreso/").content.decode())
    assert shown
    assert client.get(shown[0]).status_code == 200


@pytest.mark.parametrize("code", ["x", "WzEsImRvY2tlci1pbnRlbnNpdm8iXQ:1x:abc"])
def test_a_diploma_cannot_be_made_up(client: Client, code: str) -> None:
    assert client.get(f"/diploma/{code}/").status_code == 404


@pytest.mark.parametrize(
    ("number", "said"), [(25, "25 min"), (90, "90 min"), (100, "1 hora y media"), (120, "2 horas"), (215, "3 horas y media")]
)
def test_times_are_said_as_people_do(number: int, said: str) -> None:
    assert minutes(number) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(5, "ahora mismo"), (61, "hace 1\xa0minuto"), (3 * 3600 + 900, "hace 3\xa0horas"), (2 * 86400 + 3600, "hace 2\xa0días")],
)
def test_how_long_ago_is_said_in_one_unit(seconds: int, said: str) -> None:
    assert ago(timezone.now() - timedelta(seconds=seconds)) == said
