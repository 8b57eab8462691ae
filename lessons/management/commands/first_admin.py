"""Create the account that administers the site, if nobody does yet."""

import json
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from lessons.accounts import username_validators


def _check_name(name: str) -> None:
    for validate in username_validators:
        try:
            validate(name)
        except ValidationError as error:
            raise CommandError(f"«{name}» no vale como nombre de cuenta (LAB_ADMIN). {error.messages[0]}") from error


class Command(BaseCommand):
    help = "Crea la primera cuenta de administración, si no hay ninguna, y dice su contraseña."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("usuario")
        parser.add_argument("--json", action="store_true", help="para un programa; null si ya había quien administrara")

    def handle(self, *args: Any, **options: Any) -> None:
        people = get_user_model().objects
        name = options["usuario"]
        made = None
        if not people.filter(is_superuser=True, is_active=True).exists():
            _check_name(name)
            if people.filter(username__iexact=name).exists():
                raise CommandError(f"«{name}» ya es otra cuenta: di otro nombre, o dale permisos con createsuperuser.")
            made = {"user": name, "password": secrets.token_urlsafe(12)}
            people.create_superuser(name, password=made["password"])
        if options["json"]:
            self.stdout.write(json.dumps(made))
        elif made:
            self.stdout.write(f"{made['user']}  {made['password']}")
        else:
            self.stdout.write("Ya hay quien administra: no se ha creado ninguna cuenta.")
