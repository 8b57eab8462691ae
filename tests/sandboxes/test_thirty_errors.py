"""The thirty commonest errors: from what an engine then holds, each gets its explanation, the one that docs/errores.md shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.sandboxes.judging import judge

TABLE = Path(__file__).parents[2] / "docs" / "errores.md"
ROWS = {
    cells[0]: (cells[3].strip("`"), cells[4])
    for line in TABLE.read_text().splitlines()
    if re.match(r"\| \d", line) and (cells := [cell.strip() for cell in line.strip("| ").split(" | ")])
}
BOX: dict[str, Any] = {"name": "web", "image": "busybox:1.37", "command": ["sleep", "9"], "status": "running", "exit_code": 0}
OPTIONS: dict[str, Any] = {
    "restart": "no", "ports": {}, "env": {}, "mounts": [], "user": "", "memory": 0, "cpus": 0, "networks": ["bridge"], "health": "",
    "labels": {}, "tty": False, "processes": 0,
}  # fmt: skip
UP: dict[str, Any] = {"up": True, "answers": True, "mode": 0o660, "group": "docker", "groups": ["alumno", "docker"]}
FILE: dict[str, Any] = {"kind": "file", "mode": 0o644, "uid": 1000, "owner": "alumno", "modified": 0, "size": 40}
WEB = {"nombre": "web", "estado": "running"}
IMAGE: dict[str, Any] = {
    "tags": ["web:1.0"], "id": "sha256:a", "used_by": ["viejo"],
    "config": {"entrypoint": [], "user": "admin   # el mío", "env": {}, "folder": "", "ports": [], "labels": {}, "healthcheck": False,
               "size": 1, "origins": ["build"]},
}  # fmt: skip
MINE = "registro.lab/ana/hola:1.0"


def box(**more: Any) -> dict[str, Any]:
    return {"containers": [{**BOX, "options": OPTIONS, **more}]}


def options(**more: Any) -> dict[str, Any]:
    return box(options={**OPTIONS, **more})


def failed(command: list[str], error: str) -> dict[str, Any]:
    return box(status="created", exit_code=127, command=command, error=f"failed to create task: {error}")


def ended(said: str, code: int = 1) -> dict[str, Any]:
    return box(status="exited", exit_code=code, command=["/e.sh"], output=said)


def absent(**around: Any) -> dict[str, Any]:
    return {"tags": [], "around": around}


def recipe(text: str, **more: Any) -> dict[str, Any]:
    return {"file": {**FILE, "text": f"FROM busybox:1.37\n{text}\n"}, **more}


def story(*steps: Any) -> dict[str, Any]:
    return {"stories": [{"names": ["web"], "image": "a", "steps": [{"action": s} if isinstance(s, str) else s for s in steps]}]}


def pushed(local: list[str], **more: Any) -> dict[str, Any]:
    return {"repositories": {}, "local": dict.fromkeys(local, "sha256:a"), "logged_in": True, **more}


def swarm(**more: Any) -> dict[str, Any]:
    node = {"id": "n", "name": "lab", "role": "manager", "state": "ready", "availability": "active"}
    return {"state": "active", "manager": True, "nodes": [node], **more}


SERVICE = {"id": "s", "name": "web", "image": "a", "replicas": 2, "constraints": [], "ports": [], "stack": "", "update": ""}
TASK = {
    "service": "s",
    "node": "",
    "state": "pending",
    "desired": "running",
    "error": "no suitable node (insufficient resources on 1 node)",
}
NAMES = {
    "networks": [], "driver": "bridge",
    "containers": {name: {"status": "running", "addresses": {"bridge": f"172.17.0.{n}"}} for n, name in enumerate(("web", "r3"), 2)},
}  # fmt: skip
NO_BASH = ["exec_create", {"action": "exec_create", "command": "bash"}, {"action": "exec_die", "code": 127}]

STATES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "1": ({}, {"up": False}),
    "1b": ({"orden": "docker ps"}, {"code": 1, "output": "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."}),
    "2": ({"acceso": True}, {**UP, "groups": ["alumno"]}),
    "3": ({"imagen": "busybox:1.37"}, absent(missed=["busibox:1.37"])),
    "3b": ({"imagen": "busybox:1.37"}, absent()),
    "4": ({"imagen": "busybox:1.37"}, absent(missed=["busybox:9.9"])),
    "5": ({**WEB, "imagen": "redis:8.0"}, box()),
    "6": (WEB, failed(["sleep", "9"], "Bind for 0.0.0.0:8080 failed: port is already allocated")),
    "7": ({**WEB, "puertos": ["8080:80"]}, options(ports={"8080/tcp": ["80"]})),
    "7b": ({"puerto": 8080}, {"code": 52, "status": 0, "body": "", "publishers": [
        {"name": "web", "status": "running", "inside": 80, "listening": {80: False}}]}),
    "8": ({**WEB, "puertos": ["8080:80"]}, options()),
    "9": (WEB, box(status="exited", command=["sh"])),
    "10": (WEB, failed(["-d"], 'exec: "-d": executable file not found in $PATH')),
    "11": (WEB, failed(["bash"], 'exec: "bash": executable file not found in $PATH')),
    "11b": (WEB, failed(["echo hola"], 'exec: "echo hola": executable file not found in $PATH')),
    "11c": ({"acciones": ["exec_create", "exec_die"], "codigo": 0}, story(*NO_BASH)),
    "12": ({"acciones": ["exec_create"], "orden": "date"}, story("create", "start", "die")),
    "13": ({"acciones": ["die", "destroy"]}, story("create", "start", "die", "start")),
    "13b": ({"pista": "Bórralo.", "de": [{"tipo": "container", "nombre": "web"}]}, {"parts": [{"seen": box()}]}),
    "14": ({"pista": "Bórrala.", "de": [{"tipo": "image", "imagen": "web:1.0"}]}, {"parts": [{"seen": IMAGE}]}),
    "15": (WEB, {"containers": []}),
    "16": ({"imagen": "web:1.0"}, absent(recipes={"web/Dockerfile": "FROM busybox:1.37"})),
    "17": ({"imagen": "web:1.0"}, absent(recipes={"web/Dockerfile.txt": "FROM busybox:1.37"})),
    "17b": ({}, {"near": ["web"]}),
    "18": ({}, {"file": {**FILE, "text": "FORM busybox:1.37\n"}}),
    "19": ({}, recipe("COPY nada /", missing=["nada"])),
    "19b": ({}, recipe("COPY clave /", ignored=["clave"])),
    "20": ({}, recipe("RUN apt-get install -y git")),
    "20b": ({}, recipe("RUN apt-get update && apt-get install git")),
    "21": ({"imagen": "web:1.0", "usuario": "admin"}, IMAGE),
    "22": ({"imagen": "web:1.0", "cmd": ["echo", "hola"]}, {**IMAGE, "cmd": ["/bin/sh", "-c", "['echo', 'hola']"]}),
    "23": (WEB, ended("exec /e.sh: no such file or directory")),
    "23b": (WEB, ended('exec: "/e.sh": permission denied', 126)),
    "23c": (WEB, ended("exec /e.sh: exec format error")),
    "24": ({"imagen": MINE}, pushed(["Ana/hola:1.0"])),
    "25": ({"imagen": MINE}, pushed(["hola:1.0"])),
    "25b": ({"imagen": MINE}, pushed([MINE], repositories={"hola": ["latest"]})),
    "25c": ({"imagen": MINE}, pushed([MINE], logged_in=False)),
    "25d": ({"imagen": MINE}, pushed(["localhost:5000/hola:1.0"])),
    "26": ({"imagen": "hola:estable", "misma_que": "hola:1.0"}, absent(containers=["hw"])),
    "27": ({}, {"code": 15, "said": "yaml: line 3: found character that cannot start any token"}),
    "27b": ({}, {"code": 15, "said": "validating /c.yaml: services.web Additional property port is not allowed"}),
    "27c": ({}, {"code": 15, "said": "validating /c.yaml: (root) Additional property web is not allowed"}),
    "27d": ({}, {"code": 14, "said": "no configuration file provided: not found", "near": ["web"]}),
    "28": ({"red": "bridge", "resuelve": {"web": "r3"}}, NAMES),
    "28b": (WEB, failed(["sleep", "9"], "Cannot link to a non running container: /hw AS /web/hw")),
    "29": ({**WEB, "montajes": ["/home/alumno/web:/w"]}, options(mounts=[
        {"type": "volume", "origin": "web", "path": "/w", "writable": True}])),
    "29b": ({**WEB, "montajes": ["/home/alumno/web:/w"]}, {"containers": []}),
    "30": ({}, swarm(manager=False)),
    "30b": ({"servicio": "web", "replicas": 2}, swarm(services=[SERVICE], tasks=[TASK])),
    "30c": ({"servicio": "web", "puertos": ["8080:80"]}, swarm()),
}  # fmt: skip


def test_all_thirty_are_there() -> None:
    assert {int(re.sub(r"\D", "", number)) for number in ROWS} == set(range(1, 31))
    assert set(ROWS) == set(STATES)


@pytest.mark.parametrize("number", ROWS)
def test_error_is_explained(number: str) -> None:
    tipo, explained = ROWS[number]
    spec, evidence = STATES[number]
    status, text = judge(tipo, spec, evidence)
    assert (status, explained in text) == ("failed", True), f"{explained!r}: {text}"
