"""Past runs judged again: what would change, what is kept, who gains and who loses; and what teachers see."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from lessons import catalog, cohorts, kinds, progress
from lessons.kinds import Status, Verdict
from lessons.models import CheckRun, Completion, Regrade
from sandboxes import fingerprint, grading
from sandboxes.engine.student import FileFacts

pytestmark = pytest.mark.django_db
KEY = "docker-intensivo/hello-world/hello-world"
RAWS: tuple[dict[str, Any], ...] = (
    {"id": "dice", "tipo": "command", "titulo": "Dice hola", "orden": "hola", "salida": "hola"},
    {"id": "luego", "tipo": "command", "titulo": "Y luego", "orden": "luego", "requiere": ["dice"], "puntos": 2},
)


def put(monkeypatch: pytest.MonkeyPatch, raws: tuple[dict[str, Any], ...]) -> catalog.Exercise:
    found = replace(catalog.course().exercises[KEY], checks=tuple(kinds.parse(raw) for raw in raws), raw_checks=raws)
    monkeypatch.setitem(catalog.course().exercises, KEY, found)
    return found


@pytest.fixture
def exercise(monkeypatch: pytest.MonkeyPatch) -> catalog.Exercise:
    return put(monkeypatch, RAWS)


def run(user: Any, exercise: catalog.Exercise, *said: str) -> CheckRun:
    """A check run in which each command said this; what is not given was not seen."""
    evidence = {check.id: {"code": 0, "output": output} for check, output in zip(exercise.checks, said, strict=False)}
    check = progress.begin_check(progress.begin_attempt(user, KEY))
    assert check
    check.evidence = evidence
    verdicts = grading.rejudge(check)
    verdicts = [
        (id_, Verdict(Status.UNKNOWN, "", "no") if id_ not in evidence and verdict.status != Status.PENDING else verdict)
        for id_, verdict in verdicts
    ]
    progress.end_check(check, exercise, verdicts, evidence, made_by=fingerprint.of_run(KEY))
    check.refresh_from_db()
    return check


def regrade(*args: str) -> None:
    call_command("regrade", "hello-world", *args)


def test_a_run_keeps_what_judged_it(ana: Any, exercise: catalog.Exercise) -> None:
    check = run(ana, exercise, "hola", "y más")
    assert len(check.content) == len(check.graders) == 16
    assert (check.content, check.graders) == fingerprint.of_run(KEY)


def test_nothing_changes_when_nothing_was_corrected(ana: Any, exercise: catalog.Exercise, capsys: pytest.CaptureFixture[str]) -> None:
    run(ana, exercise, "hola", "y más")
    run(ana, exercise, "adiós")
    regrade("--aplicar", "--motivo", "por si acaso")
    assert "0 de 2 comprobaciones cambian" in capsys.readouterr().out
    assert not Regrade.objects.exists()


def test_a_corrected_check_is_shown_first_and_applied_with_an_entry(
    ana: Any, bruno: Any, exercise: catalog.Exercise, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unjust, lucky = run(ana, exercise, "HOLA", "más"), run(bruno, exercise, "hola", "más")
    assert (unjust.passed, lucky.passed) == (False, True)
    put(monkeypatch, ({**RAWS[0], "salida": "HOLA"}, RAWS[1]))
    regrade()
    said = capsys.readouterr().out
    assert "ana" in said
    assert "dice: no superada → superada" in said
    assert "2 de 2 comprobaciones cambian" in said
    unjust.refresh_from_db()
    assert not unjust.passed
    with pytest.raises(CommandError, match="motivo"):
        regrade("--aplicar")
    regrade("--aplicar", "--motivo", "mayúsculas")
    unjust.refresh_from_db()
    lucky.refresh_from_db()
    assert (unjust.passed, unjust.points, lucky.passed, lucky.points) == (True, 3, False, 0)
    entry = Regrade.objects.get()
    assert (entry.gained, entry.lost, entry.why) == (["ana"], ["bruno"], "mayúsculas")
    assert entry.changes[0]["before"]["passed"] is False
    assert (unjust.regrade, lucky.regrade) == (entry, entry)
    assert [completion.user.username for completion in Completion.objects.all()] == ["ana"]
    capsys.readouterr()
    regrade("--json")
    assert json.loads(capsys.readouterr().out) == []


def test_what_was_kept_and_does_not_suffice_stays_as_it_was_with_what_waits_for_it_and_is_told(
    ana: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    box = {"id": "caja", "tipo": "container", "titulo": "Caja", "env": {"MODO": "a"}}
    exercise = put(monkeypatch, (box, {**RAWS[1], "requiere": ["caja"]}))
    options: dict[str, Any] = {"restart": "", "ports": {}, "env": {"MODO": "a"}, "mounts": [], "user": "", "memory": 0, "cpus": 0}
    seen = {"name": "x", "image": "x", "command": [], "status": "running", "exit_code": 0}
    seen["options"] = {**options, "networks": [], "health": ""}
    check = progress.begin_check(progress.begin_attempt(ana, KEY))
    assert check
    check.evidence = {"caja": {"containers": [seen]}, "luego": {"code": 0, "output": "luego"}}
    progress.end_check(check, exercise, grading.rejudge(check), check.evidence, made_by=fingerprint.of_run(KEY))
    check.refresh_from_db()
    assert (check.passed, check.points) == (True, 3)
    put(monkeypatch, ({**box, "env": {"MODE": "a"}}, {**RAWS[1], "requiere": ["caja"]}))
    regrade("--aplicar", "--motivo", "se llamaba MODE")
    said = capsys.readouterr().out
    assert "0 de 1 comprobaciones cambian" in said
    assert "Quedan como estaban, porque lo que se guardó no basta para juzgarlas de nuevo: caja (1), luego (1)." in said
    check.refresh_from_db()
    assert (check.passed, check.points) == (True, 3)
    assert not Regrade.objects.exists()


class Machine:
    """A student's engine in which there is whatever is asked for, and all says «hola»."""

    def run(self, *_argv: Any, **_options: Any) -> tuple[int, bytes]:
        return 0, b'hola\nlab-status:200{"server": ["nginx"], "age": ["1"]}'

    def container(self, name: str) -> Any:
        return SimpleNamespace(name=name, status="running", pid=0)

    def containers(self) -> list[Any]:
        return [self.container("web"), self.container("api")]

    def image(self, name: str) -> Any:
        return SimpleNamespace(id=f"sha256:{name}", cmd=["sh"])

    def logs(self, _container: Any) -> str:
        return "hola"

    def file(self, _path: str, **_within: Any) -> tuple[FileFacts, list[str]]:
        return FileFacts(kind="file", size=4, mode=0o644, uid=0, owner="root", text="hola", modified=0), []


