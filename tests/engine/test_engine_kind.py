"""`engine` on a real machine: what is broken is said, also when the engine is down."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import wait_until
from tests.engine.test_graders import check

pytestmark = pytest.mark.engine

ENGINE = {"tipo": "engine", "acceso": True, "version": "26", "contexto": "default", "info": {"Driver": "overlay2"}}
BREAKS = [
    ("chmod 666 /var/run/docker.sock", "chmod 660", "chmod 660 /var/run/docker.sock"),
    ("gpasswd -d alumno docker", "usermod -aG docker", "usermod -aG docker alumno"),
    (
        "echo export DOCKER_HOST=tcp://127.0.0.1:9 >> /home/alumno/.profile",
        "DOCKER_HOST manda",
        "sed -i /DOCKER_HOST/d /home/alumno/.profile",
    ),
]


def test_engine_says_what_is_broken(real_lab: Any, machine: str) -> None:
    def do(command: str) -> None:
        done = real_lab.run(machine, ["sh", "-c", command], seconds=60)
        assert done.code == 0, done.output

    assert check(real_lab, machine, ENGINE)[0] == "passed", check(real_lab, machine, ENGINE)
    for breaks, said, mends in BREAKS:
        do(breaks)
        status, text = check(real_lab, machine, ENGINE)
        assert (status, said in text) == ("failed", True), text
        do(mends)
    do("echo export DOCKER_HOST=unix:///var/run/docker.sock >> /home/alumno/.profile")
    assert check(real_lab, machine, ENGINE)[0] == "passed", "it is the same engine"
    do("sed -i /DOCKER_HOST/d /home/alumno/.profile")
    do("kill $(pidof dockerd)")
    stopped = {"tipo": "engine", "en_marcha": False}
    wait_until(lambda: check(real_lab, machine, stopped)[0] == "passed", seconds=60)
    status, text = check(real_lab, machine, ENGINE)
    assert (status, "sudo service docker start" in text) == ("failed", True), text
    do("printf '{\\n\"debug\": true,\\n}\\n' > /etc/docker/daemon.json")
    status, text = check(real_lab, machine, ENGINE)
    assert (status, "no es JSON válido (línea" in text) == ("failed", True), text
