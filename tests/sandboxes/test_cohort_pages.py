"""The pages of a class: to who gives it, with what each student is doing; to who studies in it; to nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from lessons import catalog, cohorts, progress
from lessons.kinds import Status, Verdict
from lessons.models import Cohort, Membership
from sandboxes import lifecycle
from sandboxes.models import RecordingChoice
from sandboxes.recording import tape
from tests.conftest import work

pytestmark = pytest.mark.django_db
KEY = "docker-intensivo/hello-world/hello-world"


@pytest.fixture
def cohort(carmen: Any) -> Cohort:
    return cohorts.create(carmen, "1.º de ASIR")


def as_(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_teacher_makes_a_class_and_a_student_joins_by_its_code(ana: Any, carmen: Any) -> None:
    teacher, student = as_(carmen), as_(ana)
    made = teacher.post("/clases/", {"nombre": "  Tarde  "}).headers["Location"]
    found = Cohort.objects.get()
    assert (made, found.name) == (f"/clases/{found.pk}/", "Tarde")
    asked = student.post("/clases/", {"codigo": found.code.upper()}).headers["Location"]
    page = student.get(asked).content.decode()
    assert "Quien da la clase ve tus intentos" in page
    assert not Membership.objects.filter(user=ana).exists()
    student.post(asked)
    assert "Tarde" in student.get("/clases/").content.decode()
    assert 'data-student="ana"' in teacher.get(made).content.decode()
    student.post(f"/clases/{found.pk}/dejar/")
    assert not Membership.objects.filter(user=ana).exists()


def test_wrong_code_is_said(ana: Any) -> None:
    student = as_(ana)
    assert "No hay ninguna clase con ese código" in student.post("/clases/", {"codigo": "nada"}, follow=True).content.decode()
    assert student.get("/clases/unirme/nada/").status_code == 404


def test_student_makes_no_class(ana: Any) -> None:
    assert as_(ana).post("/clases/", {"nombre": "Mía"}).status_code == 403


def test_class_is_for_who_gives_it(ana: Any, bruno: Any, olga: Any, cohort: Cohort, django_user_model: Any) -> None:
    other = django_user_model.objects.create_user("diana", is_staff=True)
    cohorts.join(cohort, ana)
    for user, status in ((ana, 404), (bruno, 404), (other, 404), (olga, 200)):
        assert as_(user).get(f"/clases/{cohort.pk}/").status_code == status
    assert as_(other).post(f"/clases/{cohort.pk}/anadir/", {"usuario": "diana"}).status_code == 404
    assert as_(ana).post(f"/clases/{cohort.pk}/borrar/").status_code == 404


def test_teacher_adds_and_removes(ana: Any, bruno: Any, carmen: Any, olga: Any, cohort: Cohort) -> None:
    teacher, url = as_(carmen), f"/clases/{cohort.pk}/"
    for name, role, said in (
        ("ana", "estudia", ""), ("ana", "estudia", "ya está en la clase"), ("nadie", "estudia", "No hay ninguna cuenta"),
        ("bruno", "da", "no es del profesorado"), ("olga", "da", ""),
    ):  # fmt: skip
        page = teacher.post(f"{url}anadir/", {"usuario": name, "papel": role}, follow=True).content.decode()
        assert said in page
    assert set(cohort.memberships.values_list("user__username", "role")) == {("carmen", "teacher"), ("ana", "student"), ("olga", "teacher")}
    for name in ("ana", "olga"):
        teacher.post(f"{url}quitar/", {"usuario": name})
    assert "No se puede" in teacher.post(f"{url}quitar/", {"usuario": "carmen"}, follow=True).content.decode()
    assert list(cohort.memberships.values_list("user__username", flat=True)) == ["carmen"]


def test_teacher_renews_the_code_renames_and_deletes(carmen: Any, cohort: Cohort) -> None:
    teacher, url = as_(carmen), f"/clases/{cohort.pk}/"
    teacher.post(f"{url}codigo/")
    assert Cohort.objects.get().code != cohort.code
    teacher.post(f"{url}ajustes/", {"nombre": "Otra", "grabacion": "siempre"})
    found = Cohort.objects.get()
    assert (found.name, found.recording) == ("Otra", "siempre")
    assert teacher.post(f"{url}ajustes/", {"nombre": "Otra", "grabacion": "quizás"}).status_code == 403
    assert teacher.post(f"{url}nada/").status_code == 404
    assert teacher.post(f"{url}borrar/").headers["Location"] == "/clases/"
    assert not Cohort.objects.exists()


def test_page_tells_what_each_is_doing_and_how_far_they_are(ana: Any, bruno: Any, carmen: Any, cohort: Cohort, lab: Any, sent: Any) -> None:
    for student in (ana, bruno):
        cohorts.join(cohort, student)
    exercise = catalog.course().exercises[KEY]
    sandbox = lifecycle.start(ana, exercise)
    work(sent)
    sandbox.refresh_from_db()
    assert sandbox.attempt
    run = progress.begin_check(sandbox.attempt)
    assert run
    progress.end_check(run, exercise, [(spec.id, Verdict(Status.PASSED, "", "")) for spec in exercise.checks], {})
    page = as_(carmen).get(f"/clases/{cohort.pk}/").content.decode()
    hers = page[page.index('data-student="ana"') :].split("</tr>")[0]
    his = page[page.index('data-student="bruno"') :].split("</tr>")[0]
    for said in (exercise.title, "en marcha", "1 / ", f"/laboratorio/{sandbox.pk}/visita/mirar/", "superada", "?usuario=ana"):
        assert said in hers
    for said in ("sin laboratorio", "0 / "):
        assert said in his
    assert "mirar/" not in his


def test_page_costs_as_many_queries_for_thirty_as_for_one(carmen: Any, cohort: Cohort, django_user_model: Any) -> None:
    teacher = as_(carmen)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            teacher.get(f"/clases/{cohort.pk}/", headers={"HX-Request": "true"})
        return len(asked)

    cohorts.join(cohort, django_user_model.objects.create_user("alumna"))
    for_one = queries()
    for number in range(30):
        cohorts.join(cohort, django_user_model.objects.create_user(f"alumna{number}"))
    assert queries() == for_one


def test_class_decides_whether_its_students_may_refuse_to_be_recorded(ana: Any, cohort: Cohort, client: Client) -> None:
    RecordingChoice.objects.create(user=ana, refused=True)
    cohorts.join(cohort, ana)
    client.force_login(ana)
    for said, recorded, asked in (("", False, 302), ("siempre", True, 404), ("nunca", False, 404), ("opcional", False, 302)):
        Cohort.objects.update(recording=said)
        assert tape.is_recorded(ana.pk) is recorded
        assert client.post("/grabaciones/elegir/", {"grabar": "0"}).status_code == asked


def test_class_records_nobody_where_the_lab_never_does(ana: Any, cohort: Cohort, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"recording": "nunca"})
    cohorts.join(cohort, ana)
    Cohort.objects.update(recording="siempre")
    assert not tape.is_recorded(ana.pk)
    assert tape.policy_in(Cohort.objects.get()) == "nunca"


def test_attempts_and_evidence_are_of_ones_own_students(ana: Any, bruno: Any, carmen: Any, olga: Any, cohort: Cohort) -> None:
    cohorts.join(cohort, ana)
    runs = []
    for student in (ana, bruno):
        run = progress.begin_check(progress.open_attempt(student, KEY))
        assert run
        progress.fail_check(run, "no")
        runs.append(run)
    teacher, operator = as_(carmen), as_(olga)
    assert teacher.get("/profesorado/intentos/").content.decode().count('data-testid="attempt"') == 1
    assert operator.get("/profesorado/intentos/").content.decode().count('data-testid="attempt"') == 2
    assert [teacher.get(f"/profesorado/comprobaciones/{run.pk}/").status_code for run in runs] == [200, 404]
    assert [operator.get(f"/profesorado/comprobaciones/{run.pk}/").status_code for run in runs] == [200, 200]
