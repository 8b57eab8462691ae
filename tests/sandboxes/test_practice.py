"""A lesson with a lab beside it: exercise zero, in which nothing is checked."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from lessons import catalog
from lessons.models import Completion
from sandboxes.models import Sandbox
from tests.conftest import work

pytestmark = pytest.mark.django_db
PAGE = "/curso/docker-intensivo/hello-world/laboratorio/"
KEY = "docker-intensivo/hello-world/laboratorio"


def test_a_lesson_offers_its_lab(client: Client) -> None:
    assert f'href="{PAGE}"' in client.get("/curso/docker-intensivo/hello-world/").content.decode()


def test_its_text_stands_beside_the_lab_and_nothing_is_checked(client: Client, ana: Any, lab: Any) -> None:
    client.force_login(ana)
    html = client.get(PAGE).content.decode()
    lesson = catalog.course().lesson("hello-world")
    assert lesson
    assert f"<h1>{lesson.title}</h1>" in html
    assert 'data-testid="start-lab"' in html
    assert 'data-testid="check"' not in html
    assert client.post(f"{PAGE}comprobar/").status_code == 404
    assert not Completion.objects.exists()


def test_it_starts_like_any_other(client: Client, ana: Any, lab: Any, sent: Any, django_capture_on_commit_callbacks: Any) -> None:
    client.force_login(ana)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{PAGE}iniciar/", headers={"HX-Request": "true"})
    work(sent)
    assert Sandbox.objects.get(user=ana).exercise == KEY
    assert 'data-state="ready"' in client.get(f"{PAGE}panel/", headers={"HX-Request": "true"}).content.decode()


def test_it_has_the_machines_that_the_text_names() -> None:
    text = "```terminal nodo=servidor\n$ ls\n```\n```terminal falla nodo=otro\n$ ls\n```"
    entry = catalog._LessonEntry(carpeta="01-x", titulo="X")
    found = catalog._practice(entry, "c/x/laboratorio", text, ())
    assert found
    assert found.lab.nodos == ["lab", "servidor", "otro"]


def test_it_is_no_exercise_of_the_course() -> None:
    assert KEY not in catalog.course().exercises
    assert catalog.exercise(KEY) is not None
    assert catalog.exercise("docker-intensivo/virtualizacion/no") is None
