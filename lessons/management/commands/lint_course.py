"""Look over the course's files."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import ngettext

from lessons import catalog
from lessons.lint import lint


class Command(BaseCommand):
    help = "Revisa los ficheros del curso y dice fichero y línea de cada fallo y de lo que conviene mirar."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("carpeta", nargs="?", type=Path, help="carpeta de un curso (por omisión, el configurado)")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = (options["carpeta"] or catalog.home()).resolve()
        found = lint(folder, today=timezone.localdate())
        errors = [str(fault) for fault in found if not fault.warning]
        warnings = [str(fault) for fault in found if fault.warning]
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not errors, "errors": errors, "warnings": warnings}, ensure_ascii=False))
        else:
            for warning in warnings:
                self.stdout.write(warning)
            if not errors:
                course = catalog.load(folder)
                written = sum(lesson.written for lesson in course.lessons)
                lessons, exercises, warned = len(course.lessons), len(course.exercises), len(warnings)
                self.stdout.write(
                    f"{course.title}: "
                    + ngettext("%(count)d lección", "%(count)d lecciones", lessons) % {"count": lessons}
                    + ngettext(" (%(count)d escrita), ", " (%(count)d escritas), ", written) % {"count": written}
                    + ngettext("%(count)d ejercicio. Sin fallos", "%(count)d ejercicios. Sin fallos", exercises) % {"count": exercises}
                    + (ngettext("; %(count)d aviso.", "; %(count)d avisos.", warned) % {"count": warned} if warned else ".")
                )
        if errors:
            raise CommandError("\n".join(errors))
