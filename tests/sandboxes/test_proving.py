"""The prover's own parts: cases, the splitting of scripts, the ledger, what counts as a fault."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from lessons import catalog, kinds
from lessons.kinds import Status, Verdict
from lessons.values import Value
from sandboxes import fingerprint
from sandboxes.models import Machine, Sandbox
from sandboxes.proving import ledger, trial
from sandboxes.proving.cases import Case, Kind, cases, statements
from sandboxes.proving.report import Report
from sandboxes.proving.student import seat
from sandboxes.proving.trial import Proof

EXERCISE = catalog.course().exercises["docker-intensivo/hello-world/hello-world"]


def test_a_command_of_several_lines_is_typed_whole() -> None:
    script = "cat > a <<FIN\nuno\nFIN\n\ndocker run \\\n  busybox\n@servidor\n? q: dos | tres\nfor i in 1 2; do\n  echo $i\ndone\nls\n"
    assert statements(script) == [
        "cat > a <<FIN\nuno\nFIN",
        "docker run \\\n  busybox",
        "@servidor",
        "? q: dos | tres",
        "for i in 1 2; do\n  echo $i\ndone",
        "ls",
    ]


def test_thorough_cases_add_second_runs_and_leave_each_line_out() -> None:
    exercise = replace(EXERCISE, solutions=("uno\n# nota\ndos  # prescindible\ntres", "otra"))
    quick = [case.kind for case in cases(exercise, thorough=False)]
    assert quick == [Kind.UNTOUCHED, Kind.SOLUTION, Kind.SOLUTION, *[Kind.MISTAKE] * len(exercise.mistakes)]
    thorough = cases(exercise, thorough=True)
    assert sum(case.kind == Kind.SOLUTION for case in thorough) == 4
    mutants = [case.commands for case in thorough if case.kind == Kind.MUTANT]
    assert mutants == [("# nota", "dos  # prescindible", "tres"), ("uno", "# nota", "dos  # prescindible")]


def verdicts(*statuses: Status) -> dict[str, Verdict]:
    return {check.id: Verdict(status, "", "visto", "pista") for check, status in zip(EXERCISE.checks, statuses, strict=True)}


def fault(kind: Kind, *statuses: Status, exercise: catalog.Exercise = EXERCISE, mistake: int | None = None) -> str:
    return trial.fault_of(Case(exercise, kind, "x", mistake=mistake), exercise, verdicts(*statuses))


def test_what_passes_untouched_is_a_fault_unless_it_must() -> None:
    no, yes, cannot = Status.FAILED, Status.PASSED, Status.UNKNOWN
    assert fault(Kind.UNTOUCHED, no, cannot, Status.PENDING) == ""
    assert "se supera sin hacer nada" in fault(Kind.UNTOUCHED, no, yes, no)
    kept = replace(EXERCISE, checks=(EXERCISE.checks[0].model_copy(update={"inicial": True}), *EXERCISE.checks[1:]))
    assert fault(Kind.UNTOUCHED, yes, no, no, exercise=kept) == ""
    assert "debería superarse" in fault(Kind.UNTOUCHED, no, no, no, exercise=kept)


def test_solutions_must_pass_and_mistakes_be_told() -> None:
    no, yes = Status.FAILED, Status.PASSED
    assert fault(Kind.SOLUTION, yes, yes, yes) == ""
    assert fault(Kind.SOLUTION, yes, no, yes).startswith("hello: [failed] visto")
    first = EXERCISE.mistakes[0].model_copy(update={"mensaje": "pista", "comprobacion": "saludo"})
    exercise = replace(EXERCISE, mistakes=(first,))
    assert fault(Kind.MISTAKE, no, no, no, exercise=exercise, mistake=0) == ""
    assert "se esperaba" in fault(Kind.MISTAKE, no, no, yes, exercise=exercise, mistake=0)


@pytest.mark.django_db(transaction=True)
def test_a_seat_is_a_student_with_a_planted_sandbox_and_leaves_nothing(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    exercise = replace(
        EXERCISE, values={"clave": Value(palabra=True)}, files={"{{clave}}": "{{usuario}}"}, varies=True, solutions=("echo {{contrasena}}",)
    )
    monkeypatch.setitem(catalog.course().exercises, EXERCISE.key, exercise)
    with seat(exercise) as place:
        user = User.objects.get()
        assert place.exercise.files == {place.values["clave"]: user.username}
        assert len(place.exercise.solutions[0]) > 20
        assert list(lab.boxes[place.machines["lab"]].planted) == [f"/home/alumno/{place.values['clave']}"]
    assert [model.objects.count() for model in (User, Sandbox, Machine)] == [0, 0, 0]
    assert lab.boxes == {}


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders for exercises where they may be written."""

    def folder_of(exercise: catalog.Exercise) -> Path:
        folder = tmp_path / exercise.slug
        folder.mkdir(exist_ok=True)
        return folder

    monkeypatch.setattr(ledger, "folder_of", folder_of)
    monkeypatch.setattr(fingerprint, "folder_of", folder_of)
    return tmp_path


