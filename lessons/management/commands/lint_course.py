"""Validate the course's files."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lessons import catalog


class Command(BaseCommand):
    help = "Revisa los ficheros del curso y dice fichero y línea de cada fallo."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("carpeta", nargs="?", type=Path, help="carpeta de un curso (por omisión, el configurado)")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        errors: list[str] = []
        course = None
        try:
            course = catalog.load(options["carpeta"]) if options["carpeta"] else catalog.course()
        except catalog.CourseError as error:
            errors = str(error).splitlines()
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not errors, "errors": errors}, ensure_ascii=False))
        elif course:
            written = sum(lesson.written for lesson in course.lessons)
            self.stdout.write(
                f"{course.title}: {len(course.lessons)} lecciones ({written} escritas), {len(course.exercises)} ejercicios. Sin fallos."
            )
        if errors:
            raise CommandError("\n".join(errors))
