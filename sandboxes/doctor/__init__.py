"""The doctor: tries, from inside real sandboxes, every way out of them that we know of, and remembers the outcome.

    attacks.py   what is tried, as data: escapes.py, network.py, exhaustion.py; attempt.py says what an attempt is
    runner.py    tries it in two sandboxes of its own                host.py       what the machine lacks
    syscalls.py  numbers of calls, the refused ones and others

The web refuses to start over a lab that the doctor, last time, found open (`refuse_unsafe`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from lessons import catalog
from sandboxes.doctor import host
from sandboxes.doctor.attacks import attacks
from sandboxes.doctor.runner import Finding, examine
from sandboxes.engine import LabEngine, lab_engine
from sandboxes.models import DoctorRun

__all__ = ["Finding", "refuse_unsafe", "run"]


def run(engine: LabEngine, *, tell: Callable[[Finding], None] = lambda _finding: None) -> DoctorRun:
    """Examine the lab and return the outcome, not saved yet. Raises EngineError if nothing could be tried."""
    options = engine.security_options()
    remapped = Finding(
        "uid propio",
        _("Que el root de los laboratorios lo sea también fuera"),
        _("el motor remapea los ids (userns)"),
        ", ".join(sorted(options)) or _("sin opciones de seguridad"),
        held="userns" in options,
    )
    tell(remapped)
    findings = [remapped, *examine(engine, attacks(), tell=tell)]
    lacks = host.lacks(options, catalog.course().exercises.values(), storage=settings.ENV.storage)
    if any(finding.name == "disco" and not finding.held for finding in findings):
        lacks.append(host.quotas_lack())
    return DoctorRun(
        passed=all(finding.held for finding in findings),
        report={"findings": [asdict(finding) for finding in findings], "lacks": [asdict(lack) for lack in lacks]},
    )


def refuse_unsafe() -> None:
    """Raise ImproperlyConfigured, in Spanish, if the lab is known to be open; nothing known is no reason.

    Raises EngineError if its engine does not answer: the pages stay up without it, so what that means is the caller's to say."""
    last = DoctorRun.objects.order_by("-when").first()
    if last is not None and not last.passed:
        broken = ", ".join(finding["name"] for finding in last.report.get("findings", []) if not finding["held"])
        raise ImproperlyConfigured(
            _(
                "La última revisión del laboratorio (lab_doctor) falló en %(broken)s: arréglalo y repítela con el sitio parado, "
                "como explica docs/operacion.md."
            )
            % {"broken": broken or "?"}
        )
    options, gates = lab_engine().security_options(), lab_engine().gates()
    gate = f"docker-intensivo-{settings.ENV.name}"
    if gate not in gates:
        raise ImproperlyConfigured(
            _(
                "El motor de LAB_ENGINE_URL no tiene la puerta de este laboratorio (%(gate)s; tiene %(gates)s): "
                "quien lo usara sería root de la máquina."
            )
            % {"gate": gate, "gates": ", ".join(sorted(gates)) or _("ninguna")}
        )
    if "userns" not in options:
        raise ImproperlyConfigured(
            _("El motor del laboratorio no remapea los ids: el root de cada estudiante lo sería de esta máquina; arráncalo con «make run».")
        )
