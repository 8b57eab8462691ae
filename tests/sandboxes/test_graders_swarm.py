"""What `swarm` says of each evidence."""

from __future__ import annotations

from typing import Any

import pytest

from sandboxes.engine import swarm
from sandboxes.engine.facts import CannotObserve
from tests.sandboxes.judging import judge

NODE = {"id": "n1", "name": "lab", "role": "manager", "state": "ready", "availability": "active"}
SERVICE = {"id": "s", "name": "web", "image": "a:1@sha256:0", "replicas": 2, "constraints": ["node.role==worker"], "ports": ["80:80"],
           "stack": "curso", "update": "completed"}  # fmt: skip
TASK = {"service": "s", "node": "n1", "state": "running", "desired": "running", "error": ""}
SEEN: dict[str, Any] = {
    "state": "active", "manager": True, "nodes": [NODE, {**NODE, "id": "n2"}], "services": [SERVICE],
    "tasks": [TASK, {**TASK, "node": "n2"}]
}  # fmt: skip
FULL = {"nodos": 2, "servicio": "web", "imagen": "a:1", "replicas": 2, "repartido": 2, "restricciones": ["node.role == worker"],
        "puertos": ["80:80"], "pila": "curso", "actualizado": True}  # fmt: skip


def service(**fields: Any) -> dict[str, Any]:
    return {**SEEN, "services": [{**SERVICE, **fields}]}


@pytest.mark.parametrize(
    ("spec", "evidence", "said"),
    [
        ({"servicio": "web"}, {**SEEN, "services": []}, "no hay ningún servicio"),
        ({"servicio": "web", "restricciones": ["node.role==worker"]}, service(constraints=[]), "no tiene restricciones"),
        ({"servicio": "web", "puertos": ["80:80"]}, service(ports=[]), "no publica ningún puerto"),
    ],
)
def test_what_is_not_there_is_said_in_good_spanish(spec: dict[str, Any], evidence: dict[str, Any], said: str) -> None:
    got, text = judge("swarm", spec, evidence)
    assert got == "failed"
    assert said in text


def failing(error: str) -> dict[str, Any]:
    return {**SEEN, "tasks": [TASK, {**TASK, "state": "rejected", "error": error}]}


@pytest.mark.parametrize(
    ("spec", "evidence", "status", "said"),
    [
        (FULL, SEEN, "passed", "2 réplicas"),
        ({"activo": False}, {"state": "inactive"}, "passed", ""),
        ({"activo": False}, SEEN, "failed", "leave --force"),
        ({}, {"state": "inactive"}, "failed", "docker swarm init"),
        ({}, {"state": "active"}, "failed", "trabajador"),
        ({"nodos": 3}, SEEN, "failed", "join-token worker"),
        ({"nodos": 2}, {**SEEN, "nodes": [NODE, {**NODE, "name": "dos", "state": "down"}]}, "failed", "«dos»"),
        ({"servicio": "weeb"}, SEEN, "failed", "letra a letra"),
        ({"servicio": "otro"}, SEEN, "failed", "--name otro"),
        (FULL, service(name="curso_web"), "failed", "delante el de la pila"),
        (FULL, service(image="b:1"), "failed", "--image a:1"),
        (FULL, service(stack=""), "failed", "docker stack deploy"),
        (FULL, service(constraints=[]), "failed", "--constraint"),
        (FULL, service(ports=[]), "failed", "-p 80:80"),
        (FULL, service(replicas=1), "failed", "scale web=2"),
        (FULL, service(update=""), "failed", "no se ha actualizado"),
        (FULL, {**SEEN, "tasks": [TASK, TASK]}, "failed", "--force web"),
        (FULL, {**SEEN, "tasks": [TASK, TASK, TASK]}, "failed", "parando"),
        (FULL, failing("no suitable node (insufficient resources on 1 node)"), "failed", "--reserve-memory"),
        (FULL, failing("no suitable node (scheduling constraints not satisfied)"), "failed", "colocación"),
        (FULL, failing("No such image: a:1"), "failed", "registro"),
        (FULL, failing("no suitable node (host-mode port already in use)"), "failed", "mode=host"),
        (FULL, failing("task: non-zero exit (1)"), "failed", "non-zero exit"),
    ],
)
def test_swarm_says(spec: dict[str, Any], evidence: dict[str, Any], status: str, said: str) -> None:
    got, text = judge("swarm", spec, evidence)
    assert got == status, text
    assert said in text


@pytest.mark.parametrize("raw", [None, [], 3, {"ID": 3}, {"ID": "a", "Spec": 3}, {"ID": "a", "Spec": {"Mode": 1}}])
def test_answers_of_another_kind_are_not_believed(raw: Any) -> None:
    for read in (swarm.node_facts, swarm.service_facts):
        if not (read is swarm.node_facts and raw == {"ID": "a", "Spec": {"Mode": 1}}):
            with pytest.raises(CannotObserve):
                read(raw)
