"""What `engine` says of each state of the engine."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandboxes.judging import judge

UP: dict[str, Any] = {
    "up": True, "answers": True, "version": "26.1.5", "mode": 0o660, "group": "docker", "groups": ["alumno", "docker"], "reached": True,
    "context": "default",
}  # fmt: skip
SETTINGS = {"demonio": {"log-opts.max-size": "10m"}}


@pytest.mark.parametrize(
    ("spec", "evidence", "status", "said"),
    [
        ({"acceso": True, "version": "26", "contexto": "default"}, UP, "passed", "26.1.5"),
        ({}, {"up": False}, "failed", "sudo service docker start"),
        ({}, {"up": False, "daemon_error": "línea 3"}, "failed", "no es JSON válido (línea 3)"),
        ({}, {"up": True}, "failed", "no contesta"),
        ({"en_marcha": False}, {"up": True}, "failed", "docker stop"),
        ({"en_marcha": False}, {"up": False}, "passed", "parado"),
        ({"acceso": True}, {**UP, "mode": 0o666}, "failed", "chmod 660"),
        ({"acceso": True}, {**UP, "groups": ["alumno"], "reached": False}, "failed", "usermod -aG docker alumno"),
        ({"acceso": True}, {**UP, "host": "tcp://x:1", "reached": False}, "failed", "DOCKER_HOST manda"),
        ({"acceso": True}, {**UP, "context": "otro", "reached": False}, "failed", "docker context use default"),
        ({"acceso": True}, {**UP, "group": "root", "reached": False, "said": "permission denied while"}, "failed", "chgrp docker"),
        ({"acceso": True}, {**UP, "reached": False, "said": "vaya"}, "failed", "«vaya»"),
        ({"contexto": "lejos"}, UP, "failed", "docker context use lejos"),
        ({"contexto": "lejos"}, {**UP, "host": "ssh://x"}, "failed", "unset DOCKER_HOST"),
        ({"acceso": True, "contexto": "default"}, {**UP, "host": "unix:///var/run/docker.sock"}, "passed", ""),
        ({"contexto": "lejos"}, {**UP, "host": "unix:///var/run/docker.sock"}, "failed", "unset DOCKER_HOST"),
        ({"version": "2"}, UP, "failed", "26.1.5"),
        ({"info": {"Driver": "overlay2"}}, {**UP, "info": {"Driver": "vfs"}}, "failed", "Driver es vfs"),
        ({"info": {"Swarm.ControlAvailable": True}}, {**UP, "info": {"Swarm.ControlAvailable": "true"}}, "passed", ""),
        (SETTINGS, {**UP, "daemon": {"log-opts.max-size": "10m"}}, "passed", ""),
        (SETTINGS, {**UP, "daemon": {"log-opts.max-size": None}}, "failed", "no está log-opts.max-size"),
        ({"info": {"Driver": "overlay2"}}, {**UP, "info": {"Driver": None}}, "failed", "Driver no dice nada"),
        (SETTINGS, {**UP, "daemon_error": "línea 2"}, "failed", "jq ."),
    ],
)
def test_engine_says(spec: dict[str, Any], evidence: dict[str, Any], status: str, said: str) -> None:
    got, text = judge("engine", spec, evidence)
    assert got == status, text
    assert said in text
