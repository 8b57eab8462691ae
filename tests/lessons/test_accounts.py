"""Who may come in: registration by each policy, log-in, log-out, and passwords without mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as configured
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from lessons.accounts import SignupForm
from lessons.models import InvitationCode
from lessons.passwords import reset_link
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
SIGNUP, LOGIN, LOGOUT = "account_signup", "account_login", "account_logout"
FRESH = "medusa-verde-4"

Policy = Callable[[str], None]


@pytest.fixture
def policy(settings: Any) -> Policy:
    """Sets LAB_SIGNUP."""

    def choose(signup: str) -> None:
        settings.ENV = settings.ENV.model_copy(update={"signup": signup})

    return choose


def sign_up(client: Client, name: str, **more: str) -> Any:
    return client.post(reverse(SIGNUP), {"username": name, "password1": FRESH, "password2": FRESH, **more})


def log_in(client: Client, name: str, password: str) -> Any:
    return client.post(reverse(LOGIN), {"login": name, "password": password})


def who(client: Client) -> str | None:
    """The name of whoever the session belongs to."""
    pk = client.session.get("_auth_user_id")
    return get_user_model().objects.get(pk=pk).username if pk else None


def exists(name: str) -> bool:
    return get_user_model().objects.filter(username=name).exists()


def test_anybody_registers_when_it_is_open(client: Client, policy: Policy) -> None:
    policy("abierto")
    assert sign_up(client, "diana").status_code == 302
    assert who(client) == "diana"
    assert not get_user_model().objects.get(username="diana").is_staff


def test_open_registration_asks_for_no_code(client: Client, policy: Policy) -> None:
    policy("abierto")
    assert 'name="code"' not in client.get(reverse(SIGNUP)).content.decode()
    policy("codigo")
    assert 'name="code"' in client.get(reverse(SIGNUP)).content.decode()


def test_nobody_registers_when_it_is_closed(client: Client, policy: Policy) -> None:
    policy("cerrado")
    assert "El registro está cerrado" in client.get(reverse(SIGNUP)).content.decode()
    sign_up(client, "diana")
    assert not exists("diana")
    assert who(client) is None


@pytest.mark.parametrize("given", ["CURSO-2026", "  CURSO-2026  "])
def test_a_good_code_registers_and_is_counted(client: Client, policy: Policy, given: str) -> None:
    policy("codigo")
    InvitationCode.objects.create(code="OTRO", uses_left=5)
    InvitationCode.objects.create(code="CURSO-2026", uses_left=5, expires=timezone.now() + timedelta(hours=1))
    sign_up(client, "diana", code=given)
    assert who(client) == "diana"
    assert dict(InvitationCode.objects.values_list("code", "uses_left")) == {"CURSO-2026": 4, "OTRO": 5}


@pytest.mark.parametrize(
    ("code", "uses", "hours"),
    [("CURSO-2025", 5, 1), ("curso-2026", 5, 1), ("", 5, 1), ("CURSO-2026", 0, 1), ("CURSO-2026", 5, -1)],
    ids=["wrong", "another case", "missing", "used up", "expired"],
)
def test_a_bad_code_registers_nobody(client: Client, policy: Policy, code: str, uses: int, hours: int) -> None:
    policy("codigo")
    InvitationCode.objects.create(code="CURSO-2026", uses_left=uses, expires=timezone.now() + timedelta(hours=hours))
    answer = sign_up(client, "diana", code=code)
    assert answer.context["form"].errors["code"]
    assert not exists("diana")
    assert InvitationCode.objects.get().uses_left == uses


def test_a_code_serves_as_many_as_it_says(policy: Policy) -> None:
    policy("codigo")
    InvitationCode.objects.create(code="DOS", uses_left=2)
    for name in ("diana", "elena", "fatima"):
        sign_up(Client(), name, code="DOS")
    assert [exists(name) for name in ("diana", "elena", "fatima")] == [True, True, False]
    assert InvitationCode.objects.get().uses_left == 0


def test_a_registration_that_fails_spends_no_use(client: Client, policy: Policy, ana: Any) -> None:
    policy("codigo")
    InvitationCode.objects.create(code="UNO", uses_left=1)
    sign_up(client, "ana", code="UNO")
    sign_up(client, "diana", code="UNO", password2="otra-cosa-9")
    assert InvitationCode.objects.get().uses_left == 1


def test_a_code_that_another_spends_meanwhile_is_told(client: Client, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    policy("codigo")
    InvitationCode.objects.create(code="UNO", uses_left=1)
    clean = SignupForm.clean_code

    def spend_after(form: SignupForm) -> str:
        code = clean(form)
        InvitationCode.objects.update(uses_left=0)
        return code

    monkeypatch.setattr(SignupForm, "clean_code", spend_after)
    client.raise_request_exception = False
    answer = sign_up(client, "diana", code="UNO")
    assert not exists("diana")
    assert answer.status_code == 302
    assert "Ese código acaba de agotarse" in client.get(answer["Location"]).content.decode()


@pytest.mark.parametrize("name", configured.ACCOUNT_USERNAME_BLACKLIST)
def test_reserved_names_are_refused(client: Client, name: str) -> None:
    assert sign_up(client, name).context["form"].errors["username"]
    assert not exists(name)


@pytest.mark.parametrize(
    "name", ["a", "ana pérez", "josé", "9ana", "-ana", "ana_b", "ana.b", "ana@b", "ana/b", "a" * 31, "../x", "a\nb", "аna"]
)
def test_odd_names_are_refused(client: Client, name: str) -> None:
    assert sign_up(client, name).context["form"].errors["username"]
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize(("name", "taken"), [("al", "al"), ("ana-2", "ana-2"), ("a" * 30, "a" * 30), (" ana\n", "ana")])
def test_good_names_are_taken_as_they_are(client: Client, name: str, taken: str) -> None:
    sign_up(client, name)
    assert who(client) == taken


def test_a_name_is_one_persons_in_any_case(client: Client, ana: Any) -> None:
    for name in ("ana", "Ana", "ANA"):
        assert sign_up(client, name).context["form"].errors["username"]
    assert get_user_model().objects.count() == 1


@pytest.mark.parametrize("password", ["corta", "password123", "fernanda"])
def test_weak_passwords_are_refused(client: Client, password: str) -> None:
    assert sign_up(client, "fernanda", password1=password, password2=password).context["form"].errors
    assert not exists("fernanda")


def test_one_enters_with_name_and_password(client: Client, ana: Any) -> None:
    answer = log_in(client, "ana", PASSWORD)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert who(client) == "ana"


def test_one_goes_on_where_one_was(client: Client, ana: Any) -> None:
    answer = client.post(reverse(LOGIN), {"login": "ana", "password": PASSWORD, "next": "/curso/docker-intensivo/"})
    assert answer["Location"] == "/curso/docker-intensivo/"


def test_one_is_not_sent_to_another_site(client: Client, ana: Any) -> None:
    answer = client.post(reverse(LOGIN), {"login": "ana", "password": PASSWORD, "next": "https://malo.example/"})
    assert answer["Location"] == "/"


@pytest.mark.parametrize(("name", "password"), [("ana", "otra"), ("bruno", PASSWORD), ("ana", "")])
def test_a_wrong_name_or_password_does_not_enter(client: Client, ana: Any, name: str, password: str) -> None:
    assert log_in(client, name, password).context["form"].errors
    assert who(client) is None


def test_leaving_takes_a_press_of_a_button(client: Client, ana: Any) -> None:
    client.force_login(ana)
    client.get(reverse(LOGOUT))
    assert who(client) == "ana"
    assert client.post(reverse(LOGOUT)).status_code == 302
    assert who(client) is None


@pytest.mark.parametrize("page", [SIGNUP, LOGIN, LOGOUT])
def test_forms_want_the_pages_token(page: str, ana: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana)
    assert client.post(reverse(page), {}).status_code == 403


def follow_link(client: Client, user: Any, password: str) -> str:
    """Choose a password by a fresh link, as a browser would, and return the link's path."""
    path = urlsplit(reset_link(user)).path
    landing = client.get(path)
    assert landing.status_code == 302
    page = client.get(landing["Location"])
    assert 'name="password1"' in page.content.decode()
    assert client.post(landing["Location"], {"password1": password, "password2": password}).status_code == 302
    return path


