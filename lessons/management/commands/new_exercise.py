"""Start an exercise."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lessons import catalog
from lessons.authoring import new_exercise


class Command(BaseCommand):
    help = "Empieza un ejercicio que ya funciona, para cambiarlo."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("leccion", help="el nombre de la lección, sin su número")
        parser.add_argument("nombre", help="minúsculas, cifras y guiones: sale en la dirección y no debe cambiar nunca")
        parser.add_argument("titulo")
        parser.add_argument("--curso", type=Path, help="carpeta del curso (por omisión, el configurado)")

    def handle(self, *args: Any, **options: Any) -> None:
        course = (options["curso"] or catalog.home()).resolve()
        try:
            written = new_exercise(course, lesson=options["leccion"], slug=options["nombre"], title=options["titulo"])
        except catalog.CourseError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Hecho. Sigue en {written}.")
