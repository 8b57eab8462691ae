"""What `command` says of each evidence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandboxes.judging import judge


@pytest.mark.parametrize(
    ("spec", "evidence", "status", "said"),
    [
        ({"salida": "remoto", "regex": "^remoto$"}, {"code": 0, "output": "remoto\n"}, "passed", "remoto"),
        ({"salida": "remoto"}, {"code": 0, "output": "default"}, "failed", "dijo «default»"),
        ({"regex": "^x$"}, {"code": 0, "output": ""}, "failed", "no dijo nada"),
        ({"codigo": None}, {"code": 3, "output": ""}, "passed", ""),
        ({}, {"code": 1, "output": "Cannot connect to the Docker daemon at unix"}, "failed", "service docker start"),
        ({}, {"code": 1, "output": "permission denied while trying to connect to"}, "failed", "grupo docker"),
        ({}, {"code": 127, "output": "not found"}, "failed", "bien escrito"),
        ({}, {"code": 124, "output": ""}, "failed", "10 segundos"),
        ({"pista": "Prueba otra vez."}, {"code": 2, "output": ""}, "failed", "Prueba otra vez."),
    ],
)
def test_command_says(spec: dict[str, Any], evidence: dict[str, Any], status: str, said: str) -> None:
    got, text = judge("command", {"orden": "docker context show", **spec}, evidence)
    assert got == status, text
    assert said in text
