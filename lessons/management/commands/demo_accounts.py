"""Create the demonstration accounts with fresh passwords."""

import json
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandParser

from lessons import cohorts

ROLES = {"ana": "estudiante", "carmen": "instructora", "olga": "operadora"}
COHORT = "Clase de muestra"


class Command(BaseCommand):
    help = "Crea (o renueva) las cuentas de demostración y dice sus contraseñas."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        said, people = [], {}
        for name, role in ROLES.items():
            password = secrets.token_urlsafe(9)
            user, _ = get_user_model().objects.get_or_create(username=name)
            user.set_password(password)
            user.is_staff = role != "estudiante"
            user.is_superuser = role == "operadora"
            user.save()
            people[name] = user
            said.append({"user": name, "role": role, "password": password})
        if not cohorts.given_by(people["carmen"]).exists():
            cohorts.join(cohorts.create(people["carmen"], COHORT), people["ana"])
        if options["json"]:
            self.stdout.write(json.dumps(said, ensure_ascii=False))
        else:
            for account in said:
                self.stdout.write(f"{account['user']:<8} {account['password']:<16} {account['role']}")
