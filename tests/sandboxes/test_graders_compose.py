"""What `compose` says of each evidence, and of Compose's own complaints."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandboxes.engine.student import CannotObserve
from sandboxes.graders import compose_file
from tests.sandboxes.judging import judge

WEB = {"image": "a:1", "builds": True, "ports": ["8080:80"], "depends": ["db"], "volumes": ["d:/data"], "env": {"A": "1"}}
UP = {"service": "web", "name": "p-web-1", "status": "running", "exit_code": 0, "health": "healthy"}
SEEN: dict[str, Any] = {"code": 0, "services": {"web": WEB, "db": {"image": "redis:8.0"}}, "running": [UP, {**UP, "service": "db"}]}
FULL = {"imagen": "a:1", "construye": True, "puertos": ["8080:80"], "depende_de": ["db"], "volumenes": ["d:/data"],
        "env": {"A": "1"}, "replicas": 1, "salud": "healthy"}  # fmt: skip


def web(**fields: Any) -> dict[str, Any]:
    return {"servicios": {"web": fields}}


@pytest.mark.parametrize(
    ("spec", "evidence", "status", "said"),
    [
        ({"servicios": {"web": FULL, "db": {}}, "en_marcha": True}, SEEN, "passed", "«web» y «db»"),
        ({"servicios": {"otro": {}}}, SEEN, "failed", "dos espacios"),
        ({"servicios": {"otro": {}}}, {"code": 0}, "failed", "no tiene ningún servicio"),
        ({"servicios": {"db": {"puertos": ["1:1"]}}}, SEEN, "failed", "«db» no publica ningún puerto"),
        ({"servicios": {"db": {"depende_de": ["web"]}}}, SEEN, "failed", "«db» no depende de ninguno"),
        ({"servicios": {"db": {"volumenes": ["d:/data"]}}}, SEEN, "failed", "«db» no monta nada"),
        (web(imagen="b:1"), SEEN, "failed", "image: b:1"),
        ({"servicios": {"db": {"construye": True}}}, SEEN, "failed", "build:"),
        (web(puertos=["80:8080"]), SEEN, "failed", "al revés"),
        (web(puertos=["81:81"]), SEEN, "failed", "entre comillas"),
        (web(depende_de=["x"]), SEEN, "failed", "depends_on"),
        (web(volumenes=["e:/data"]), SEEN, "failed", "volumes:"),
        (web(env={"B": None}), SEEN, "failed", "environment:"),
        (web(env={"A": "2"}), SEEN, "failed", "vale «1»"),
        (web(replicas=2), SEEN, "failed", "--scale web=2"),
        (web(salud="unhealthy"), SEEN, "failed", "docker inspect p-web-1"),
        ({"en_marcha": True}, {**SEEN, "running": [UP]}, "failed", "docker compose up -d"),
        ({"en_marcha": True}, {**SEEN, "running": [{**UP, "status": "exited", "exit_code": 3}]}, "failed", "docker compose logs web"),
        ({"en_marcha": True}, {**SEEN, "running": [{**UP, "status": "created"}]}, "failed", "no arrancó"),
        (
            {"en_marcha": True},
            {**SEEN, "running": [{**UP, "status": "created"}, {**UP, "service": "db", "name": "p-db-1", "health": "unhealthy"}]},
            "failed",
            "docker inspect p-db-1",
        ),
    ],
)
def test_compose_says(spec: dict[str, Any], evidence: dict[str, Any], status: str, said: str) -> None:
    got, text = judge("compose", spec, evidence)
    assert got == status, text
    assert said in text


@pytest.mark.parametrize(
    ("complaint", "near", "said"),
    [
        ("yaml: line 3: found character that cannot start any token", [], "tabulador"),
        ("validating /x: services.web Additional property port is not allowed", [], "¿Querías decir «ports»?"),
        ("validating /x: (root) Additional property web is not allowed", [], "debajo de «services:»"),
        ("validating /x: (root) Additional property servces is not allowed", [], "«services:»?"),
        ("no configuration file provided: not found", ["compose.yam"], "Tienes «compose.yam»"),
        ("no configuration file provided: not found", [], "esa carpeta está vacía o no existe"),
        ('service "web" depends on undefined service "bd": invalid compose project', [], "depende de «bd»"),
        ('service "web" refers to undefined volume d: invalid compose project', [], "debajo de «volumes:»"),
        ('service "web" has neither an image nor a build context specified', [], "«build:»"),
        ("yaml: line 4: mapping values are not allowed in this context", [], "línea 4"),
        ("vaya cosa", [], "docker compose config"),
    ],
)
def test_compose_explains_its_complaints(complaint: str, near: list[str], said: str) -> None:
    status, text = judge("compose", {}, {"code": 1, "said": complaint, "near": near})
    assert status == "failed"
    assert said in text


def test_warnings_around_the_json_are_passed_over() -> None:
    text = 'WARN {x}\n{"services": {"web": {"image": "a", "environment": {"A": null, "B": "2"}}}}\nmás\n'
    assert compose_file.read(text, {"web": ["A"]}) == {"web": compose_file.ServiceSeen(image="a", env={"A": ""})}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"services": 3}', '{"services": {"a": []}}', "{" * 50_000,
    '{"services": {"a": {"ports": 1}}}',
    json.dumps({"services": {str(i): {} for i in range(60)}})])  # fmt: skip
def test_what_is_no_compose_project_can_not_be_observed(text: str) -> None:
    with pytest.raises(CannotObserve):
        compose_file.read(text, {})
