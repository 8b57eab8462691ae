"""Keeps the worker's clock going: Celery never looks whether the process that sends the periodic tasks still lives.

The kernel ends that process for want of memory like any other, and from then on nothing would be swept, watched or kept warm.
"""

from __future__ import annotations

from typing import Any

import structlog
from celery import bootsteps
from celery.worker.components import Beat, Timer

log = structlog.get_logger()

EVERY = 5.0
"""Seconds between two looks: what the lab's most frequent task can be late by."""


class Clock(bootsteps.StartStopStep):  # type: ignore[misc]
    """A step of the worker: a clock that has ended is replaced by another."""

    requires = (Beat, Timer)
    _looks: Any = None

    def start(self, worker: Any) -> None:
        if worker.beat is not None:
            self._looks = worker.timer.call_repeatedly(EVERY, self.look, (worker,))

    def stop(self, worker: Any) -> None:
        """Before the worker ends its clock, as steps stop in reverse: one that is to end is not replaced."""
        if self._looks:
            self._looks.cancel()

    terminate = stop

    def look(self, worker: Any) -> None:
        """Make and start another if it has ended. The worker's own step holds it, and ends it with the worker."""
        if worker.beat.is_alive():
            return
        log.warning("the clock had ended, another one is started", code=worker.beat.exitcode)
        step = worker.blueprint[Beat.name]
        step.obj = step.create(worker)
        step.start(worker)
