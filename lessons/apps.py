"""The course's Django application."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LessonsConfig(AppConfig):
    name = "lessons"
    verbose_name = _("Curso")

    def ready(self) -> None:
        from lessons import matching

        matching.install()
