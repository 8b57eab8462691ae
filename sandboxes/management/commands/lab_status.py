"""Say how the lab is."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count

from sandboxes.engine import EngineError, lab_engine
from sandboxes.models import LIVE, Machine, Sandbox


class Command(BaseCommand):
    help = "Dice cómo está el laboratorio: motor, reserva, laboratorios en uso y en cola."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        states = dict(Sandbox.objects.filter(state__in=LIVE).values_list("state").annotate(Count("pk")))
        status = {
            "lab": settings.ENV.name,
            "engine": True,
            "containers": 0,
            "warm": Machine.objects.filter(state=Machine.State.WARM).count(),
            "kept": Sandbox.objects.filter(kept_until__isnull=False).count(),
            "max": settings.ENV.sandboxes_max,
            **{str(state): states.get(state, 0) for state in LIVE},
        }
        try:
            status["containers"] = len(lab_engine().containers())
        except EngineError as error:
            status["engine"] = False
            status["error"] = str(error)
        if options["json"]:
            self.stdout.write(json.dumps(status))
        else:
            self.stdout.write(
                f"Motor: {'en marcha' if status['engine'] else 'no contesta'} · {status['containers']} contenedores\n"
                f"En uso: {status['ready']} de {status['max']} · arrancando: {status['starting']} · en cola: {status['requested']}\n"
                f"En reserva: {status['warm']} · guardados: {status['kept']}"
            )
        if not status["engine"]:
            raise CommandError("El motor del laboratorio no contesta.")