def entry(exercise: catalog.Exercise, seconds: float = 10) -> ledger.Entry:
    return ledger.Entry(huella=ledger.fingerprint(exercise), fecha=date(2026, 11, 27), segundos=seconds, casos=1, completa=True)


def test_changed_exercises_are_due_and_a_fifth_of_the_others_each_day(folders: Path) -> None:
    some = [replace(EXERCISE, key=f"a/b/{number}", slug=str(number)) for number in range(20)]
    for exercise in some[1:]:
        ledger.write(exercise, entry(exercise))
    today = date(2026, 11, 27)
    chosen, left = ledger.due(some, today=today, seconds=10_000)
    assert chosen[0] == some[0]
    assert left == []
    days = [{e.key for e in ledger.due(some[1:], today=today + timedelta(days=day), seconds=10_000)[0]} for day in range(5)]
    assert set.union(*days) == {exercise.key for exercise in some[1:]}
    assert sum(map(len, days)) == 19
    (folders / "3" / "ejercicio.yaml").write_text("otro: texto")
    assert some[3] in ledger.due(some, today=today, seconds=10_000)[0]


def test_the_budget_leaves_the_rest_for_another_day(folders: Path) -> None:
    some = [replace(EXERCISE, key=f"a/b/{number}", slug=str(number)) for number in range(5)]
    chosen, left = ledger.due(some, today=date(2026, 11, 27), seconds=2.5 * ledger.GUESS)
    assert (len(chosen), len(left)) == (2, 3)
    assert len(ledger.due(some, today=date(2026, 11, 27), seconds=1)[0]) == 1


def test_a_grader_that_changes_changes_the_fingerprint(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ledger.fingerprint(EXERCISE)
    assert before == ledger.fingerprint(EXERCISE)
    monkeypatch.setattr(fingerprint, "graders_of", lambda _exercise: [Path(__file__)])
    assert ledger.fingerprint(EXERCISE) != before


def test_the_kinds_of_parts_are_in_the_fingerprint_too() -> None:
    composed = kinds.parse({"id": "x", "tipo": "any", "titulo": "x", "de": [{"tipo": "image", "imagen": "a:1"}]})
    names = {path.name for path in fingerprint.graders_of(replace(EXERCISE, checks=(composed,)))}
    assert {"composition.py", "image.py", "text.py"} <= names


def test_what_a_grader_is_made_of_is_in_the_fingerprint_too() -> None:
    names = {path.name for path in fingerprint.sources_of("container")}
    assert names == {"container.py", "container_faults.py", "container_options.py", "pairs.py", "container_errors.py", "text.py"}


def test_the_report_names_the_slowest_first_and_what_failed() -> None:
    out = io.StringIO()
    report = Report(out, total=2)
    proofs = [
        Proof("c/l/rapido", "sin tocar", Kind.UNTOUCHED, "", 1.0),
        Proof("c/l/lento", "sin «ls»", Kind.MUTANT, "", 9.0, gap=True),
        Proof("c/l/lento", "solución 1", Kind.SOLUTION, "web: [failed] no", 9.0),
    ]
    for proof in proofs:
        report.tell(proof)
    report.table(proofs, seconds=10)
    said = out.getvalue()
    assert "✗ c/l/lento: solución 1" in said
    assert "ninguna comprobación lo nota" in said
    assert "Los más lentos: lento, rapido." in said
