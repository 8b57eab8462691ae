"""What `container` says of each evidence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from lessons import kinds
from lessons.kinds import NotEnoughEvidence
from sandboxes.engine.student import StudentEngine
from sandboxes.graders.container_faults import OUTPUT
from tests.sandboxes.judging import judge
from tests.sandboxes.lying_engine import LyingEngine

OPTIONS: dict[str, Any] = {
    "restart": "no", "ports": {"80/tcp": ["8080"]}, "env": {"MODO": "prueba", "CLAVE": None}, "user": "", "memory": 67108864, "cpus": 0.5,
    "mounts": [{"type": "volume", "origin": "datos", "path": "/data", "writable": True}], "networks": ["bridge"], "health": "",
}  # fmt: skip


def seen(**options: Any) -> dict[str, Any]:
    facts = {"name": "web", "image": "busybox:1.37", "command": ["sh"], "status": "running", "exit_code": 0}
    return {"containers": [{**facts, "options": {**OPTIONS, **options}}]}


def stillborn(error: str) -> dict[str, Any]:
    return {"containers": [{"name": "web", "image": "b", "command": ["x"], "status": "created", "exit_code": 128, "error": error}]}


@pytest.mark.parametrize(
    ("spec", "evidence", "status", "said"),
    [
        (
            {"puertos": ["8080:80"], "env": {"MODO": None}, "memoria": "64m", "cpus": 0.5, "montajes": ["datos:/data:rw"]},
            seen(),
            "passed",
            "",
        ),
        ({"puertos": ["80:8080"]}, seen(ports={"8080/tcp": []}), "failed", "-p 80:8080"),
        ({"puertos": ["8080:80"]}, seen(ports={"8080/tcp": ["80"]}), "failed", "al revés"),
        ({"puertos": ["8080:80"]}, seen(ports={}), "failed", "EXPOSE no lo publica"),
        ({"puertos": ["8080:80"]}, seen(ports={"80/tcp": ["32768"]}), "failed", "al azar"),
        ({"puertos": ["53:53/udp"]}, seen(), "failed", "bórralo y créalo con -p 53:53/udp"),
        ({"puertos": ["80"]}, seen(), "passed", ""),
        ({"montajes": ["datos:/otra"]}, seen(), "failed", "tras los dos puntos"),
        ({"montajes": ["nada:/otra"]}, seen(), "failed", "al crear el contenedor"),
        ({"montajes": ["nada:/otra"]}, seen(mounts=[]), "failed", "«web» no tiene nada montado"),
        ({"redes": ["mia"]}, seen(networks=[]), "failed", "«web» no está en ninguna red"),
        ({"montajes": ["/datos:/data"]}, seen(), "failed", "ruta absoluta"),
        ({"montajes": ["datos:/data:ro"]}, seen(), "failed", ":ro al final"),
        ({"montajes": ["otro:/data"]}, seen(), "failed", "antes de los dos puntos"),
        (
            {"montajes": ["datos:/data"]},
            seen(mounts=[{"type": "bind", "origin": "/datos", "path": "/data", "writable": True}]),
            "failed",
            "barra",
        ),
        ({"env": {"CLAVE": None}}, seen(), "failed", "-e CLAVE=VALOR"),
        ({"env": {"MODO": "otro"}}, seen(), "failed", "no se cambia"),
        ({"env": {"MODO": "prueba"}}, seen(env={"MODO": '"prueba"'}), "failed", "comillas"),
        ({"reinicio": "always"}, seen(), "failed", "docker update --restart=always web"),
        ({"usuario": "1000"}, seen(), "failed", "--user 1000"),
        ({"usuario": "app"}, seen(user="app:app"), "passed", ""),
        ({"usuario": "app:otro"}, seen(user="app:app"), "failed", "--user app:otro"),
        ({"entrada": True}, seen(labels={}, stdin=True), "passed", ""),
        ({"entrada": True}, seen(labels={}, stdin=False), "failed", "-it, antes de la imagen"),
        ({"entrada": False}, seen(labels={}, stdin=True), "failed", "sin -i"),
        ({"memoria": "128m"}, seen(), "failed", "64 MiB"),
        ({"memoria": "128m"}, seen(memory=0), "failed", "no tiene límite"),
        ({"cpus": 1}, seen(), "failed", "--cpus 1"),
        ({"redes": ["mired"]}, seen(), "failed", "docker network connect mired web"),
        ({"salud": "healthy"}, seen(health="starting"), "failed", "espera"),
        ({"salud": "healthy"}, seen(health="unhealthy"), "failed", "State.Health"),
        ({"salud": "healthy"}, seen(), "failed", "--health-cmd"),
        ({}, stillborn("Bind for 0.0.0.0:8080 failed: port is already allocated"), "failed", "ya lo usa otro"),
        ({}, stillborn('exec: "bash": executable file not found in $PATH'), "failed", "pero sí «sh»"),
        ({}, stillborn('exec: "/e.sh": permission denied'), "failed", "chmod +x"),
    ],
)
def test_container_says(spec: dict[str, Any], evidence: dict[str, Any], status: str, said: str) -> None:
    got, text = judge("container", {"nombre": "web", **spec}, evidence)
    assert got == status, text
    assert said in text


@pytest.mark.parametrize(
    ("command", "status"), [(["wc", "-w"], "passed"), (["/bin/wc", "-w"], "passed"), (["/bin/wc"], "failed"), (["bin/wc", "-w"], "failed")]
)
def test_a_program_may_be_written_by_its_whole_path(command: list[str], status: str) -> None:
    evidence = {"containers": [{**seen()["containers"][0], "command": command}]}
    assert judge("container", {"nombre": "web", "orden": ["wc", "-w"]}, evidence)[0] == status


def ended(code: int, **rest: Any) -> dict[str, Any]:
    return {"containers": [{**seen()["containers"][0], "status": "exited", "exit_code": code, "output": "", **rest}]}


@pytest.mark.parametrize("code", [137, 143])
@pytest.mark.parametrize("spec", [{}, {"estado": "exited"}, {"imagen": "busybox:1.37", "puertos": ["8080:80"]}])
def test_a_container_that_was_stopped_did_not_end_badly(spec: dict[str, Any], code: int) -> None:
    # What it said meanwhile explains nothing: it ran until then.
    got, text = judge("container", {"nombre": "web", **spec}, ended(code, output="exec: x: no such file or directory"))
    assert got == "passed", text


@pytest.mark.parametrize(
    ("spec", "evidence", "said"),
    [
        ({"estado": "running"}, ended(137), "Lo mató una señal"),
        ({"salida": "listo"}, ended(137), "Lo mató una señal"),
        ({"salida": "listo"}, ended(143), "no ha escrito «listo»"),
        ({"codigo": 0}, ended(137), "terminó con el código 137"),
        ({}, ended(127, command=["bash"], output='exec: "bash": executable file not found in $PATH'), "pero sí «sh»"),
        ({}, ended(1, command=["/e.sh"], output="exec /e.sh: no such file or directory"), "Windows"),
    ],
)
def test_an_end_that_explains_what_is_missing_is_told(spec: dict[str, Any], evidence: dict[str, Any], said: str) -> None:
    got, text = judge("container", {"nombre": "web", **spec}, evidence)
    assert got == "failed"
    assert said in text


def test_old_evidence_does_not_answer_new_questions() -> None:
    with pytest.raises(NotEnoughEvidence):
        judge("container", {"puertos": ["80"]}, {"containers": [{**seen()["containers"][0], "options": None}]})
    with pytest.raises(NotEnoughEvidence):
        judge("container", {"entrada": True}, seen(labels={}))
    with pytest.raises(NotEnoughEvidence):
        judge("container", {"env": {"OTRA": None}}, seen())


@pytest.mark.parametrize(("salida", "status"), [("hola", "passed"), ("adiós", "passed"), ("nunca", "failed"), ("al principio", "passed")])
def test_a_text_that_was_not_asked_for_is_looked_for_in_what_was_kept(salida: str, status: str) -> None:
    box = {**seen()["containers"][0], "output": "hola\nadiós\n", "sought": "al principio", "said": True}
    assert judge("container", {"nombre": "", "salida": salida}, {"containers": [box]})[0] == status


def test_of_more_output_than_was_kept_nothing_is_said_of_a_text_that_is_not_there() -> None:
    box = {**seen()["containers"][0], "output": "x" * OUTPUT, "sought": "hola", "said": False}
    assert judge("container", {"nombre": "", "salida": "hola"}, {"containers": [box]})[0] == "failed"
    with pytest.raises(NotEnoughEvidence):
        judge("container", {"nombre": "", "salida": "adiós"}, {"containers": [box]})


def test_port_that_yaml_took_for_a_number_is_explained() -> None:
    with pytest.raises((ValidationError, TypeError), match="comillas"):
        judge("container", {"puertos": [1342]}, {"containers": []})


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("docker.io/library/busybox:1.37", "passed"),
        ("library/busybox:1.37", "passed"),
        ("docker.io/busybox:1.37", "passed"),
        (f"busybox:1.37@sha256:{'a' * 64}", "passed"),
        ("busybox", "failed"),
        ("registro.lab/busybox:1.37", "failed"),
        (f"busybox@sha256:{'a' * 64}", "failed"),
    ],
)
def test_an_image_may_be_written_in_many_ways(written: str, status: str) -> None:
    evidence = seen()
    evidence["containers"][0]["image"] = written
    assert judge("container", {"nombre": "web", "imagen": "busybox:1.37"}, evidence)[0] == status


@pytest.mark.parametrize(
    ("written", "wanted", "status"),
    [("a" * 12, "busybox:1.37", "passed"), (f"sha256:{'a' * 64}", "busybox:1.37", "passed"), ("a" * 12, "otra:1.0", "failed")],
)
def test_an_image_may_be_written_by_its_id(written: str, wanted: str, status: str) -> None:
    listed = [{"Id": "c" * 64, "Names": ["/web"]}]
    inspected = {
        "Id": "c" * 64, "Name": "/web", "Image": f"sha256:{'a' * 64}", "Config": {"Image": written},
        "State": {"Status": "running", "ExitCode": 0}, "HostConfig": {}, "NetworkSettings": {},
    }  # fmt: skip
    images = [{"Id": f"sha256:{'a' * 64}", "RepoTags": ["busybox:1.37"]}]

    def answer(path: str) -> tuple[int, bytes]:
        return 200, json.dumps(images if "/images/" in path else inspected if "c" * 64 in path else listed).encode()

    spec = kinds.parse({"id": "x", "tipo": "container", "titulo": "x", "nombre": "web", "imagen": wanted})
    with StudentEngine(LyingEngine(answer), "lab-x", seconds=5) as engine:
        kind = kinds.get("container")
        assert kind.judge(spec, kind.observe(spec, engine)).status == status