def passed(user: Any, monkeypatch: pytest.MonkeyPatch, *raws: dict[str, Any]) -> CheckRun:
    """A check run of these checks on such an engine."""
    exercise = put(monkeypatch, raws)
    check = progress.begin_check(progress.begin_attempt(user, KEY))
    assert check
    verdicts, evidence = grading.grade(exercise.checks, lambda _node: Machine())
    assert {verdict.status for _id, verdict in verdicts} == {Status.PASSED}
    # By the database and back, as it comes.
    progress.end_check(check, exercise, verdicts, evidence, made_by=fingerprint.of_run(KEY))
    check.refresh_from_db()
    return check


COMMAND, FILE, HTTP = ({"id": "x", "titulo": "X", "tipo": tipo} for tipo in ("command", "file", "http"))
TARGETS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({**COMMAND, "orden": "hola"}, {"orden": "adiós"}),
    ({**COMMAND, "orden": "hola"}, {"nodo": "otro"}),
    ({**FILE, "ruta": "a.txt", "texto": "hola"}, {"ruta": "b.txt"}),
    ({**FILE, "ruta": "/a.txt", "contenedor": "web"}, {"contenedor": "api"}),
    ({**FILE, "ruta": "/a.txt", "contenedor": "web"}, {"contenedor": "", "imagen": "web"}),
    ({**FILE, "ruta": "/a.txt", "imagen": "web:1"}, {"imagen": "web:2"}),
    ({**HTTP, "puerto": 80, "texto": "hola"}, {"ruta": "/saludo"}),
    ({**HTTP, "puerto": 80}, {"puerto": 81}),
    ({**HTTP, "puerto": 80, "cabeceras": {"Server": "nginx"}}, {"cabeceras": {"Age": "2"}}),
    ({"id": "x", "titulo": "X", "tipo": "logs", "contenedor": "web", "texto": "hola"}, {"contenedor": "api"}),
]


