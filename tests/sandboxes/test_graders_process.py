"""What `process` says of each evidence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandboxes.judging import judge

REDIS = {"pid": 1, "uid": 999, "owner": "redis", "program": "redis-server", "line": "redis-server *:6379"}
SEEN: dict[str, Any] = {"names": ["bd"], "status": "running", "processes": [REDIS]}


@pytest.mark.parametrize(
    ("spec", "evidence", "status", "said"),
    [
        ({"usuario": "redis", "primero": True}, SEEN, "passed", "6379"),
        ({"usuario": "999"}, SEEN, "passed", ""),
        ({"usuario": "root"}, SEEN, "failed", "corre como «redis»"),
        ({"primero": True}, {**SEEN, "processes": [{**REDIS, "pid": 7}]}, "failed", "corchetes"),
        ({"programa": "nginx"}, SEEN, "failed", "corre «redis-server»"),
        ({}, {**SEEN, "status": "exited"}, "failed", "Mira por qué con «docker logs bd»"),
        ({}, {**SEEN, "status": "created"}, "failed", "«docker start bd» dice por qué"),
        ({}, {"names": []}, "failed", "docker run -d --name bd"),
        ({}, {"names": []}, "failed", "no hay ningún contenedor «bd»; tu motor no tiene ninguno"),
        ({}, {"names": ["web"]}, "failed", "no hay ningún contenedor «bd»; tu motor tiene «web»"),
        ({}, {**SEEN, "processes": []}, "failed", "en «bd» no corre nada"),
    ],
)
def test_process_says(spec: dict[str, Any], evidence: dict[str, Any], status: str, said: str) -> None:
    got, text = judge("process", {"contenedor": "bd", "programa": "redis-server", **spec}, evidence)
    assert got == status, text
    assert said in text
