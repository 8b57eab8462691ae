"""Who works without pause steps back while it lasts; processes that only multiply are killed, and who begins again is ended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.conf import settings

from host.bombs import STRIKES
from sandboxes import losses
from sandboxes.engine import EngineError
from tests.conftest import wait_until

pytestmark = pytest.mark.engine
BOMB = "perl -e 'fork while 1'"
# Asking is work too: not too often.
WEIGHT = ["sh", "-c", "sleep 2; cat /sys/fs/cgroup/cpu/cpu.shares 2>/dev/null || cat /sys/fs/cgroup/cpu.weight"]

USUAL = (1024, 100)
"""In version 1 and in version 2."""


def test_who_works_without_pause_counts_for_less_while_it_lasts(real_lab: Any, machine: str) -> None:
    def weight() -> int:
        return int(real_lab.run(machine, WEIGHT).output)

    wait_until(lambda: weight() in USUAL, seconds=60)  # starting is work
    with ThreadPoolExecutor() as pool:
        work = pool.submit(real_lab.run, machine, ["timeout", "120", "sh", "-c", "while :; do :; done"], seconds=130)
        wait_until(lambda: weight() not in USUAL, seconds=60)
        real_lab.run(machine, ["pkill", "timeout"])
        work.result()
    wait_until(lambda: weight() in USUAL, seconds=60)


def test_a_bomb_is_cut_short_and_its_machine_lives(real_lab: Any, machine: str) -> None:
    done = real_lab.run(machine, ["sh", "-c", f"{BOMB}; echo murió: $?"], user="alumno", seconds=120)
    assert b"137" in done.output
    assert real_lab.run(machine, ["sh", "-c", "pgrep -c perl"], seconds=30).output.strip() == b"0"
    assert real_lab.run(machine, ["docker", "ps", "-q"], seconds=30).code == 0


def test_who_begins_again_and_again_is_ended_and_told_why(real_lab: Any, machine: str) -> None:
    def begin_again() -> None:
        with suppress(EngineError):  # the last time it ends with the machine
            for _ in range(2 * STRIKES):
                real_lab.run(machine, ["sh", "-c", BOMB], user="alumno", seconds=120)

    with ThreadPoolExecutor() as pool:
        pool.submit(begin_again)

        def ended() -> Any:
            found = {container.name: container for container in real_lab.containers()}
            return found if losses.lost(found.get(machine)) else None

        found = wait_until(ended, seconds=120)
    assert settings.ENV.endings_dir
    assert "sus procesos se multiplicaban" in losses.why([machine], {**found, "otra": next(iter(found.values()))})
