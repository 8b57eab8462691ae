"""Prove that the lessons' commands do what the texts show."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lessons import catalog, values
from sandboxes.engine import lab_engine
from sandboxes.proving.student import made_up
from sandboxes.proving.walk import Walk, walk
from sandboxes.registry import credentials


class Command(BaseCommand):
    help = "Teclea las órdenes de los textos de las lecciones y compara lo que contestan con lo que el texto muestra."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("lecciones", nargs="*", help="nombres de lecciones; todas por omisión")
        parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="lecciones a la vez")
        parser.add_argument("--ver", action="store_true", help="muestra también lo que contestó cada orden")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = _chosen(options["lecciones"])
        with ThreadPoolExecutor(max(1, options["jobs"])) as pool:
            walks = list(pool.map(_walked, chosen))
        for lesson, done in zip(chosen, walks, strict=True):
            self._tell(lesson, done, everything=options["ver"])
        faults = sum(len(done.differences) for done in walks)
        if faults:
            raise CommandError(f"{faults} órdenes no hacen lo que dice el texto.")

    def _tell(self, lesson: catalog.Lesson, done: Walk, *, everything: bool) -> None:
        mark = "✗" if done.differences else "✓"
        self.stdout.write(f"{mark} {lesson.slug}: {done.commands} órdenes")
        for line, command, seen in done.answers if everything else ():
            self.stdout.write(f"  {line}: $ {command}\n" + "".join(f"      {said}\n" for said in seen), ending="")
        for difference in done.differences:
            self.stdout.write(f"    {difference}")


def _walked(lesson: catalog.Lesson) -> Walk:
    """What differs is typed once more, in new machines: a slow moment is not the text's fault, and a true one comes back."""
    done = _walk(lesson)
    return _walk(lesson) if done.differences else done


def _walk(lesson: catalog.Lesson) -> Walk:
    """As a made-up student, whom the class registry knows."""
    with made_up() as student:
        text = values.fill(_text(lesson), {values.USER: student.username})
        return walk(text, lab_engine(), password=credentials.password(student))


def _chosen(wanted: list[str]) -> list[catalog.Lesson]:
    written = [lesson for lesson in catalog.course().lessons if lesson.written]
    missing = sorted(set(wanted) - {lesson.slug for lesson in written})
    if missing:
        raise CommandError(f"No hay lecciones escritas que se llamen así: {', '.join(missing)}.")
    return [lesson for lesson in written if not wanted or lesson.slug in wanted]


def _text(lesson: catalog.Lesson) -> str:
    return (catalog.home() / f"{lesson.number:02}-{lesson.slug}" / "leccion.md").read_text()
