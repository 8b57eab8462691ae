"""What tests/engine/test_crashes.py runs: a process does something with a sandbox and is killed before or after its nth
call to the real engine, for every n; then others sweep, and it is looked at what has become of it all.

    python -m tests.engine.crashes [start] [stop] [continue] [warm]

Prints one line of JSON for each death: what was being done, before which call, and what is wrong afterwards.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labsite.settings")
import django

django.setup()

import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from lessons import catalog
from sandboxes import engine, lifecycle, pool, reaper, tasks
from sandboxes.models import LIVE, Machine, Sandbox, State

settings.ENV = settings.ENV.model_copy(update={"pool_min": 0, "pool_max": 0})
EXERCISE = catalog.course().exercises["docker-intensivo/hello-world/hello-world"]
SENT: list[tuple[str, tuple[Any, ...]]] = []
tasks.enqueue = lambda task, *args, **_when: SENT.append((task.name.rsplit(".", 1)[-1], args))  # type: ignore[assignment]


class Fused:
    """The real engine, for a process that is killed (-9) at a given moment: twice as many as there are calls."""

    def __init__(self, moment: int, told: int) -> None:
        self._moment, self._told = moment, told

    def __getattr__(self, name: str) -> Any:
        call = getattr(REAL, name)

        def fused(*args: Any, **more: Any) -> Any:
            self._burn(f"before {name}")
            done = call(*args, **more)
            self._burn(f"after {name}")
            return done

        return fused

    def _burn(self, where: str) -> None:
        self._moment -= 1
        if self._moment < 0:
            os.write(self._told, where.encode())
            os.kill(os.getpid(), signal.SIGKILL)


def work() -> None:
    """Be the worker."""
    while SENT:
        name, args = SENT.pop(0)
        getattr(tasks, name).run(*args)


def start(user: User) -> None:
    lifecycle.start(user, EXERCISE)
    work()


def stop(user: User) -> None:
    live = lifecycle.current(user)
    assert live
    lifecycle.stop(live, reason="")
    work()


def go_on(user: User) -> None:
    lifecycle.resume(Sandbox.objects.get(user=user))
    work()


def warm(_user: User) -> None:
    settings.ENV = settings.ENV.model_copy(update={"pool_min": 1, "pool_max": 1})
    pool.tend()


DOINGS: dict[str, tuple[list[Callable[[User], None]], Callable[[User], None]]] = {
    "start": ([], start),
    "stop": ([start], stop),
    "continue": ([start, stop], go_on),
    "warm": ([], warm),
}
"""What comes first, undisturbed, and what is cut short."""


def die(doing: Callable[[User], None], user: User, moment: int) -> str | None:
    """Do it in a process that dies at that moment; where that was, None if it was done before."""
    connections.close_all()
    reads, told = os.pipe()
    child = os.fork()
    if not child:
        global REAL
        engine.use(None)
        REAL = engine.lab_engine()  # on connections of its own
        engine.use(Fused(moment, told))  # type: ignore[arg-type]
        doing(user)
        os._exit(0)
    os.close(told)
    where = os.read(reads, 100).decode()
    os.close(reads)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError("it failed, undisturbed")
    return where if os.WIFSIGNALED(status) else None


def forget_turns() -> None:
    """A dead process's turn, and its say over the pool, end by themselves, within seconds and minutes."""
    cache.clear()
    client = redis.Redis.from_url(settings.ENV.redis_url)
    for key in client.scan_iter(f"{settings.ENV.name}:turn:*"):
        client.delete(key)


def heal() -> None:
    """Time passes, and sweeps come by."""
    forget_turns()
    for _ in range(4):
        long_ago = timezone.now() - timedelta(minutes=10)
        Machine.objects.update(created=long_ago)
        Sandbox.objects.exclude(state=State.READY).update(changed=long_ago)
        reaper.sweep()
        work()


def wrong(user: User) -> list[str]:
    rows = {machine.name: machine for machine in Machine.objects.all()}
    there = {each.name: each.state for each in REAL.containers() if "lab.machine" in each.labels}
    found = [f"leaked {name}" for name in there.keys() - rows.keys()] + [f"no container of {name}" for name in rows.keys() - there.keys()]
    found += [f"leaked network {name}" for name in set(REAL.networks()) - rows.keys()]
    found += [f"still {row.state}" for row in Sandbox.objects.filter(state__in=(State.REQUESTED, State.STARTING))]
    for sandbox in Sandbox.objects.all():
        states = {there.get(machine.name, "") for machine in sandbox.machines.all()}
        if sandbox.state == State.READY and states != {"running"}:
            found.append(f"ready, and its machines are {states}")
        if not sandbox.live and "running" in states:
            found.append("ended, and its machine runs")
    return found


def usable(user: User) -> list[str]:
    """Whatever happened, the student can have a sandbox now."""
    lifecycle.start(user, EXERCISE)
    work()
    return [] if Sandbox.objects.filter(user=user, state=State.READY).count() == 1 else ["the next start fails"]


def clear() -> None:
    for machine in Machine.objects.all():
        pool.discard(machine)
    User.objects.all().delete()
    Sandbox.objects.all().delete()
    cache.clear()


def main() -> None:
    call_command("migrate", verbosity=0)
    reaper.GRACE = timedelta(0)
    for name in sys.argv[1:] or DOINGS:
        first, doing = DOINGS[name]
        moment = 0
        where: str | None = ""
        while where is not None:
            user = User.objects.create(username="ana")
            try:
                for each in first:
                    each(user)
                where = die(doing, user, moment)
                if where is not None:
                    heal()
                    found = wrong(user) + (usable(user) if moment % 4 == 0 and not Sandbox.objects.filter(state__in=LIVE).exists() else [])
                    print(json.dumps({"doing": name, "died": where, "wrong": found}), flush=True)
            finally:
                clear()
            moment += 1


REAL = engine.lab_engine()

if __name__ == "__main__":
    main()
