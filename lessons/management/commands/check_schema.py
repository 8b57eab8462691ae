"""Print the JSON Schema of ejercicio.yaml."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from lessons.schema import exercise_schema


class Command(BaseCommand):
    help = "Escribe el esquema JSON de ejercicio.yaml, con todos los tipos de comprobación."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(exercise_schema(), ensure_ascii=False, indent=2))
