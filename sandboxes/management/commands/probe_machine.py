"""Ask a machine of this lab what is true of it."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lessons import facts
from sandboxes import pool, probe
from sandboxes.engine import EngineError


class Command(BaseCommand):
    help = "Pregunta a una máquina de este laboratorio los datos de los que hablan los recuadros «En tu máquina»."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--anotar", action="store_true", help="los guarda también con el programa, en lessons/facts.json")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            machine = pool.make()
        except EngineError as error:
            raise CommandError(f"No se pudo hacer una máquina: {error}") from error
        try:
            seen = probe.probe(machine.name)
        except EngineError as error:
            raise CommandError(f"La máquina no contestó: {error}") from error
        finally:
            pool.discard(machine)
        facts.keep(seen)
        if options["anotar"]:
            facts.KEPT.write_text(json.dumps(seen, ensure_ascii=False, indent=2) + "\n")
        for name, value in seen.items():
            was = facts.kept()[name]
            self.stdout.write(f"{name:14} {value}" + (f"   (con el programa: {was})" if was != value else ""))
