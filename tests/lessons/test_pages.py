"""The course's pages, as the server sends them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from lessons import catalog
from lessons.models import Completion

pytestmark = pytest.mark.django_db
COURSE = catalog.course()
INDEX = f"/curso/{COURSE.slug}/"
EXERCISE = COURSE.exercises["docker-intensivo/hello-world/hello-world"]
EXERCISE_URL = f"/curso/{EXERCISE.key}/"
WRITTEN = [lesson for lesson in COURSE.lessons if lesson.written]


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_home_goes_to_the_course(client: Client) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer["Location"]) == (302, INDEX)


def test_the_course_shows_its_21_lessons_in_order(client: Client) -> None:
    html = page(client, INDEX)
    shown = re.findall(r'data-testid="lesson" data-lesson="([^"]+)"', html)
    assert shown == [lesson.slug for lesson in COURSE.lessons]
    assert len(shown) == 21


def test_unwritten_lessons_are_being_prepared_and_lead_nowhere(client: Client) -> None:
    html = page(client, INDEX)
    assert html.count("en preparación") == 21 - len(WRITTEN)
    for lesson in COURSE.lessons:
        assert (f'href="{INDEX}{lesson.slug}/"' in html) == lesson.written


def test_the_course_leads_to_every_exercise(client: Client) -> None:
    html = page(client, INDEX)
    assert all(f'href="/curso/{key}/"' in html for key in COURSE.exercises)


def test_what_one_completed_is_marked(client: Client, ana: Any, bruno: Any) -> None:
    Completion.objects.create(user=ana, exercise=EXERCISE.key, points=1)
    client.force_login(ana)
    html = page(client, INDEX)
    assert html.count("✓") == 1
    assert f'data-completed="1" data-total="{len(COURSE.exercises)}"' in html
    client.force_login(bruno)
    assert "✓" not in page(client, INDEX)


@pytest.mark.parametrize("lesson", WRITTEN, ids=lambda lesson: lesson.slug)
def test_a_lesson_shows_its_text_and_exercises(client: Client, lesson: catalog.Lesson) -> None:
    html = page(client, f"{INDEX}{lesson.slug}/")
    assert f"<h1>{lesson.title}</h1>" in html
    assert "<h2" in html
    assert all(f'href="/curso/{exercise.key}/"' in html for exercise in lesson.exercises)


def test_a_lesson_leads_to_its_neighbours(client: Client) -> None:
    first, second, *_, last = COURSE.lessons
    link = f'href="{INDEX}{{}}/"'
    assert 'class="next"' in page(client, f"{INDEX}{first.slug}/")
    assert 'class="next"' not in page(client, f"{INDEX}{last.slug}/")
    assert link.format(first.slug) in page(client, f"{INDEX}{second.slug}/")
    assert "←" not in page(client, f"{INDEX}{first.slug}/")


def test_an_unwritten_lesson_says_so(client: Client) -> None:
    unwritten = next(lesson for lesson in COURSE.lessons if not lesson.written)
    assert "en preparación" in page(client, f"{INDEX}{unwritten.slug}/")


@pytest.mark.parametrize(
    "url", ["/curso/otro/", "/curso/otro/hello-world/", f"{INDEX}no-existe/", f"{INDEX}hello-world/no-existe/", "/no-existe"]
)
def test_what_does_not_exist_is_not_found(client: Client, url: str) -> None:
    assert client.get(url).status_code == 404


PAGES = ["/curso/docker-intensivo/", f"{INDEX}hello-world/", EXERCISE_URL, "/cuenta/login/", "/cuenta/signup/", "/cuenta/password/reset/"]


def policy_of(answer: Any) -> dict[str, list[str]]:
    header = answer["Content-Security-Policy"]
    return {words[0]: words[1:] for words in (part.split() for part in header.split(";")) if words}


@pytest.mark.parametrize("url", [*PAGES, "/", "/no-existe"])
def test_every_page_has_a_strict_policy(client: Client, url: str) -> None:
    answer = client.get(url)
    assert "unsafe" not in answer["Content-Security-Policy"]
    policy = policy_of(answer)
    assert policy["default-src"] == ["'self'"]
    assert set(policy["script-src"]) <= {"'self'"} or policy["script-src"][1].startswith("'nonce-")
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    assert "*" not in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("url", PAGES)
@pytest.mark.parametrize("logged_in", [False, True], ids=["anonymous", "ana"])
def test_pages_keep_to_their_policy(client: Client, ana: Any, url: str, logged_in: bool) -> None:
    """No inline style, handler or script without the answer's own nonce."""
    if logged_in:
        client.force_login(ana)
    answer = client.get(url, follow=True)
    html = answer.content.decode()
    nonces = [word[7:-1] for word in policy_of(answer)["script-src"] if word.startswith("'nonce-")]
    assert not re.findall(r"<[a-z][^>]*\s(?:style|on[a-z]+)=", html)
    assert not re.findall(r"<style", html)
    for tag in re.findall(r"<script[^>]*>", html):
        assert "src=" in tag or any(nonce in tag for nonce in nonces)


def test_a_nonce_is_used_once(client: Client, ana: Any) -> None:
    client.force_login(ana)
    first, second = (policy_of(client.get(EXERCISE_URL))["script-src"] for _ in range(2))
    assert first != second


def test_without_an_account_an_exercise_offers_one(client: Client) -> None:
    html = page(client, EXERCISE_URL)
    assert f'href="/cuenta/login/?next={EXERCISE_URL}"' in html
    assert f'href="/cuenta/signup/?next={EXERCISE_URL}"' in html
    assert 'data-testid="terminal"' not in html
    assert 'data-testid="check"' not in html
    assert all(check.titulo in html for check in EXERCISE.checks)


def test_with_an_account_an_exercise_offers_a_lab(client: Client, ana: Any, lab: Any) -> None:
    client.force_login(ana)
    html = page(client, EXERCISE_URL)
    assert 'data-testid="start-lab"' in html
    assert 'data-testid="check"' in html
    assert "/cuenta/login/" not in html


@pytest.mark.parametrize("url", PAGES)
def test_pages_are_in_spanish(client: Client, url: str) -> None:
    html = page(client, url)
    assert '<html lang="es">' in html
    assert re.search(r"<title>\s*\S", html)


@pytest.mark.parametrize("url", [url for url in PAGES if "hello-world/" not in url or url == EXERCISE_URL])
def test_pages_have_one_title(client: Client, url: str) -> None:
    assert page(client, url).count("<h1") == 1


@pytest.mark.parametrize("lesson", WRITTEN, ids=lambda lesson: lesson.slug)
def test_lessons_have_one_title(client: Client, lesson: catalog.Lesson) -> None:
    assert page(client, f"{INDEX}{lesson.slug}/").count("<h1") == 1


@pytest.mark.parametrize(("person", "status"), [("ana", 302), ("carmen", 200), ("olga", 200)])
def test_only_staff_sees_the_administration(client: Client, request: pytest.FixtureRequest, person: str, status: int) -> None:
    client.force_login(request.getfixturevalue(person))
    assert client.get("/admin/").status_code == status


def test_an_administrator_hands_over_a_link_to_change_a_password(client: Client, ana: Any, olga: Any) -> None:
    client.force_login(olga)
    answer = client.post("/admin/auth/user/", {"action": "make_reset_link", "_selected_action": [ana.pk]}, follow=True)
    said = [str(message) for message in answer.context["messages"]]
    assert re.fullmatch(r"ana: http://testserver/cuenta/password/reset/key/\S+/", said[0])
