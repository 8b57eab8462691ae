"""From what the web is given to work with: the engine's gate, PostgreSQL, Redis."""

import http.client
import json
import os
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import psycopg
import redis

from intruder.container import GATE, SECRETS, TMP
from intruder.outcome import Outcome, all_refused, none_of


class Engine(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(GATE))


def ask(method: str, path: str, body: object = None) -> int:
    """What the gate answers; a body in so many words is sent as it is."""
    connection = Engine("engine")
    words = body if isinstance(body, str) or body is None else json.dumps(body)
    connection.request(method, path, words, {"Content-Type": "application/json"})
    return connection.getresponse().status


def be_root_by_the_engine(sandbox: str) -> Outcome:
    """Everything that makes an engine the root of its machine."""
    hosts = {"Image": sandbox, "Labels": {}}
    return _all_forbidden(
        {
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
    )


def pass_the_gate_by(sandbox: str) -> Outcome:
    """The same by ways that a gate might not look at: other spellings, old versions, other verbs, another protocol."""
    privileged = f'{{"Image": "{sandbox}", "hostconfig": {{"privileged": true}}}}'
    twice = f'{{"Image": "{sandbox}", "HostConfig": {{}}, "HostConfig": {{"Privileged": true}}}}'
    return _all_forbidden(
        {
            "otra caja": ("POST", "/containers/create", privileged),
            "clave repetida": ("POST", "/containers/create", twice),
            "ruta escapada": ("POST", "/containers/%63reate", {"HostConfig": {"Privileged": True}}),
            "versión vieja": ("POST", "/v1.18/containers/lab-0/start", {"Privileged": True}),
            "exec privilegiado": ("POST", "/containers/lab-0/exec", {"Cmd": ["id"], "Privileged": True}),
            "dispositivos": ("POST", "/containers/lab-0/update", {"DeviceCgroupRules": ["a *:* rwm"]}),
            "otra imagen": ("POST", "/images/load", None),
            "exportar": ("GET", "/containers/lab-0/export", None),
            "sesión de BuildKit": ("POST", "/session", None),
            "gRPC": ("POST", "/grpc", None),
            "otra red": ("POST", "/networks/bridge/connect", {"Container": "lab-0"}),
            "podar": ("POST", "/containers/prune", None),
        }
    )


def _all_forbidden(tried: dict[str, tuple[str, str, object]]) -> Outcome:
    answers = {name: ask(*words) for name, words in tried.items()}
    return none_of(
        [f"{name}: {code}" for name, code in answers.items() if code != 403], otherwise=f"{len(tried)} peticiones, todas con 403"
    )


def postgres(statement: str, *, user: str = "lab", name: str = "lab") -> Callable[[], object]:
    where = urlsplit(os.environ["LAB_DATABASE_URL"])

    def run() -> object:
        with psycopg.connect(
            host=where.hostname, port=where.port or 5432, user=user, dbname=name, connect_timeout=5,
            password=(SECRETS / "database_password").read_text().strip(),
        ) as connection:  # fmt: skip
            return connection.execute(statement).fetchone()

    return run


def other_databases() -> Outcome:
    return all_refused(postgres("SELECT 1", name="postgres"), postgres("SELECT 1", name="template1"), postgres("SELECT 1", user="lab_root"))


def the_databases_server() -> Outcome:
    return all_refused(
        postgres("COPY (SELECT 1) TO PROGRAM 'true'"),
        postgres("SELECT pg_read_file('/etc/passwd')"),
        postgres("SELECT lo_import('/etc/passwd')"),
        postgres("CREATE EXTENSION file_fdw"),
        postgres("ALTER ROLE lab SUPERUSER"),
        postgres("CREATE ROLE intruso"),
        postgres("ALTER SYSTEM SET log_destination = 'stderr'"),
    )


def _redis(*words: str, password: bool = True) -> Callable[[], object]:
    def run() -> object:
        client = redis.Redis.from_url(
            os.environ["LAB_REDIS_URL"], socket_timeout=5,
            password=(SECRETS / "redis_password").read_text().strip() if password else None,
        )  # fmt: skip
        return client.execute_command(*words)

    return run


def the_redis_server() -> Outcome:
    return all_refused(
        _redis("PING", password=False),
        _redis("CONFIG", "SET", "dir", str(TMP)),
        _redis("MODULE", "LOAD", f"{TMP}/x.so"),
        _redis("REPLICAOF", "NO", "ONE"),
        _redis("ACL", "LIST"),
        _redis("DEBUG", "SLEEP", "0"),
    )
