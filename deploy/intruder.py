"""What somebody who has taken the web's container could reach: tried from inside of it, told as JSON lines.

    python - '{"sandboxes": …, "addresses": […], "port": …}' <intruder.py     run by host/intruder.py

Each attempt says what it tries, what must come of it and what came. Nothing that succeeds is kept or does harm.
Besides the standard library it needs what is in the app's image: psycopg and redis.
"""

import ctypes
import http.client
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

import psycopg
import redis

SECRETS = Path("/run/secrets")
GATE = Path("/run/lab/engine.sock")
FOLDERS = (
    *("/", "/etc", "/etc/laboratorio", "/usr/local/bin", "/opt/lab", "/srv/lab", "/srv/lab/labsite", "/srv/curso", "/srv/registro"),
    *("/run", "/run/lab", "/run/secrets", "/dev", "/sys/fs/cgroup", "/proc/sys/kernel"),
)
TMP = Path("/tmp")  # noqa: S108  # the container's own
Outcome = tuple[bool, str]
"""Whether it was held off, and what was seen."""


class Told(TypedDict):
    """Where things are, as host/intruder.py says."""

    sandbox: str
    host: str
    port: int
    addresses: list[str]
    namespace: list[str]
    containers: list[str]


def own_rights() -> Outcome:
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    bare = {name: status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")}
    held = os.getuid() != 0 and all(int(bare[name], 16) == 0 for name in bare if name.startswith("Cap"))
    return (
        held and bare["NoNewPrivs"] == "1" and bare["Seccomp"] == "2",
        f"uid {os.getuid()}, capacidades {bare['CapBnd'].lstrip('0') or 'ninguna'}, "
        f"no_new_privs {bare['NoNewPrivs']}, seccomp {bare['Seccomp']}",
    )


def become_root() -> Outcome:
    return refused(lambda: os.setuid(0))


def kernel_calls() -> Outcome:
    libc = ctypes.CDLL(None, use_errno=True)
    calls = {
        "unshare": lambda: libc.unshare(0x10000000),
        "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
        "mknod": lambda: libc.mknod(b"/tmp/intruso-disco", stat.S_IFBLK | 0o600, os.makedev(8, 0)),
    }
    done = [name for name, call in calls.items() if call() == 0]
    return not done, f"salen bien: {', '.join(done)}" if done else "todas fallan"


def write_anywhere() -> Outcome:
    written = []
    for folder in FOLDERS:
        name = Path(folder) / "intruso"
        with suppress(OSError):
            name.touch()
            written.append(folder)
            name.unlink()
    return not written, f"escribe en {', '.join(written)}" if written else "en ninguna"


def run_from_tmp() -> Outcome:
    program = TMP / "intruso.sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    try:
        return refused(lambda: subprocess.run([program], check=True))
    finally:
        program.unlink()


def others_secrets() -> Outcome:
    found = sorted(path.name for path in SECRETS.iterdir())
    return found == ["database_password", "redis_password", "secret_key"], ", ".join(found)


def secrets_in_environment() -> Outcome:
    surroundings = Path("/proc/1/environ").read_bytes() + Path("/proc/1/cmdline").read_bytes()
    seen = [path.name for path in SECRETS.iterdir() if path.read_bytes().strip() in surroundings]
    return not seen, ", ".join(seen) or "ninguno"


def sockets() -> Outcome:
    found = []
    for folder, _, names in os.walk("/"):
        if folder.startswith(("/proc", "/sys")):
            continue
        for name in names:
            with suppress(OSError):
                if stat.S_ISSOCK((Path(folder) / name).lstat().st_mode):
                    found.append(str(Path(folder) / name))
    return set(found) <= {str(GATE), str(GATE.with_name("egress.sock"))}, ", ".join(sorted(found)) or "ninguno"


def other_processes() -> Outcome:
    """Those of this container have its first process among their forebears; any other would be the machine's."""
    strangers = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            program = (folder / "cmdline").read_text().replace("\0", " ").strip()
            if program and not any(word in program for word in ("python", "uvicorn", "docker-init", "tini")):
                strangers.append(program[:40])
    return not strangers, ", ".join(strangers) or "solo los suyos"


def disks() -> Outcome:
    found = [path.name for path in Path("/dev").iterdir() if stat.S_ISBLK(path.lstat().st_mode)]
    return not found, ", ".join(found) or "ninguno"


class Engine(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(GATE))


def ask(method: str, path: str, body: object = None) -> int:
    connection = Engine("engine")
    connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
    return connection.getresponse().status


def through_the_gate(sandbox: str) -> Outcome:
    """Everything that makes an engine the root of its machine."""
    hosts = {"Image": sandbox, "Labels": {}}
    tried = {
        "privilegiado": ("POST", "/containers/create", {**hosts, "HostConfig": {"Privileged": True}}),
        "con / montado": ("POST", "/containers/create", {**hosts, "HostConfig": {"Binds": ["/:/anfitrion"]}}),
        "con la red de la máquina": ("POST", "/containers/create", {**hosts, "HostConfig": {"NetworkMode": "host"}}),
        "con sus procesos": ("POST", "/containers/create", {**hosts, "HostConfig": {"PidMode": "host"}}),
        "construir": ("POST", "/build?remote=http://x/", None),
        "descargar": ("POST", "/images/create?fromImage=busybox", None),
        "volúmenes": ("GET", "/volumes", None),
        "complementos": ("POST", "/plugins/pull?remote=x", []),
        "swarm": ("POST", "/swarm/init", {"ListenAddr": "0.0.0.0"}),  # asked of the engine, not of us
    }
    answers = {name: ask(*words) for name, words in tried.items()}
    passed = [f"{name}: {code}" for name, code in answers.items() if code != 403]
    return not passed, ", ".join(passed) or f"{len(tried)} peticiones, todas con 403"


def database(statement: str, *, user: str = "lab", name: str = "lab") -> Callable[[], object]:
    where = urlsplit(os.environ["LAB_DATABASE_URL"])

    def run() -> object:
        with psycopg.connect(
            host=where.hostname, port=where.port or 5432, user=user, dbname=name, connect_timeout=5,
            password=(SECRETS / "database_password").read_text().strip(),
        ) as connection:  # fmt: skip
            return connection.execute(statement).fetchone()

    return run


def redis_command(*words: str, password: bool = True) -> Callable[[], object]:
    def run() -> object:
        client = redis.Redis.from_url(
            os.environ["LAB_REDIS_URL"], socket_timeout=5,
            password=(SECRETS / "redis_password").read_text().strip() if password else None,
        )  # fmt: skip
        return client.execute_command(*words)

    return run


def refused(attempt: Callable[[], object]) -> Outcome:
    try:
        said = attempt()
    except (OSError, subprocess.SubprocessError, psycopg.Error, redis.RedisError) as error:
        return True, " ".join(str(error).split())[:110] or type(error).__name__
    return False, f"sale bien: {said}"


def all_refused(*attempts: Callable[[], object]) -> Outcome:
    found = [refused(attempt) for attempt in attempts]
    return all(held for held, _ in found), next((said for held, said in found if not held), found[0][1])


def connects(address: str, port: int) -> str | None:
    with suppress(OSError), socket.create_connection((address, port), timeout=3):
        return f"{address}:{port}"
    return None


def unreachable(*places: tuple[str, int]) -> Outcome:
    with ThreadPoolExecutor(32) as pool:
        reached = [place for place in pool.map(lambda place: connects(*place), places) if place]
    return not reached, f"llega a {', '.join(reached)}" if reached else f"nada de {len(places)}"


def names() -> Outcome:
    return refused(lambda: socket.getaddrinfo("deb.debian.org", 80))


def attempts(told: Told) -> Iterator[tuple[str, str, str, Callable[[], Outcome]]]:
    """Name, what is tried, what must come of it, and how."""
    machine = [(address, port) for address in told["addresses"] for port in (22, 2375, told["port"])]
    published = [(told["host"], port) for port in (5000, 5443)]
    inside = [(address, port) for address in told["namespace"] for port in (53, 80, 443, 2375, 5000, 5001)]
    others = [(address, port) for address in told["containers"] for port in (5000, 5443, 22)]
    yield "derechos", "qué es quien ha entrado", "nadie, sin capacidades", own_rights
    yield "root", "hacerse root", "se rechaza", become_root
    yield "núcleo", "montar, crear discos, otros espacios de usuarios", "se rechaza", kernel_calls
    yield "escribir", "dejar algo en el contenedor o en lo montado", "en ninguna parte", write_anywhere
    yield "ejecutar", "un programa dejado en /tmp", "se rechaza", run_from_tmp
    yield "secretos", "los de los demás contenedores", "solo los tres suyos", others_secrets
    yield "entorno", "secretos en el entorno o en los argumentos", "ninguno", secrets_in_environment
    yield "procesos", "los de la máquina", "solo los suyos", other_processes
    yield "discos", "los de la máquina", "ninguno", disks
    yield "sockets", "el del motor sin puerta, o cualquier otro", "solo los de la puerta", sockets
    yield "motor", "ser root de la máquina con el motor", "la puerta lo rechaza", lambda: through_the_gate(told["sandbox"])
    yield "bases", "otras bases de datos, o su administrador", "se rechaza", lambda: all_refused(
        database("SELECT 1", name="postgres"), database("SELECT 1", name="template1"), database("SELECT 1", user="lab_root"))  # fmt: skip
    yield "servidor", "órdenes y ficheros desde PostgreSQL", "se rechaza", lambda: all_refused(
        database("COPY (SELECT 1) TO PROGRAM 'true'"), database("SELECT pg_read_file('/etc/passwd')"),
        database("ALTER ROLE lab SUPERUSER"))  # fmt: skip
    yield "redis", "sin su clave; escribir ficheros o cargar módulos", "se rechaza", lambda: all_refused(
        redis_command("PING", password=False), redis_command("CONFIG", "SET", "dir", str(TMP)),
        redis_command("MODULE", "LOAD", f"{TMP}/x.so"), redis_command("DEBUG", "SLEEP", "0"))  # fmt: skip
    yield "máquina", "servicios de la máquina, por cualquiera de sus direcciones", "se rechaza", lambda: unreachable(*machine)
    yield "publicado", "lo que se publica para los laboratorios", "se rechaza", lambda: unreachable(*published)
    yield "laboratorios", "servicios de la red de los laboratorios", "se rechaza", lambda: unreachable(*inside)
    yield "vecinos", "espejo y registro, en sus redes", "se rechaza", lambda: unreachable(*others)
    yield "internet", "direcciones de fuera y los metadatos de la nube", "se rechaza", lambda: unreachable(
        ("1.1.1.1", 443), ("8.8.8.8", 53), ("169.254.169.254", 80))  # fmt: skip
    yield "nombres", "preguntar a DNS de fuera", "no contesta", names


def main(told: Told) -> None:
    for name, tried, expected, attempt in attempts(told):
        held, observed = attempt()
        print(json.dumps({"name": name, "tried": tried, "expected": expected, "observed": observed, "held": held}), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
