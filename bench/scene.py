"""A class to look at: people who have come differently far, with what each page shows of them. Run within a site.

manage.py shell -c "from bench.scene import play; play()"      prints where its pages are, as JSON
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.utils import timezone

from bench.places import PASSWORD
from lessons import catalog, cohorts, journey
from lessons.models import Attempt, CheckRun, Completion
from sandboxes.models import Recording, Sandbox, State, Visit

PEOPLE = {"ana": {}, "bruno": {}, "carmen": {"is_staff": True}, "olga": {"is_staff": True, "is_superuser": True}}
"""`ana` is on her way, `bruno` has finished, `carmen` teaches, `olga` operates."""
FOUND = {"status": "passed", "points": 1, "expected": "", "observed": "tal como se pide", "hint": ""}
MISSED = {
    "status": "failed", "points": 0, "expected": "un contenedor llamado «saludo»", "observed": "ninguno: tienes «zealous_wing»",
    "hint": "Docker le puso el nombre. Elígelo tú con --name, antes de la imagen.",
}  # fmt: skip
SCREEN = (
    (0.2, "\x1b[32malumno@lab\x1b[0m:\x1b[34m~\x1b[0m$ "),
    (1.1, "docker run busybox:1.37 echo hola\r\n"),
    (0.8, "Unable to find image 'busybox:1.37' locally\r\n1.37: Pulling from library/busybox\r\n"),
    (0.9, "Status: Downloaded newer image for busybox:1.37\r\nhola\r\n"),
    (0.1, "\x1b[32malumno@lab\x1b[0m:\x1b[34m~\x1b[0m$ "),
)


def play() -> None:
    """Make the people and their history, and say where what belongs to one of them is."""
    users = get_user_model().objects
    people = {name: users.create_user(name, password=PASSWORD, **flags) for name, flags in PEOPLE.items()}
    check = _on_the_way(people["ana"])
    _finished(people["bruno"])
    cohort = cohorts.create(people["carmen"], "Docker, los martes")
    cohorts.join(cohort, people["ana"])
    recording = _recorded(people["ana"])
    _visited(recording.sandbox, people["carmen"])
    found = {
        "cohort": f"/clases/{cohort.pk}/",
        "join": f"/clases/unirme/{cohort.code}/",
        "diploma": f"/diploma/{journey.diploma_code(people['bruno'], catalog.course())}/",
        "evidence": f"/profesorado/comprobaciones/{check.pk}/",
        "replay": f"/grabaciones/{recording.pk}/",
        "broken": render_to_string("500.html"),
    }
    print(json.dumps(found))


def _on_the_way(user: Any) -> CheckRun:
    """Three exercises done in three days, and one that will not come out; its check run."""
    keys = list(catalog.course().exercises)
    for number, key in enumerate(keys[:3]):
        _checked(user, key, days=3 - number, failed=set())
        Completion.objects.create(user=user, exercise=key, points=max(1, catalog.course().exercises[key].points - number))
    stuck = next(key for key in keys[3:] if key.endswith("/hello-world"))
    ids = [spec.id for spec in catalog.course().exercises[stuck].checks]
    return _checked(user, stuck, days=0, failed=set(ids[1:]))


def _checked(user: Any, key: str, *, days: int, failed: set[str]) -> CheckRun:
    exercise = catalog.course().exercises[key]
    results = [
        {"id": spec.id, "title": spec.titulo, "worth": 1, **(MISSED if spec.id in failed else FOUND)}
        for spec in exercise.checks
    ]  # fmt: skip
    when = timezone.now() - timedelta(days=days)
    attempt = Attempt.objects.create(user=user, exercise=key)
    evidence = {spec.id: {"containers": [{"name": "zealous_wing", "image": "busybox:1.37"}]} for spec in exercise.checks}
    return CheckRun.objects.create(attempt=attempt, finished=when, passed=not failed, results=results, evidence=evidence)


def _finished(user: Any) -> None:
    every = catalog.course().exercises.items()
    Completion.objects.bulk_create(Completion(user=user, exercise=key, points=exercise.points) for key, exercise in every)


def _visited(sandbox: Sandbox, teacher: Any) -> None:
    """Their teacher looked on for five minutes, and was told no when asking to type along."""
    began, ended = timezone.now() - timedelta(minutes=9), timezone.now() - timedelta(minutes=4)
    modes, ends = Visit.Mode, Visit.Outcome
    Visit.objects.create(sandbox=sandbox, visitor=teacher, mode=modes.READ, asked=began, accepted=began, ended=ended, outcome=ends.LEFT)
    Visit.objects.create(sandbox=sandbox, visitor=teacher, mode=modes.TYPE, asked=began, ended=ended, outcome=ends.REFUSED)


def _recorded(user: Any) -> Recording:
    """A terminal of ten minutes ago."""
    begun = timezone.now() - timedelta(minutes=10)
    key = next(key for key in catalog.course().exercises if key.endswith("/hello-world"))
    attempt = Attempt.objects.filter(user=user, exercise=key).last()
    sandbox = Sandbox.objects.create(user=user, exercise=key, attempt=attempt, state=State.REMOVED, reason="Lo terminaste tú.")
    file = Path(settings.ENV.recordings_dir) / "escena.cast"
    file.parent.mkdir(parents=True, exist_ok=True)
    head = {"version": 3, "term": {"cols": 80, "rows": 24}, "timestamp": int(begun.timestamp())}
    file.write_text("\n".join(map(json.dumps, [head, *([wait, "o", text] for wait, text in SCREEN)])) + "\n")
    ended = begun + timedelta(seconds=30)
    kept = {"started": begun, "ended": ended, "file": file.name, "size": file.stat().st_size}
    return Recording.objects.create(sandbox=sandbox, node="lab", shell="principal", **kept)  # noqa: S604  # a terminal's name
