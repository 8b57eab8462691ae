"""Make a link with which somebody chooses a new password."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from lessons.passwords import reset_link


class Command(BaseCommand):
    help = "Hace un enlace, válido una vez y tres días, para que alguien elija otra contraseña."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("usuario")

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(username=options["usuario"]).first()
        if user is None:
            raise CommandError(f"No hay nadie que se llame «{options['usuario']}».")
        self.stdout.write(reset_link(user))
