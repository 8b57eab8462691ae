"""Judge past check runs again."""

import getpass
import json
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from lessons import catalog, progress
from sandboxes.regrading import Change, changes, regrade

SAID = {"passed": "superada", "failed": "no superada", "unknown": "no se pudo comprobar", "pending": "en espera", "": "no estaba"}


class Command(BaseCommand):
    help = "Vuelve a juzgar, con las comprobaciones de hoy, lo que se vio en las de un ejercicio. Sin --aplicar solo dice qué cambiaría."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ejercicio", help="clave o final de clave")
        parser.add_argument("--aplicar", action="store_true", help="cambia los resultados y deja constancia")
        parser.add_argument("--motivo", default="", help="por qué; obligatorio con --aplicar, y lo lee cada estudiante al que le cambia")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        keys = [key for key in catalog.course().exercises if key == options["ejercicio"] or key.endswith(f"/{options['ejercicio']}")]
        if len(keys) != 1:
            raise CommandError(f"Hay {len(keys)} ejercicios que se llamen así." if keys else "No hay ningún ejercicio que se llame así.")
        if options["aplicar"] and not options["motivo"].strip():
            raise CommandError("Di por qué, con --motivo: queda escrito.")
        judged = list(changes(keys[0]))
        found = [change for change in judged if change.alters]
        if options["json"]:
            self.stdout.write(json.dumps([_told(change) for change in found], ensure_ascii=False))
        else:
            total = progress.past_checks(keys[0]).count()
            for change in found:
                self._say(change)
            self.stdout.write(f"{keys[0]}: {len(found)} de {total} comprobaciones cambian.")
            if untold := Counter(id_ for change in judged for id_ in change.untold):
                told = ", ".join(f"{id_} ({count})" for id_, count in untold.items())
                self.stdout.write(f"Quedan como estaban, porque lo que se guardó no basta para juzgarlas de nuevo: {told}.")
        if options["aplicar"] and found:
            entry = regrade(keys[0], found=found, who=getpass.getuser(), why=options["motivo"].strip())
            self.stderr.write(
                f"Hecho (recalificación n.º {entry.pk}). Lo superan ahora: {', '.join(entry.gained) or 'nadie más'}. "
                f"Dejan de superarlo: {', '.join(entry.lost) or 'nadie'}."
            )

    def _say(self, change: Change) -> None:
        check = change.check
        when = timezone.localtime(check.requested)
        outcome = f"{_outcome(check.passed)} → {_outcome(change.passed)}" if check.passed != change.passed else _outcome(check.passed)
        self.stdout.write(f"{check.attempt.user.username}, {when:%Y-%m-%d %H:%M}: {outcome}; puntos {check.points:g} → {change.points:g}")
        for id_, before, after in change.differing:
            self.stdout.write(f"    {id_}: {SAID[before]} → {SAID[after]}")


def _outcome(passed: bool) -> str:
    return "superado" if passed else "no superado"


def _told(change: Change) -> dict[str, Any]:
    return {
        "check": change.check.pk,
        "user": change.check.attempt.user.username,
        "passed": [change.check.passed, change.passed],
        "points": [change.check.points, change.points],
        "differing": change.differing,
        "untold": change.untold,
    }
