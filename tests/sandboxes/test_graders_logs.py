"""What `logs` says of each evidence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandboxes.judging import judge

SEEN: dict[str, Any] = {"names": ["web"], "status": "running", "output": "uno\nlisto 7\n"}


@pytest.mark.parametrize(
    ("spec", "evidence", "status", "said"),
    [
        ({"texto": "listo", "sin": "error"}, SEEN, "passed", "listo 7"),
        ({"regex": "^listo [0-9]$"}, SEEN, "passed", "listo 7"),
        ({"texto": "listo", "veces": 2}, SEEN, "failed", "2 veces"),
        ({"texto": "LISTO"}, SEEN, "failed", "mayúsculas"),
        ({"texto": "adiós"}, SEEN, "failed", "docker logs web"),
        ({"sin": "uno"}, SEEN, "failed", "arregla la causa"),
        ({"texto": "x"}, {**SEEN, "output": ""}, "failed", "primer proceso"),
        ({"texto": "x"}, {**SEEN, "status": "created", "output": ""}, "failed", "docker start web"),
        ({"texto": "x"}, {"names": []}, "failed", "--rm"),
    ],
)
def test_logs_says(spec: dict[str, Any], evidence: dict[str, Any], status: str, said: str) -> None:
    got, text = judge("logs", {"contenedor": "web", **spec}, evidence)
    assert got == status, text
    assert said in text
