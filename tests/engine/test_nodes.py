"""A session of several nodes, made by the real lifecycle on the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lessons import catalog, kinds
from sandboxes import engine, lifecycle, pool
from sandboxes.engine.nodes import Nodes
from sandboxes.events import store
from sandboxes.grading import grade
from sandboxes.models import Machine, Sandbox, State
from tests.conftest import work

pytestmark = [pytest.mark.engine, pytest.mark.django_db]


@pytest.fixture
def session(ana: Any, real_lab: Any, sent: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    found = catalog.course().exercises["docker-intensivo/hello-world/hello-world"]
    many = catalog.Exercise(**{**vars(found), "lab": catalog.Lab(nodos=["estacion", "servidor"])})
    monkeypatch.setattr(lifecycle, "find_exercise", lambda _key: many)
    engine.use(real_lab)
    warm = pool.make()
    real_lab.pause(warm.name)
    Machine.objects.filter(pk=warm.pk).update(state=Machine.State.WARM)
    try:
        sandbox = lifecycle.start(ana, many)
        work(sent)
        yield Sandbox.objects.get(pk=sandbox.pk)
    finally:
        for machine in Machine.objects.order_by("-position"):
            real_lab.remove(machine.name)
        engine.use(None)


def test_nodes_find_each_other_by_name_and_a_swarm_spans_them(session: Sandbox, real_lab: Any) -> None:
    assert session.state == State.READY
    nodes = {machine.node: machine.name for machine in session.machines.all()}
    assert list(nodes) == ["estacion", "servidor"]

    def run(node: str, command: str, seconds: float = 90) -> str:
        done = real_lab.run(nodes[node], ["sh", "-c", command], seconds=seconds)
        assert done.code == 0, f"{node}: {command}: {done.output.decode()}"
        return str(done.output.decode()).strip()

    for here, there in (("estacion", "servidor"), ("servidor", "estacion")):
        assert run(here, "hostname") == here
        run(here, f"ping -c1 -W2 {there}")
    run("estacion", "docker swarm init --advertise-addr $(hostname -i | cut -d' ' -f1)")
    token = run("estacion", "docker swarm join-token -q worker")
    run("servidor", f"docker swarm join --token {token} estacion:2377")
    assert run("estacion", "docker node ls -q | wc -l") == "2"
    for node in nodes:
        run(node, "docker pull -q busybox:1.37")
    run("estacion", "docker network create -d overlay --attachable malla")
    run(
        "estacion",
        "docker service create -q --no-resolve-image --name w --network malla --endpoint-mode dnsrr --replicas 2 busybox:1.37"
        " sh -c 'hostname >/index.html; httpd -f -p 80 -h /'",
    )
    said = run(
        "estacion",
        "docker run --rm --network malla busybox:1.37 sh -c"
        " 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do wget -qO- -T 3 http://w/ || true; sleep 0.3; done | sort -u | wc -l'",
    )
    assert said == "2", "replicas of both nodes must answer"


def test_a_check_looks_at_the_node_it_names(session: Sandbox, real_lab: Any) -> None:
    nodes = {machine.node: machine.name for machine in session.machines.all()}
    setup = "cd; echo allí > nota.txt; docker run -d --name solo -p 8080:80 busybox:1.37 sh -c 'echo hola > /index.html; httpd -f -h /'"
    done = real_lab.run(nodes["servidor"], ["su", "-", "alumno", "-c", setup], seconds=90)
    assert done.code == 0, done.output.decode()
    checks: list[tuple[dict[str, Any], str]] = [
        ({"tipo": "container", "nombre": "solo", "estado": "running", "nodo": "servidor", "guarda": {"ip": "direccion"}}, "passed"),
        ({"tipo": "container", "nombre": "solo"}, "failed"),
        ({"tipo": "file", "ruta": "nota.txt", "texto": "allí", "nodo": "servidor"}, "passed"),
        ({"tipo": "file", "ruta": "nota.txt"}, "failed"),
        ({"tipo": "http", "puerto": 8080, "texto": "hola", "nodo": "servidor"}, "passed"),
        ({"tipo": "http", "puerto": 8080, "intentos": 1, "nodo": "estacion"}, "failed"),
        ({"tipo": "process", "contenedor": "solo", "programa": "httpd", "nodo": "servidor"}, "passed"),
        ({"tipo": "event", "nombre": "solo", "acciones": ["create", "start"], "nodo": "servidor"}, "passed"),
        ({"tipo": "event", "nombre": "solo", "acciones": ["create", "start"], "nodo": "estacion"}, "failed"),
        ({"tipo": "command", "orden": "hostname", "salida": "servidor", "nodo": "servidor"}, "passed"),
        ({"tipo": "command", "orden": "ping -c1 -W2 servidor; hostname", "salida": "estacion"}, "passed"),
        ({"tipo": "all", "nodo": "servidor", "de": [{"tipo": "image", "imagen": "busybox:1.37"}, {"tipo": "engine"}]}, "passed"),
        ({"tipo": "image", "imagen": "busybox:1.37"}, "failed"),
        ({"tipo": "command", "nodo": "servidor", "orden": "docker inspect solo", "salida": "{{ip}}"}, "passed"),
        ({"tipo": "engine", "nodo": "otro"}, "unknown"),
    ]
    specs = [kinds.parse({"id": f"c{number}", "titulo": "x", **raw}) for number, (raw, _status) in enumerate(checks)]
    with Nodes(real_lab, nodes, seconds=60, past=store.past(session)) as found:
        verdicts, evidence = grade(specs, found.engine)
    told = [(raw, status, verdict) for (raw, status), (_id, verdict) in zip(checks, verdicts, strict=True) if verdict.status != status]
    assert told == []
    assert len(evidence) == len(checks) - 1


def test_stopped_session_comes_back_with_its_names(session: Sandbox, real_lab: Any, sent: Any) -> None:
    lifecycle.stop(session, reason="")
    work(sent)
    lifecycle.resume(Sandbox.objects.get(pk=session.pk))
    work(sent)
    back = Sandbox.objects.get(pk=session.pk)
    assert back.state == State.READY
    first = back.machines.first()
    assert first
    assert real_lab.run(first.name, ["ping", "-c1", "-W2", "servidor"]).code == 0
