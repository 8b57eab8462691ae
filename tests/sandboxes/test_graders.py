"""What each grader says of an evidence: pure, so every sentence can be tried."""

from __future__ import annotations

from typing import Any

import pytest

from lessons import kinds
from lessons.kinds import Status


def judge(tipo: str, spec: dict[str, Any], evidence: dict[str, Any]) -> tuple[Status, str]:
    kind = kinds.get(tipo)
    verdict = kind.judge(kind.spec.model_validate({"id": "x", "tipo": tipo, "titulo": "x", **spec}), kind.evidence.model_validate(evidence))
    return verdict.status, f"{verdict.expected} | {verdict.observed} | {verdict.hint}"


BUSYBOX = {"imagen": "busybox:1.37"}
SEEN = {"name": "saludo", "image": "busybox:1.37", "command": ["echo", "hola"], "status": "exited", "exit_code": 0, "output": "hola\n"}
LAYERS = {"imagen": "n:2", "base": "b:1", "sobre_base": 1}
LINK = {"desde": "web", "hacia": "redis"}
LINKED = {
    "names": ["web", "redis"],
    "source_status": "running",
    "target_status": "running",
    "links": {"redis": "redis"},
    "target_address": "172.17.0.2",
    "hosts": "172.17.0.2\tredis 1234 redis\n",
}


@pytest.mark.parametrize(
    ("tipo", "spec", "evidence", "status", "said"),
    [
        ("image", BUSYBOX, {"tags": ["busybox:1.37"], "id": "sha256:" + "a" * 64}, "passed", "está"),
        ("image", BUSYBOX, {"tags": []}, "failed", "ninguna imagen"),
        ("image", BUSYBOX, {"tags": ["busybox:latest"]}, "failed", "tras los dos puntos"),
        ("image", BUSYBOX, {"tags": ["busibox:1.37"]}, "failed", "letra a letra"),
        ("image", {**BUSYBOX, "misma_que": "otra:1"}, {"tags": [], "id": "a", "other_id": "b"}, "failed", "docker tag"),
        ("image", {**BUSYBOX, "cmd": ["sh"]}, {"tags": [], "id": "a", "cmd": ["/bin/sh", "-c", "['sh']"]}, "failed", "comillas dobles"),
        ("container", {"nombre": "saludo", "salida": "hola"}, {"containers": [SEEN]}, "passed", "lo cumple"),
        ("container", {"nombre": "saludo"}, {"containers": []}, "failed", "ningún contenedor"),
        ("container", {"nombre": "saludo"}, {"containers": [{**SEEN, "name": "salduo"}]}, "failed", "«salduo»"),
        ("container", {"nombre": "saludo", "salida": "hola"}, {"containers": [{**SEEN, "name": "x"}]}, "failed", "--name"),
        ("container", {"nombre": "saludo", "imagen": "redis:8.0"}, {"containers": [SEEN]}, "failed", "es de la imagen"),
        ("container", {"nombre": "saludo", "estado": "running"}, {"containers": [SEEN]}, "failed", "primer proceso"),
        ("container", {"nombre": "saludo", "codigo": 3}, {"containers": [SEEN]}, "failed", "código 0"),
        ("container", {"orden": ["echo", "hola"]}, {"containers": [{**SEEN, "command": ["echo hola"]}]}, "failed", "entre comillas"),
        ("container", {"orden": ["a"]}, {"containers": [{**SEEN, "status": "created", "command": ["-d"]}]}, "failed", "antes de la imagen"),
        ("layers", LAYERS, {"tags": [], "layers": ["1", "2"], "base_layers": ["1"], "history": []}, "passed", "1 capa"),
        ("layers", LAYERS, {"tags": []}, "failed", "docker build"),
        ("layers", LAYERS, {"tags": [], "layers": ["1"]}, "failed", "docker pull"),
        ("layers", LAYERS, {"tags": [], "layers": ["9", "2"], "base_layers": ["1"]}, "failed", "FROM b:1"),
        ("layers", LAYERS, {"tags": [], "layers": ["1", "2", "3"], "base_layers": ["1"], "history": ["RUN a", "RUN b"]},
         "failed", "un solo RUN"),
        ("layers", LAYERS, {"tags": [], "layers": ["1", "2"], "base_layers": ["1"], "built": False}, "failed", "docker commit"),
        ("layers", {**LAYERS, "ausentes": ["/c"]}, {"tags": [], "layers": ["1", "2"], "base_layers": ["1"], "left": {"/c": True}},
         "failed", "mismo RUN"),
        ("layers", {**LAYERS, "ausentes": ["/c"]}, {"tags": [], "layers": ["1", "2"], "base_layers": ["1"], "left": {"/c": False}},
         "passed", "1 capa"),
        ("link", LINK, LINKED, "passed", "172.17.0.2"),
        ("link", LINK, {**LINKED, "source_status": None}, "failed", "no hay ningún contenedor «web»"),
        ("link", LINK, {**LINKED, "links": {}}, "failed", "al crear el contenedor"),
        ("link", LINK, {**LINKED, "links": {"cache": "redis"}}, "failed", "tras los dos puntos"),
        ("link", LINK, {**LINKED, "links": {}, "shared_networks": ["mired"]}, "failed", "--link"),
        ("link", LINK, {**LINKED, "links": {}, "shared_networks": ["mired"], "named_in": ["mired"]}, "failed", "créalos sin --network"),
        ("link", LINK, {**LINKED, "target_status": "exited"}, "failed", "docker start"),
        ("link", LINK, {**LINKED, "hosts": "172.17.0.9 redis"}, "failed", "recrea también"),
    ],
)  # fmt: skip
def test_grader_says(tipo: str, spec: dict[str, Any], evidence: dict[str, Any], status: str, said: str) -> None:
    got, text = judge(tipo, spec, evidence)
    assert got == status
    assert said in text
