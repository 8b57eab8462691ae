"""Examine the isolation of this lab."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sandboxes import doctor
from sandboxes.engine import EngineError, lab_engine
from sandboxes.models import DoctorRun


class Command(BaseCommand):
    help = "Examina el aislamiento: intenta, desde dentro de un laboratorio, salir de él y dañar a su vecino."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        try:
            for finding in doctor.examine(lab_engine()):
                findings.append(finding)
                if not options["json"]:
                    self.stdout.write(f"{'✓' if finding.held else '✗'} {finding.attempt}")
                    self.stdout.write(f"    esperado: {finding.expected} · observado: {finding.observed}")
        except EngineError as error:
            raise CommandError(f"No se pudo examinar: {error}") from error
        breaches = [finding.attempt for finding in findings if not finding.held]
        lacking = doctor.host_lacks()
        DoctorRun.objects.create(passed=not breaches, report=[asdict(finding) for finding in findings])
        if options["json"]:
            report = {"passed": not breaches, "findings": [asdict(finding) for finding in findings], "host_lacks": lacking}
            self.stdout.write(json.dumps(report, ensure_ascii=False))
        else:
            for line in lacking:
                self.stdout.write(f"· A este anfitrión le falta {line}")
        if breaches:
            raise CommandError(f"{len(breaches)} de {len(findings)} intentos no se contuvieron: {', '.join(breaches)}.")
        if not options["json"]:
            self.stdout.write(f"Los {len(findings)} intentos se contuvieron.")
