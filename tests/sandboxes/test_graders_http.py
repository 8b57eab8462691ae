"""What `http` says of each evidence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandboxes.judging import judge

SEEN: dict[str, Any] = {"code": 0, "status": 200, "body": '{"a": [1, {"b": "hola"}]}'}
SILENT: dict[str, Any] = {"code": 56, "status": 0, "body": ""}


def publisher(status: str = "running", **listening: bool) -> dict[str, Any]:
    ports = {port.removeprefix("p"): reachable for port, reachable in listening.items()}
    return {**SILENT, "publishers": [{"name": "web", "status": status, "inside": 80, "listening": ports}]}


@pytest.mark.parametrize(
    ("spec", "evidence", "status", "said"),
    [
        ({"texto": "hola", "json": {"a.0": 1, "a.1.b": "hola"}}, SEEN, "passed", "200"),
        ({"json": {"a.7": 1}}, SEEN, "failed", "no hay ningún «a.7»"),
        ({"json": {"a.0": True}}, SEEN, "failed", "a.0 es 1"),
        ({"json": {"a": 1}}, {**SEEN, "body": "["}, "failed", "no es JSON"),
        ({"json": {"a": 1}}, {**SEEN, "body": "[" * 9000}, "failed", "no es JSON"),
        ({"texto": "adiós"}, SEEN, "failed", "curl http://localhost:8080/"),
        ({}, {**SEEN, "status": 404}, "failed", "no en esa ruta"),
        ({}, {**SEEN, "status": 500}, "failed", "docker logs"),
        ({}, SILENT, "failed", "-p 8080:"),
        ({}, {**SILENT, "swapped": ["web (80:8080)"]}, "failed", "al revés"),
        ({}, publisher("exited"), "failed", "no está en marcha"),
        ({}, publisher(p80=False), "failed", "0.0.0.0"),
        ({}, publisher(p5000=True), "failed", "se escucha en «5000»"),
        ({}, publisher(), "failed", "no se escucha en ninguno todavía"),
        ({}, publisher(p80=True), "failed", "no contesta"),
    ],
)
def test_http_says(spec: dict[str, Any], evidence: dict[str, Any], status: str, said: str) -> None:
    got, text = judge("http", {"puerto": 8080, **spec}, evidence)
    assert got == status, text
    assert said in text
