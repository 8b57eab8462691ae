"""SQLite and PostgreSQL: told apart by their URL; what is asked of them means the same on both."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from labsite.databases import configure, with_password
from lessons.matching import like
from lessons.models import Attempt, CheckRun
from tests.settings import POSTGRES

KEY = "docker-intensivo/hello-world/hello-world"


@pytest.mark.parametrize(
    ("url", "password", "told"),
    [
        ("postgres://lab@db/lab", "a/b@c", "postgres://lab:a%2Fb%40c@db/lab"),
        ("postgres://lab:suya@db/lab", "otra", "postgres://lab:suya@db/lab"),
        ("postgres://lab@db/lab", "", "postgres://lab@db/lab"),
        ("redis://redis:6379/0", "x", "redis://:x@redis:6379/0"),
        ("unix:///run/redis.sock", "x", "unix:///run/redis.sock"),
        ("sqlite:///lab.sqlite3", "x", "sqlite:///lab.sqlite3"),
    ],
)
def test_a_password_goes_where_a_url_has_none(url: str, password: str, told: str) -> None:
    assert with_password(url, password) == told


def test_each_has_its_own_settings() -> None:
    postgres = configure("postgres://lab:a%2Fb@db:5433/aula")
    assert (postgres["HOST"], postgres["PORT"], postgres["NAME"], postgres["PASSWORD"]) == ("db", 5433, "aula", "a/b")
    assert (postgres["CONN_MAX_AGE"], postgres["OPTIONS"]["pool"]["max_size"]) == (0, 8)
    assert postgres["CONN_HEALTH_CHECKS"] is True  # after a restart of the database no page fails
    assert configure("sqlite:////tmp/x")["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("%ángel%", "Miguel ÁNGEL", True),
        ("%angel%", "ÁNGEL", False),
        (r"100\%", "100%", True),
        (r"100\%", "1000", False),
        (r"a\_b", "axb", False),
        ("a_b", "axb", True),
        (r"a\\b", r"a\b", True),
        ("%.%", "sin punto", False),
        ("dos%", "dos\nlíneas", True),
        ("7%", 75, True),
        (None, "x", None),
        ("x", None, None),
    ],
)
def test_like_is_sqls(pattern: str | None, text: object, matches: bool | None) -> None:
    assert like(pattern, text, "\\") is matches


@pytest.mark.django_db
def test_the_tests_are_on_the_database_they_say() -> None:
    assert connection.vendor == ("postgresql" if POSTGRES else "sqlite")


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("migrate", "--check", verbosity=0)
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.django_db
def test_searching_ignores_the_case_of_every_letter(django_user_model: Any) -> None:
    for number, name in enumerate(("Miguel Ángel", "ÍÑIGO", "Ana 100%")):
        django_user_model.objects.create_user(f"u{number}", first_name=name)

    def found(**asked: str) -> list[str]:
        return list(django_user_model.objects.filter(**asked).values_list("first_name", flat=True))

    assert found(first_name__icontains="ÁNGEL") == ["Miguel Ángel"]
    assert found(first_name__iexact="íñigo") == ["ÍÑIGO"]
    assert found(first_name__icontains="0%") == ["Ana 100%"]
    assert found(first_name__icontains="_") == []


@pytest.mark.django_db
def test_order_is_the_same(django_user_model: Any) -> None:
    for name in ("zoe", "Bruno", "ñandu", "ana", "ana2", "_x"):
        django_user_model.objects.create_user(name)
    assert list(django_user_model.objects.order_by("username").values_list("username", flat=True)) == [
        *("Bruno", "_x", "ana", "ana2", "zoe", "ñandu")
    ]


@pytest.mark.django_db
def test_json_is_kept_and_asked_for_alike(ana: Any) -> None:
    attempt = Attempt.objects.create(user=ana, exercise=KEY, values={"clave": "ñu", "vacía": "", "número": "07"})
    CheckRun.objects.create(attempt=attempt, evidence={"eco": {"code": 0, "said": "línea\n€ 😀", "seen": [1, 2.5, None, True]}})
    kept = CheckRun.objects.get().evidence
    assert kept == {"eco": {"code": 0, "said": "línea\n€ 😀", "seen": [1, 2.5, None, True]}}
    assert Attempt.objects.get(values__clave="ñu") == attempt
    assert Attempt.objects.get(values__has_key="vacía") == attempt
    assert CheckRun.objects.filter(evidence__eco__code=0).count() == 1
    assert CheckRun.objects.filter(evidence__eco__code=1).count() == 0
    assert list(Attempt.objects.values_list("values__número", flat=True)) == ["07"]


@pytest.mark.django_db
def test_the_database_lets_one_check_run_at_a_time(ana: Any) -> None:
    attempt = Attempt.objects.create(user=ana, exercise=KEY)
    CheckRun.objects.create(attempt=attempt)
    with pytest.raises(IntegrityError), transaction.atomic():
        CheckRun.objects.create(attempt=attempt)
    assert CheckRun.objects.count() == 1
