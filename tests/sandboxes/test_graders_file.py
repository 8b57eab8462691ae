"""What `file` says of each evidence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandboxes.judging import judge

FILE: dict[str, Any] = {
    "kind": "file", "mode": 0o644, "uid": 1000, "owner": "alumno", "modified": 1, "size": 9, "text": "FROM debian\n",
}  # fmt: skip


def seen(**facts: Any) -> dict[str, Any]:
    return {"file": {**FILE, **facts}}


@pytest.mark.parametrize(
    ("spec", "evidence", "status", "said"),
    [
        ({"texto": "FROM debian", "regex": "^FROM", "modo": "644", "dueno": "alumno"}, seen(), "passed", "/home/alumno/Dockerfile"),
        ({"imagen": "a:1"}, seen(), "passed", " /Dockerfile de «a:1»"),
        ({}, {"near": ["Dockerfile.txt"]}, "failed", "quítale el final"),
        ({}, {"near": ["dockerfile"]}, "failed", "letra a letra"),
        ({}, {"near": []}, "failed", "pwd"),
        ({}, {"near": []}, "failed", "esa carpeta está vacía o no existe"),
        ({}, {"near": ["otro"]}, "failed", "en esa carpeta hay «otro»"),
        ({"imagen": "a:1"}, {"near": []}, "failed", ".dockerignore"),
        ({"contenedor": "web"}, {"near": []}, "failed", "otro contenedor"),
        ({"contenedor": "web"}, {"place": False}, "failed", "docker ps -a"),
        ({"texto": "from debian"}, seen(), "failed", "Mayúsculas"),
        ({"texto": "a\nb"}, seen(text="a\r\nb"), "failed", "Windows"),
        ({"texto": "x"}, seen(kind="dir", text=""), "failed", "no es un fichero"),
        ({"modo": "755"}, seen(), "failed", "chmod 755"),
        ({"dueno": "root"}, seen(), "failed", "--chown=root"),
        ({"ausente": True}, {}, "passed", "no está"),
        ({"ausente": True, "imagen": "a:1"}, seen(), "failed", ".dockerignore"),
    ],
)
def test_file_says(spec: dict[str, Any], evidence: dict[str, Any], status: str, said: str) -> None:
    got, text = judge("file", {"ruta": "Dockerfile", **spec}, evidence)
    assert got == status, text
    assert said in text
