"""Prove exercises on the real engine."""

import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from lessons import catalog
from lessons.catalog import Exercise
from sandboxes.engine import lab_engine
from sandboxes.proving import ledger
from sandboxes.proving.cases import Case, Kind, cases
from sandboxes.proving.report import Report
from sandboxes.proving.trial import Proof, try_case

LENIENCE = 1.3
"""How far past its budget a run with --debidos may go before it stops beginning cases."""


class Command(BaseCommand):
    help = (
        "Prueba ejercicios en laboratorios de verdad: sin tocar, nada se supera; cada solución, tecleada en una terminal, pasa "
        "dos veces; cada error recibe su mensaje; y sin una de sus líneas, la solución deja de pasar."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ejercicios", nargs="*", help="claves o finales de clave; todos por omisión")
        parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="casos a la vez")
        parser.add_argument("--rapido", action="store_true", help="sin segunda vez ni líneas de menos")
        parser.add_argument("--anotar", action="store_true", help="apunta los que pasan en su pruebas.json")
        parser.add_argument("--debidos", action="store_true", help="solo los que cambiaron desde su prueba y la quinta parte del día")
        parser.add_argument("--presupuesto", type=float, default=900, help="con --debidos: segundos que pueden tardar, más o menos")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = _chosen(options["ejercicios"])
        left: list[Exercise] = []
        if options["debidos"]:
            chosen, left = ledger.due(chosen, today=timezone.localdate(), seconds=options["presupuesto"] * options["jobs"])
        wanted = [case for exercise in chosen for case in cases(exercise, thorough=not options["rapido"])]
        report = Report(self.stderr if options["json"] else self.stdout, total=len(wanted))  # type: ignore[arg-type]
        began = time.monotonic()
        proofs: list[Proof] = []
        for exercise, own in self._tried(wanted, report, options, began):
            proofs += own
            if options["anotar"]:
                _note(exercise, own, complete=not options["rapido"])
        report.table(proofs, seconds=time.monotonic() - began)
        if untried := sorted({exercise.key for exercise in chosen} - {proof.exercise for proof in proofs}):
            self.stderr.write(f"Sin tiempo para {', '.join(untried)}.")
        if left:
            self.stderr.write(f"Quedan para otro día: {', '.join(exercise.key for exercise in left)}.")
        if options["json"]:
            self.stdout.write(json.dumps([asdict(proof) for proof in proofs], ensure_ascii=False))
        faults = sum(bool(proof.fault) for proof in proofs)
        if faults:
            raise CommandError(f"{faults} de {len(proofs)} pruebas fallan.")

    def _tried(self, wanted: list[Case], report: Report, options: dict[str, Any], began: float) -> Iterator[tuple[Exercise, list[Proof]]]:
        """Each exercise and its proofs, when its last case has ended; of one that is cut short, those that failed."""
        of = {case.exercise.key: case.exercise for case in wanted}
        cases_left = Counter(case.exercise.key for case in wanted)
        found: dict[str, list[Proof]] = defaultdict(list)
        with ThreadPoolExecutor(max(1, options["jobs"])) as pool:
            try:
                for future in as_completed([pool.submit(try_case, case, lab_engine()) for case in wanted]):
                    if future.cancelled():
                        continue
                    proof = future.result()
                    report.tell(proof)
                    found[proof.exercise].append(proof)
                    cases_left[proof.exercise] -= 1
                    if not cases_left[proof.exercise]:
                        exercise, own = of[proof.exercise], found.pop(proof.exercise)
                        yield exercise, own + _bonus(exercise, own)
                    if options["debidos"] and time.monotonic() - began > LENIENCE * options["presupuesto"]:
                        # What is under way ends; the rest waits for another day.
                        pool.shutdown(wait=False, cancel_futures=True)
            except KeyboardInterrupt:
                self.stderr.write("Se acaba lo que está a medias, para no dejar nada en marcha…")
                pool.shutdown(cancel_futures=True)
                raise CommandError("Interrumpido.") from None
        yield from ((of[key], failed) for key, own in found.items() if (failed := [proof for proof in own if proof.fault]))


def _chosen(wanted: list[str]) -> list[Exercise]:
    known = catalog.course().exercises
    missing = [name for name in wanted if not any(key.endswith(name) for key in known)]
    if missing:
        raise CommandError(f"No hay ejercicios que se llamen así: {', '.join(missing)}.")
    return [found for key, found in known.items() if not wanted or any(key.endswith(name) for name in wanted)]


def _bonus(exercise: Exercise, own: list[Proof]) -> list[Proof]:
    """A fault for the checks of extra points that no solution passes."""
    passed = {id_ for proof in own if proof.kind == Kind.SOLUTION for id_ in proof.bonus}
    missed = sorted({check.id for check in exercise.checks if check.extra} - passed)
    if not missed or not exercise.solutions:
        return []
    return [Proof(exercise.key, "lo que da puntos extra", Kind.SOLUTION, f"ninguna solución supera {', '.join(missed)}", 0)]


def _note(exercise: Exercise, own: list[Proof], *, complete: bool) -> None:
    """In the exercise's ledger, if all passed."""
    if any(proof.fault for proof in own):
        return
    ledger.write(
        exercise,
        ledger.Entry(
            huella=ledger.fingerprint(exercise),
            fecha=timezone.localdate(),
            segundos=round(sum(proof.seconds for proof in own if proof.kind != Kind.MUTANT and not proof.again), 1),
            casos=len(own),
            completa=complete,
            huecos=[proof.case for proof in own if proof.gap],
        ),
    )