def test_a_link_lets_one_choose_a_password(client: Client, ana: Any) -> None:
    assert reset_link(ana).startswith("http://testserver/cuenta/")
    follow_link(client, ana, FRESH)
    assert log_in(Client(), "ana", PASSWORD).status_code == 200, "the old one is no good"
    fresh = Client()
    log_in(fresh, "ana", FRESH)
    assert who(fresh) == "ana"


def test_a_link_is_good_once(ana: Any) -> None:
    path = follow_link(Client(), ana, FRESH)
    again = Client().get(path)
    assert again.status_code == 200
    assert 'name="password1"' not in again.content.decode()


def test_a_link_dies_when_the_password_changes(client: Client, ana: Any) -> None:
    path = urlsplit(reset_link(ana)).path
    ana.set_password(FRESH)
    ana.save()
    assert client.get(path).status_code == 200


def test_a_link_is_one_persons(client: Client, ana: Any, bruno: Any) -> None:
    path = urlsplit(reset_link(ana)).path
    token = path.rstrip("/").rpartition("-")[2]
    forged = urlsplit(reset_link(bruno)).path.rstrip("/").rpartition("-")[0] + f"-{token}/"
    assert client.get(forged).status_code == 200
    assert client.get(path).status_code == 302


def test_choosing_a_password_closes_the_other_sessions(client: Client, ana: Any) -> None:
    client.force_login(ana)
    follow_link(Client(), ana, FRESH)
    assert client.get("/curso/docker-intensivo/").context["user"].is_anonymous


def test_without_mail_one_is_told_whom_to_ask(client: Client) -> None:
    assert "no envía correo" in client.get(reverse("account_reset_password")).content.decode()


def test_who_fails_too_often_or_forgets_the_present_password_is_told_plainly(client: Client, ana: Any) -> None:
    for _ in range(6):
        answer = log_in(client, "ana", "otra-cosa")
    assert "Has fallado demasiadas veces." in answer.content.decode()
    client.force_login(ana)
    given = {"oldpassword": "otra-cosa", "password1": "larga-clave-9x", "password2": "larga-clave-9x"}
    answer = client.post(reverse("account_change_password"), given)
    assert "Esa no es tu contraseña de ahora." in answer.content.decode()
