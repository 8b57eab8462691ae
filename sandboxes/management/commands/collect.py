"""Run the lab's collector of engine events, until it is told to stop."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from sandboxes.events.collector import Collector


class Command(BaseCommand):
    help = "Escucha los motores de los laboratorios en uso y guarda lo que pasa en ellos. Lo arranca el supervisor."

    def handle(self, *args: Any, **options: Any) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(_collect())


async def _collect() -> None:
    task = asyncio.current_task()
    assert task
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    collector = Collector()
    await collector.reconcile()
    if path := os.environ.get("LAB_COLLECTOR_READY"):
        Path(path).touch()
    await collector.run()