@pytest.mark.parametrize(("raw", "corrected"), TARGETS)
def test_what_was_seen_of_another_thing_judges_nothing(
    raw: dict[str, Any], corrected: dict[str, Any], ana: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    after = {"id": "luego", "tipo": "command", "titulo": "Luego", "orden": "hola", "requiere": ["x"]}
    check = passed(ana, monkeypatch, raw, after)
    # It would fail if it were judged: what it should say has changed as well.
    also = {"texto": "otra cosa"} if raw["tipo"] != "command" else {"salida": "otra cosa"}
    put(monkeypatch, ({**raw, **corrected, **also}, after))
    regrade("--aplicar", "--motivo", "era otro")
    assert "no basta para juzgarlas de nuevo: x (1), luego (1)." in capsys.readouterr().out
    check.refresh_from_db()
    assert (check.passed, check.points) == (True, 2)
    assert not Regrade.objects.exists()


@pytest.mark.parametrize(
    ("raw", "corrected"),
    [
        ({**COMMAND, "orden": "hola"}, {"salida": "nunca"}),
        ({**FILE, "ruta": "a.txt"}, {"texto": "nunca"}),
        ({**HTTP, "puerto": 80, "cabeceras": {"Server": "nginx"}}, {"cabeceras": {"server": "apache"}}),
        ({"id": "x", "titulo": "X", "tipo": "logs", "contenedor": "web", "texto": "hola"}, {"texto": "nunca"}),
    ],
)
def test_what_was_seen_of_the_same_thing_is_judged_by_what_it_should_be_today(
    raw: dict[str, Any], corrected: dict[str, Any], ana: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = passed(ana, monkeypatch, raw)
    put(monkeypatch, ({**raw, **corrected},))
    regrade("--aplicar", "--motivo", "más estricta")
    check.refresh_from_db()
    assert not check.passed


def test_a_part_that_asks_for_another_thing_leaves_the_whole_as_it_was_unless_the_others_decide(
    ana: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [{"tipo": "command", "orden": "hola", "salida": "hola"}, {"tipo": "logs", "contenedor": "web", "texto": "hola"}]
    whole = {"id": "x", "titulo": "X", "tipo": "all", "de": parts}
    check = passed(ana, monkeypatch, whole)
    other = {"tipo": "logs", "contenedor": "api", "texto": "hola"}
    for tipo, first, status in (
        ("all", parts[0], Status.UNKNOWN),
        ("all", {**parts[0], "salida": "nunca"}, Status.FAILED),
        ("any", parts[0], Status.PASSED),
        ("any", {**parts[0], "salida": "nunca"}, Status.UNKNOWN),
    ):
        put(monkeypatch, ({**whole, "tipo": tipo, "de": [first, other]},))
        assert dict(grading.rejudge(check))["x"].status == status, (tipo, first)


def test_what_waits_for_a_word_of_a_check_that_cannot_be_told_stays_as_it_was(ana: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {**COMMAND, "orden": "hola", "guarda": "dicho"}
    after = {"id": "luego", "tipo": "command", "titulo": "Luego", "orden": "repite {{dicho}}"}
    check = passed(ana, monkeypatch, first, after)
    put(monkeypatch, ({**first, "orden": "adiós"}, after))
    assert dict(grading.rejudge(check))["luego"].status == Status.PENDING
    regrade("--aplicar", "--motivo", "era otra")
    check.refresh_from_db()
    assert (check.passed, [item["status"] for item in check.results]) == (True, ["passed", "passed"])


def test_an_answer_counts_among_the_options_that_there_were(ana: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = {"id": "q", "tipo": "quiz", "titulo": "Q", "pregunta": "¿Cuál?", "clase": "una", "opciones": ["a", "b"], "respuesta": "a"}
    quiz = {**raw, "explicacion": "Sí."}
    put(monkeypatch, (quiz,))
    attempt = progress.begin_attempt(ana, KEY)
    progress.save_answer(attempt, "q", ["b"])
    check = grading.check_answers(attempt)
    assert check
    check.refresh_from_db()
    assert not check.passed
    for corrected, status in (
        ({"respuesta": "b"}, Status.PASSED),
        ({"respuesta": "b", "opciones": ["b", "a"]}, Status.PASSED),
        ({"respuesta": "B", "opciones": ["a", "B"]}, Status.UNKNOWN),
        ({"respuesta": "b", "pregunta": "¿Cuál no?"}, Status.UNKNOWN),
    ):
        put(monkeypatch, ({**quiz, **corrected},))
        assert dict(grading.rejudge(check))["q"].status == status, corrected


def test_what_was_not_kept_stays_as_it_was(ana: Any, exercise: catalog.Exercise, monkeypatch: pytest.MonkeyPatch) -> None:
    passed = run(ana, exercise, "hola", "más")
    put(monkeypatch, (*RAWS, {"id": "nueva", "tipo": "command", "titulo": "Nueva", "orden": "x"}))
    regrade("--aplicar", "--motivo", "una más")
    passed.refresh_from_db()
    assert passed.passed
    assert Completion.objects.count() == 1
    assert not Regrade.objects.exists()


def test_another_run_that_passes_keeps_the_exercise(ana: Any, exercise: catalog.Exercise, monkeypatch: pytest.MonkeyPatch) -> None:
    run(ana, exercise, "hola", "más")
    run(ana, exercise, "hola a todos", "más")
    put(monkeypatch, ({**RAWS[0], "salida": "todos"}, RAWS[1]))
    regrade("--aplicar", "--motivo", "más estricta")
    assert Completion.objects.get().user == ana
    assert Regrade.objects.get().lost == []


def test_a_regrade_is_told_to_who_it_concerns_and_who_did_it_to_the_teacher_alone(
    ana: Any, carmen: Any, client: Client, exercise: catalog.Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = run(ana, exercise, "HOLA", "más")
    page = reverse("lab-result", args=KEY.split("/"))
    client.force_login(ana)
    assert 'data-testid="regraded"' not in client.get(page).content.decode()
    put(monkeypatch, ({**RAWS[0], "salida": "HOLA"}, RAWS[1]))
    monkeypatch.setattr("getpass.getuser", lambda: "olga")
    regrade("--aplicar", "--motivo", "Las mayúsculas <b> valían.")
    shown = client.get(page).content.decode()
    assert "se volvió a juzgar lo que hiciste" in shown
    assert "Las mayúsculas &lt;b&gt; valían." in shown
    assert "olga" not in shown
    cohorts.join(cohorts.create(carmen, "Clase"), ana)
    client.force_login(carmen)
    assert "por olga" in client.get(check.get_absolute_url()).content.decode()


def test_unknown_exercises_are_told() -> None:
    with pytest.raises(CommandError, match="No hay ningún ejercicio"):
        call_command("regrade", "nada")


def test_teachers_see_what_the_graders_saw_and_what_it_would_be_today(
    carmen: Any, ana: Any, client: Client, exercise: catalog.Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = run(ana, exercise, "HOLA <b>", "más")
    CheckRun.objects.filter(pk=check.pk).update(content="otro", notes=["Un programa cambiado"])
    put(monkeypatch, ({**RAWS[0], "salida": "HOLA"}, RAWS[1]))
    cohorts.join(cohorts.create(carmen, "Clase"), ana)
    client.force_login(carmen)
    page = client.get(check.get_absolute_url()).content.decode()
    assert "HOLA &lt;b&gt;" in page
    assert "El ejercicio ha cambiado" in page
    assert 'data-testid="today"' in page
    assert "Un programa cambiado" in page
    listed = client.get(reverse("attempts"), {"usuario": "ana", "ejercicio": KEY}).content.decode()
    assert check.get_absolute_url() in listed
    assert check.get_absolute_url() not in client.get(reverse("attempts"), {"usuario": "bruno"}).content.decode()


def test_students_do_not(ana: Any, client: Client, exercise: catalog.Exercise) -> None:
    check = run(ana, exercise, "hola")
    assert client.get(check.get_absolute_url()).status_code == 302
    client.force_login(ana)
    assert client.get(check.get_absolute_url()).status_code == 403
    assert client.get(reverse("attempts")).status_code == 403


@pytest.mark.django_db
def test_only_teachers_are_shown_the_way_to_the_attempts(client: Any, ana: Any, carmen: Any) -> None:
    for who, shown in ((ana, False), (carmen, True)):
        client.force_login(who)
        assert (reverse("attempts") in client.get(reverse("registry")).content.decode()) is shown
