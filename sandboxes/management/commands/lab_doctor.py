"""Try to get out of the sandboxes, and say what came of it."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from sandboxes import doctor
from sandboxes.engine import EngineError, lab_engine


class Command(BaseCommand):
    help = "Intenta, desde laboratorios de verdad, todo lo que un estudiante no debe poder; termina con error si algo se puede."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = doctor.run(lab_engine(), tell=(lambda _: None) if options["json"] else self._tell)
        except EngineError as error:
            raise CommandError(f"No se pudo revisar: {error}") from error
        if options["json"]:
            self.stdout.write(json.dumps({"passed": run.passed, **run.report}, ensure_ascii=False))
        else:
            for lack in run.report["lacks"]:
                self.stdout.write(f"A esta máquina le falta: {lack['what']} ({lack['so']}). Ejercicios afectados: {lack['exercises']}.")
        try:
            run.save()
        except DatabaseError as error:
            self.stderr.write(f"El resultado no se pudo guardar ({error}): ¿faltan las migraciones?")
        broken = [finding["name"] for finding in run.report["findings"] if not finding["held"]]
        if broken:
            raise CommandError(f"El laboratorio no está cerrado: {', '.join(broken)}.")
        if not options["json"]:
            self.stdout.write(f"Cerrado: {len(run.report['findings'])} intentos, ninguno con éxito.")

    def _tell(self, finding: doctor.Finding) -> None:
        self.stdout.write(f"{'✓' if finding.held else '✗'} {finding.tried}")
        self.stdout.write(f"    esperado:  {finding.expected}")
        self.stdout.write(f"    observado: {finding.observed}")
        self.stdout.flush()
