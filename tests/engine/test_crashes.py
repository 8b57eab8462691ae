"""kill -9 between every two steps of starting and stopping, on the real engine: all is healed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from host.instance import ROOT

pytestmark = pytest.mark.engine


def test_whatever_step_a_process_dies_at_the_next_sweeps_put_it_right(real_lab: Any, tmp_path: Path) -> None:
    env = {**os.environ, "LAB_DATABASE_URL": f"sqlite:///{tmp_path}/lab.sqlite3", "DJANGO_SETTINGS_MODULE": "labsite.settings"}
    command = [sys.executable, "-m", "tests.engine.crashes", "start", "stop"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    deaths = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert not [death for death in deaths if death["wrong"]]
    died = {(death["doing"], death["died"]) for death in deaths}
    for call in ("create", "start", "wait_ready"):
        assert {("start", f"before {call}"), ("start", f"after {call}")} <= died
    assert ("stop", "after stop") in died
