"""The Celery application and its clock."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import task_postrun, worker_init, worker_ready

from labsite.clock import Clock

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labsite.settings")

app = Celery("labsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Nothing to remember between runs, and a schedule on disk can be left broken by a kill.
app.conf.beat_scheduler = "celery.beat:Scheduler"
app.steps["worker"].add(Clock)
app.conf.beat_schedule = {
    "sweep": {"task": "sandboxes.tasks.sweep", "schedule": 15.0, "options": {"expires": 15}},
    "watch": {"task": "sandboxes.tasks.watch", "schedule": 30.0, "options": {"expires": 30}},
    "tend-pool": {"task": "sandboxes.tasks.tend_pool", "schedule": 10.0, "options": {"expires": 10}},
}


@worker_init.connect
def read_ahead(**_: Any) -> None:
    """Before the pool is made: the graders and the course, which each of its processes would else read while its first student waits."""
    from lessons import catalog
    from sandboxes import grading  # noqa: F401

    catalog.course()


@worker_ready.connect
def say_ready(**_: Any) -> None:
    """Carry on with what a former worker left, and tell whoever started this one (the supervisor) that it takes tasks."""
    app.send_task("sandboxes.tasks.resume_checks")
    if path := os.environ.get("LAB_WORKER_READY"):
        Path(path).touch()


@task_postrun.connect
def say_alive(**_: Any) -> None:
    """Its clock sends a task every few seconds: a file that has grown old says that something of all this stands still."""
    if path := os.environ.get("LAB_WORKER_READY"):
        Path(path).touch()
