"""Celery tasks: thin wrappers, so that what they do can be called and tested without a worker."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.app.task import Task
from django.db import transaction


def enqueue(task: Task, *args: Any, after: float = 0) -> None:
    """Send a task once the transaction at hand is committed, so that the worker finds what it is about.

    It begins `after` seconds later: what is urgent for nobody leaves the processor to what a student waits for."""
    transaction.on_commit(lambda: task.apply_async(args, countdown=after or None))


@shared_task
def bring_up(sandbox_id: str) -> None:
    from sandboxes import lifecycle
    from sandboxes.models import Sandbox

    for sandbox in Sandbox.objects.filter(pk=sandbox_id):
        lifecycle.bring_up(sandbox)


@shared_task
def put_away(sandbox_id: str) -> None:
    from sandboxes import lifecycle
    from sandboxes.models import Sandbox

    for sandbox in Sandbox.objects.filter(pk=sandbox_id):
        lifecycle.put_away(sandbox)


@shared_task
def tend_pool() -> None:
    from sandboxes import pool

    pool.tend()


@shared_task
def sweep() -> None:
    from sandboxes import checkpoints, grading, reaper, visits
    from sandboxes.recording import tape

    reaper.sweep()
    checkpoints.sweep()
    grading.end_lost_checks()
    tape.sweep()
    visits.sweep()


@shared_task
def watch() -> None:
    from sandboxes import watch as watcher

    watcher.watch()


@shared_task
def run_check(check_id: int) -> None:
    from sandboxes import grading

    grading.run_check(check_id)


@shared_task
def keep_checkpoint(sandbox_id: str, step: int) -> None:
    from sandboxes import checkpoints
    from sandboxes.models import Sandbox

    for sandbox in Sandbox.objects.filter(pk=sandbox_id):
        checkpoints.keep(sandbox, step)


@shared_task
def refresh_egress() -> None:
    from sandboxes import egress

    egress.refresh()


@shared_task
def resume_checks() -> None:
    from sandboxes import grading

    grading.resume_checks()


@shared_task
def examine_programs(check_id: int, put_off: int = 0) -> None:
    from lessons.models import CheckRun
    from sandboxes import programs

    for check in CheckRun.objects.filter(pk=check_id):
        if not programs.examine_in_turn(check, put_off=put_off):
            enqueue(examine_programs, check_id, put_off + 1, after=programs.AFTER)
