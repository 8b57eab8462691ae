"""`compose`, `swarm` and `git` on a real machine."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import wait_until
from tests.engine.test_graders import check

pytestmark = pytest.mark.engine

SETUP = r"""
mkdir bien mal fuera tab; cd bien
printf 'services:\n  web:\n    image: busybox:1.37\n    command: sleep 1000\n    ports: ["8080:80"]\n    depends_on: [bd]\n' > compose.yaml
printf '    volumes: ["datos:/d"]\n    environment: {MODO: prueba}\n    healthcheck: {test: "true", interval: 1s}\n' >> compose.yaml
printf '  bd:\n    image: busybox:1.37\n    command: sleep 1000\nvolumes: {datos: }\n' >> compose.yaml
docker compose up -d 2>/dev/null || exit 1
printf 'services:\n  web:\n    image: a\n    port: [1]\n' > ~/mal/compose.yaml
printf 'web:\n  image: a\n' > ~/fuera/compose.yaml
printf 'services:\n\tweb: {}\n' > ~/tab/compose.yaml
git init -q -b main; git config user.email a@b; git config user.name a; git add compose.yaml
git commit -qm "el primero"; git switch -qc redis
echo nuevo > suelto; git remote add origin https://ejemplo/x
docker swarm init >/dev/null
docker service create -q -d --no-resolve-image --name s --replicas 2 --constraint node.role==manager busybox:1.37 sleep 1000 >/dev/null
docker service create -q -d --no-resolve-image --name grande --reserve-memory 900g busybox:1.37 sleep 1000 >/dev/null
echo final
"""
WEB = {"imagen": "busybox:1.37", "puertos": ["8080:80"], "depende_de": ["bd"], "volumenes": ["datos:/d"], "env": {"MODO": "prueba"},
       "replicas": 1, "salud": "healthy"}  # fmt: skip
CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"tipo": "compose", "carpeta": "bien", "servicios": {"web": WEB, "bd": {}}, "en_marcha": True}, "passed", ""),
    ({"tipo": "compose", "carpeta": "bien", "servicios": {"redis": {}}}, "failed", "dos espacios"),
    ({"tipo": "compose", "carpeta": "mal"}, "failed", "¿Querías decir «ports»?"),
    ({"tipo": "compose", "carpeta": "fuera"}, "failed", "debajo de «services:»"),
    ({"tipo": "compose", "carpeta": "tab"}, "failed", "tabulador"),
    ({"tipo": "compose", "carpeta": "nada"}, "failed", "no hay ningún fichero de Compose"),
    ({"tipo": "compose", "carpeta": "."}, "failed", "no hay ningún fichero de Compose"),
    ({"tipo": "git", "carpeta": "bien", "rama": "redis", "mensaje": "primero", "seguidos": ["compose.yaml"], "remotos": {"origin": None}},
     "passed", "1 commit"),
    ({"tipo": "git", "carpeta": "bien", "limpio": True}, "failed", "«suelto»"),
    ({"tipo": "git", "carpeta": "mal"}, "failed", "git init"),
    ({"tipo": "git", "carpeta": "nada"}, "failed", "git clone"),
    ({"tipo": "swarm", "nodos": 1, "servicio": "s", "replicas": 2, "restricciones": ["node.role==manager"]}, "passed", "2 réplicas"),
    ({"tipo": "swarm", "nodos": 2}, "failed", "join-token"),
    ({"tipo": "swarm", "servicio": "grande", "replicas": 1}, "failed", "--reserve-memory"),
    ({"tipo": "swarm", "activo": False}, "failed", "leave --force"),
]  # fmt: skip


def test_projects_are_told(real_lab: Any, machine: str) -> None:
    done = real_lab.run(machine, ["su", "-", "alumno", "-c", SETUP], seconds=120).output.decode()
    assert done.endswith("final\n"), done
    for raw, status, said in CASES:

        def told(raw: dict[str, Any] = raw, status: str = status, said: str = said) -> bool:
            got, text = check(real_lab, machine, raw)
            return (got, said in text) == (status, True)

        try:
            wait_until(told, seconds=60)
        except pytest.fail.Exception:
            pytest.fail(f"{raw}: {check(real_lab, machine, raw)}")
