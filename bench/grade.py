"""How long a ten-check exercise takes to grade, alone and with fifty at once.

    python -m bench.grade [--rounds 20] [--crowd 50] [--workers 4]

Makes two machines on the lab engine, puts a small application in each, and grades it as a worker does: the time is
that of `grading.grade`, from opening the way in to the last verdict. The floor is one `docker exec true`, in the same run;
`machine_cpu_ms` and `worker_cpu_ms` are what a run costs in the machine and in this process, and don't depend on the load
of the rest. `--profile` says where this process's time goes. Figures in docs/rendimiento.md.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import statistics
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labsite.settings")
import django

django.setup()

from lessons import kinds
from lessons.kinds import Status
from sandboxes import grading
from sandboxes.engine import Flavor, Limits, lab_engine
from sandboxes.engine.nodes import Nodes

SETUP = r"""
docker pull -q busybox:1.37; docker network create mired; docker volume create datos; mkdir app; cd app
printf 'FROM busybox:1.37\nRUN mkdir /w && echo hola > /w/index.html\nCMD ["httpd", "-f", "-h", "/w"]\n' > Dockerfile
docker build -q -t web:1.0 . && docker run -d --name web --network mired -v datos:/d -p 8080:80 web:1.0
docker run -d --name bd --network mired busybox:1.37 sleep 100000; docker run --name saluda busybox:1.37 echo hola
"""
CHECKS: list[dict[str, Any]] = [
    {"tipo": "image", "imagen": "web:1.0", "creada_por": "build", "cmd": ["httpd", "-f", "-h", "/w"]},
    {"tipo": "layers", "imagen": "web:1.0", "base": "busybox:1.37", "sobre_base": 1},
    {"tipo": "dockerfile", "ruta": "app/Dockerfile", "base": "busybox:1.37"},
    {"tipo": "container", "nombre": "web", "estado": "running", "puertos": ["8080:80"], "redes": ["mired"]},
    {"tipo": "container", "nombre": "saluda", "estado": "exited", "codigo": 0, "salida": "hola"},
    {"tipo": "volume", "volumen": "datos", "montado_en": {"web": "/d"}},
    {"tipo": "network", "red": "mired", "contenedores": ["web", "bd"], "resuelve": {"web": "bd"}},
    {"tipo": "process", "contenedor": "web", "programa": "httpd"},
    {"tipo": "http", "puerto": 8080, "texto": "hola"},
    {"tipo": "logs", "contenedor": "saluda", "texto": "hola"},
]


def grade_once(machine: str) -> float:
    """Milliseconds; fails if a check does not pass."""
    specs = [kinds.parse({"id": f"c{number}", "titulo": "x", **raw}) for number, raw in enumerate(CHECKS)]
    start = time.monotonic()
    with Nodes(lab_engine(), {"lab": machine}, seconds=30) as nodes:
        verdicts, _evidence = grading.grade(specs, nodes.engine)
    took = (time.monotonic() - start) * 1000
    for id_, verdict in verdicts:
        if verdict.status != Status.PASSED:
            raise SystemExit(f"{id_}: {verdict}")
    return took


def exec_once(machine: str) -> float:
    start = time.monotonic()
    lab_engine().run(machine, ["true"])
    return (time.monotonic() - start) * 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--crowd", type=int, default=50)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    lab = lab_engine()
    machines = [f"lab-prueba-{uuid.uuid4().hex[:8]}" for _ in range(2)]
    try:
        for name in machines:
            lab.create(name, hostname="lab", labels={"lab.purpose": "bench"}, limits=Limits(), flavor=Flavor())
            lab.start(name)
            lab.wait_ready(name, seconds=60)
            lab.run(name, ["su", "-", "alumno", "-c", SETUP], seconds=120)
        floor = statistics.median(exec_once(machines[0]) for _ in range(asked.rounds))
        if asked.profile:
            cProfile.runctx("for _ in range(10): grade_once(machines[0])", {**globals(), "machines": machines}, {}, sort="cumulative")
        used, spent = lab.usage(machines[0]).cpu, time.process_time()
        times = sorted(grade_once(machines[0]) for _ in range(asked.rounds))
        machine_cpu = (lab.usage(machines[0]).cpu - used) / 1e6 / asked.rounds
        worker_cpu = (time.process_time() - spent) * 1000 / asked.rounds
        start = time.monotonic()
        with ThreadPoolExecutor(asked.workers) as pool:
            crowd = list(pool.map(grade_once, (machines[turn % 2] for turn in range(asked.crowd))))
        found = {
            "load": os.getloadavg()[0],
            "floor_ms": round(floor),
            "p50_ms": round(statistics.median(times)),
            "ratio": round(statistics.median(times) / floor, 2),
            "machine_cpu_ms": round(machine_cpu),
            "worker_cpu_ms": round(worker_cpu),
            "p95_ms": round(times[int(len(times) * 0.95) - 1]),
            "crowd": len(crowd),
            "crowd_all_s": round(time.monotonic() - start, 1),
        }
        print(json.dumps(found))
    finally:
        for name in machines:
            lab.remove(name)


if __name__ == "__main__":
    main()
