"""Which sandboxes may go out to the internet: those that live and whose exercise asks for it, where the lab allows it.

The rules are the host's (host/egress.py); this tells it the whole list, at each change and at each sweep.
"""

from __future__ import annotations

import socket

import structlog
from django.conf import settings

from lessons import catalog
from sandboxes.engine import EngineError, NoSuchContainer, lab_engine
from sandboxes.models import Machine, State

log = structlog.get_logger()
SECONDS = 10


def asks(exercise_key: str) -> bool:
    """Whether the exercise of that key wants the internet."""
    exercise = catalog.exercise(exercise_key)
    return exercise is not None and exercise.lab.internet


def refresh() -> None:
    """Tell the host who may go out now; raises EngineError if it can't be told. Nothing to do where nobody may."""
    if not settings.ENV.internet:
        return
    living = Machine.objects.filter(sandbox__state__in=(State.STARTING, State.READY)).select_related("sandbox")
    addresses: list[str] = []
    for machine in living:
        if machine.sandbox and asks(machine.sandbox.exercise):
            try:
                addresses += lab_engine().addresses(machine.name)
            except NoSuchContainer:
                continue
    _tell(f"set {' '.join(addresses)}\n")


def _tell(order: str) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(SECONDS)
        try:
            client.connect(settings.ENV.egress_socket)
            client.sendall(order.encode())
            said = client.recv(1000).decode(errors="replace").strip()
        except OSError as error:
            raise EngineError(f"the host could not be told who may go out: {error}") from error
    if said != "ok":
        raise EngineError(f"the host refused to let sandboxes out: {said}")
