"""Where the kernel knows no btrfs: a lab on ext4, raised from nothing, used, examined by the doctor and lowered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from host import images
from host.instance import ROOT, STATE

pytestmark = pytest.mark.engine
NAME, OCTET = "labext4", "231"


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[str, Any]]:
    """What tests/engine/on_ext4.py saw."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
    env = {
        **ours,
        "DJANGO_SETTINGS_MODULE": "labsite.settings",
        "LAB_STORAGE": "ext4",
        "LAB_DISK": "20G",
        "LAB_SUBNET_OCTET": OCTET,
        "LAB_MIN_DISK_MB": "1000",
    }
    command = ["sh", "host/bootstrap.sh", "up", "--name", NAME, "--exec", ".venv/bin/python", "-m", "tests.engine.on_ext4"]
    try:
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=400)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        found = [line for line in done.stdout.splitlines() if line.startswith("{")]
        yield json.loads(found[-1])
    finally:
        subprocess.run(["sh", "host/bootstrap.sh", "down", "--name", NAME], cwd=ROOT, env=env, capture_output=True, timeout=150)
        shutil.rmtree(STATE / NAME, ignore_errors=True)


def test_a_students_engine_works_on_overlay2(seen: dict[str, Any]) -> None:
    assert (seen["driver"], seen["run"]) == ("overlay2", "hola")


def test_who_writes_more_than_theirs_is_ended_and_can_come_back(seen: dict[str, Any]) -> None:
    end = seen["over"]
    assert (end["code"], end["killed"], end["told"]) == (137, True, "disk")
    assert 1 << 30 < end["size"] < 4 << 30


def test_a_stopped_sandbox_keeps_its_containers_and_a_removed_one_no_volume(seen: dict[str, Any]) -> None:
    assert seen["kept"] == "uno"
    assert (seen["volumes"], seen["volumes left"]) == (1, 0)


def test_a_sandbox_that_begins_with_the_course_images_pulls_them(seen: dict[str, Any]) -> None:
    assert seen["seeded"] == sorted(images.course_images())


def test_the_doctor_finds_it_closed_and_says_what_is_lost(seen: dict[str, Any]) -> None:
    assert seen["doctor"] == {"disco": "", "subvolúmenes": "", "montajes": ""}, "what was observed instead of being held"
    words, exercises = seen["lack"]
    assert "ext4" in words
    assert "rayos-x" in exercises
