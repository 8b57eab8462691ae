"""Each container is restarted while somebody works: the shell is the same, and what they ask is answered."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from host.instance import ROOT
from tests.browser.test_journey import check, end, screen, start, type_line
from tests.conftest import wait_until

pytestmark = pytest.mark.browser


def compose(*words: str) -> None:
    done = subprocess.run(["sh", "host/bootstrap.sh", "compose", "run", *words], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


SERVICES = ("proxy", "web", "worker", "collector", "tokens", "db", "redis", "mirror", "registry")


def test_no_service_restarted_in_mid_use_loses_anything(person: Any) -> None:
    page = person("reinicio")
    start(page)
    type_line(page, 'docker run busybox:1.37 echo "hello world"; variable=sigue', "antes")
    for service in SERVICES:
        compose("restart", service)
        compose("up", "--detach", "--no-build", "--no-deps", "--wait", service)
        wait_until(lambda: page.locator("[data-connection=conectado]").count(), seconds=90)
        type_line(page, f"clear; echo aqui-$variable-{service}", service)
        assert f"aqui-sigue-{service}" in screen(page)
        type_line(page, "docker rm -f saludo; docker run --name saludo busybox:1.37 echo hola", f"saludo-{service}", seconds=120)
        check(page, "passed")
    end(page)
