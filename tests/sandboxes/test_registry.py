"""The class registry's permissions: tokens, passwords, the listener and the page."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from django.urls import reverse

from host import certificate
from lessons.accounts import username_validators
from sandboxes.registry import credentials, tokens
from sandboxes.registry.tokens import Access

PULL, BOTH = frozenset({"pull"}), frozenset({"pull", "push"})


@pytest.mark.parametrize(
    ("username", "repository", "staff", "actions"),
    [
        ("ana", "ana/web", False, BOTH),
        ("ana", "ana/a/b", False, BOTH),
        ("ana", "bruno/web", False, frozenset()),
        ("ana", "ana", False, frozenset()),
        ("ana", "ana/", False, frozenset()),
        ("ana", "ana-b/web", False, frozenset()),
        ("ana", "library/busybox", False, frozenset()),
        ("library", "library/busybox", False, frozenset()),
        ("espejo", "espejo/x", True, frozenset()),
        ("ana", "curso/contador", False, PULL),
        ("curso", "curso/contador", False, PULL),
        ("carmen", "curso/contador", True, BOTH),
        ("carmen", "ana/web", True, frozenset()),
    ],
)
def test_what_each_may_do(username: str, repository: str, staff: bool, actions: frozenset[str]) -> None:
    assert tokens.allowed(username, repository, staff=staff) == actions


def test_reserved_names_are_those_that_signup_refuses(settings: Any) -> None:
    assert set(settings.ACCOUNT_USERNAME_BLACKLIST) == tokens.RESERVED


@pytest.mark.parametrize("name", ["Ana", "ana/x", "ana:x", "ana b", "-ana", "ana.x", "ana-"])
def test_user_names_are_names_of_repositories(name: str) -> None:
    with pytest.raises(Exception, match="letras"):
        username_validators[0](name)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["repository:ana/web:pull,push"], [Access("repository", "ana/web", BOTH)]),
        (["repository:a/b:pull repository:c/d:pull"], [Access("repository", "a/b", PULL), Access("repository", "c/d", PULL)]),
        (["", "repository", "repository:ana/web", "a:b:c:d", "::"], []),
    ],
)
def test_scopes_are_read_and_odd_ones_grant_nothing(values: list[str], found: list[Access]) -> None:
    assert tokens.parse_scopes(values) == found


def test_grants_only_what_was_asked_of_repositories() -> None:
    asked = [Access("repository", "ana/web", frozenset({"pull", "delete", "*"})), Access("registry", "catalog", frozenset({"*"}))]
    assert tokens.grant("ana", asked, staff=False) == [Access("repository", "ana/web", PULL)]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    certificate.issue(["fichas.registro.lab"], tmp_path, authority=tmp_path / "ca")
    (tmp_path / "server.key").rename(tmp_path / "token.key")
    (tmp_path / "server.crt").rename(tmp_path / "token.crt")
    return tmp_path


def test_token_is_signed_lasts_five_minutes_and_brings_its_certificate(keys: Path) -> None:
    leaf = (keys / "token.crt").read_bytes()
    token = tokens.sign("ana", [Access("repository", "ana/web", BOTH)], key=(keys / "token.key").read_bytes(), certificate=leaf)
    public: Any = x509.load_pem_x509_certificate(leaf).public_key()
    claims = jwt.decode(token, public, algorithms=["ES256"], audience="registro.lab", issuer="docker-intensivo")
    assert claims["access"] == [{"type": "repository", "name": "ana/web", "actions": ["pull", "push"]}]
    assert claims["exp"] - claims["iat"] == 300
    chain = jwt.get_unverified_header(token)["x5c"]
    assert [x509.load_der_x509_certificate(base64.b64decode(each)).public_key() for each in chain] == [public]


def test_password_is_the_same_until_renewed_and_of_one_person(ana: Any, bruno: Any) -> None:
    first = credentials.password(ana)
    assert credentials.password(ana) == first != credentials.password(bruno)
    assert credentials.find_user("ana", first) == ana
    assert credentials.find_user("bruno", first) is None
    credentials.renew(ana)
    assert credentials.find_user("ana", first) is None
    assert credentials.find_user("ana", credentials.password(ana)) == ana


def test_password_ends_with_the_account(ana: Any) -> None:
    password = credentials.password(ana)
    ana.is_active = False
    ana.save()
    assert credentials.find_user("ana", password) is None


def test_somebody_without_a_registry_password_or_an_account_does_not_get_in(ana: Any) -> None:
    assert credentials.find_user("ana", "") is None
    assert credentials.find_user("nadie", "x") is None


@pytest.fixture
def listener(keys: Path, settings: Any) -> Iterator[Any]:
    from sandboxes.registry import app

    former = settings.ENV.registry_keys
    settings.ENV.registry_keys = str(keys)
    app._signing_pair.cache_clear()
    yield app
    settings.ENV.registry_keys = former
    app._signing_pair.cache_clear()


def basic(user: str, password: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", b"Basic " + base64.b64encode(f"{user}:{password}".encode()))]


def test_listener_gives_a_token_for_the_right_password(listener: Any, ana: Any) -> None:
    query = "service=registro.lab&scope=repository:ana/web:push,pull&scope=repository:bruno/web:push"
    status, body = listener.answer(query, basic("ana", credentials.password(ana)))
    assert (status, body["expires_in"]) == (200, 300)
    claims = jwt.decode(body["token"], options={"verify_signature": False})
    assert (claims["sub"], [each["name"] for each in claims["access"]]) == ("ana", ["ana/web"])


@pytest.mark.parametrize(
    "headers",
    [[], basic("ana", "otra"), [(b"authorization", b"Basic !!")], [(b"authorization", b"Bearer x")], [(b"authorization", b"Basic /w==")]],
    ids=["none", "wrong", "no base64", "bearer", "no text"],
)
def test_listener_refuses_anybody_else(listener: Any, ana: Any, headers: list[tuple[bytes, bytes]]) -> None:
    credentials.password(ana)
    assert listener.answer("service=registro.lab", headers)[0] == 401


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/", 404), ("GET", "/admin/", 404), ("POST", "/fichas", 405)])
async def test_listener_serves_nothing_else(listener: Any, method: str, path: str, status: int) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
    await listener.application(scope, None, send)
    assert sent[0]["status"] == status


def test_page_shows_the_credentials_and_renews_them(client: Any, ana: Any) -> None:
    url = reverse("registry")
    assert client.get(url).status_code == 302
    client.force_login(ana)
    before = credentials.password(ana)
    page = client.get(url)
    assert before in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    client.post(url)
    assert credentials.password(ana) != before
