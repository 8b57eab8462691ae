"""Prove exercises on the real engine."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lessons import catalog
from sandboxes.engine import lab_engine
from sandboxes.proving import prove


class Command(BaseCommand):
    help = "Prueba ejercicios en laboratorios de verdad: sin tocar falla, cada solución pasa, cada error recibe su mensaje."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ejercicios", nargs="*", help="claves o finales de clave; todos por omisión")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["ejercicios"]
        known = catalog.course().exercises
        chosen = [found for key, found in known.items() if not wanted or any(key.endswith(name) for name in wanted)]
        missing = [name for name in wanted if not any(key.endswith(name) for key in known)]
        if missing:
            raise CommandError(f"No hay ejercicios que se llamen así: {', '.join(missing)}.")
        proofs = []
        for exercise in chosen:
            for proof in prove(exercise, lab_engine()):
                proofs.append(proof)
                if not options["json"]:
                    self.stdout.write(f"{'✗' if proof.fault else '✓'} {proof.exercise}: {proof.case}")
                    if proof.fault:
                        self.stdout.write(f"    {proof.fault}")
        if options["json"]:
            self.stdout.write(json.dumps([asdict(proof) for proof in proofs], ensure_ascii=False))
        faults = sum(bool(proof.fault) for proof in proofs)
        if faults:
            raise CommandError(f"{faults} de {len(proofs)} pruebas fallan.")
