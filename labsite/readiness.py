"""Whether the site can start, asked before it does: its settings, its database, its Redis, the gate of its engine.

    python -m labsite.readiness [--settings | --database | --engine] CMD …    becomes CMD if it can, else says why in one sentence

With `--settings` only their values are asked about, before anything runs, and without CMD their names are said; with
`--database` the database too, which is all that a migration needs; with `--engine` all of it, and an engine that does not answer
is wrong too: who starts a site has its engine up by then, and what only starts again does without. Waiting is the business of who
starts processes (Compose, the supervisor): it asks once.
"""

from __future__ import annotations

import os
import re
import sys
from urllib.parse import urlsplit

import django
import redis
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections
from redis.exceptions import AuthenticationError, RedisError

from labsite.environment import Environment


def check(*, upto: str = "") -> None:
    """Raise ImproperlyConfigured, in Spanish, for what stops the start; `upto` is the flag, "" none of them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labsite.settings")
    check_settings()
    if upto == "--settings":
        return
    try:
        django.setup()
        check_database()
        if upto != "--database":
            check_redis()
            _check_lab(must_answer=upto == "--engine")
    finally:
        # Nothing open goes on to whatever this process becomes.
        connections.close_all()


def check_settings() -> None:
    from django.conf import settings

    settings.ENV  # noqa: B018  # read now, with all that is wrong in it


def check_database() -> None:
    from django.conf import settings

    # Not by the pool, which tries for long and does not say what it met.
    driver, params = connection.Database, connection.get_connection_params()  # type: ignore[attr-defined]  # each backend has its own
    if connection.vendor == "postgresql":
        params["connect_timeout"] = 5
    try:
        driver.connect(**params).close()
    except driver.Error as error:
        raise ImproperlyConfigured(
            f"No se puede usar la base de datos de LAB_DATABASE_URL ({_place(settings.ENV.database_url)}): {reason(error)}. "
            "Mira que esté en marcha y que LAB_DATABASE_PASSWORD sea su clave."
        ) from error


def check_redis() -> None:
    from django.conf import settings

    client = redis.Redis.from_url(settings.ENV.redis_url, socket_connect_timeout=5, socket_timeout=5)
    try:
        client.ping()
    except AuthenticationError as error:
        raise ImproperlyConfigured("Redis no acepta la clave: LAB_REDIS_PASSWORD no es la suya.") from error
    except RedisError as error:
        raise ImproperlyConfigured(
            f"No se puede usar el Redis de LAB_REDIS_URL ({_place(settings.ENV.redis_url)}): {reason(error)}. Mira que esté en marcha."
        ) from error
    finally:
        client.close()


def _check_lab(*, must_answer: bool) -> None:
    from django.conf import settings

    from sandboxes.doctor import refuse_unsafe
    from sandboxes.engine import EngineError

    try:
        refuse_unsafe()
    except EngineError as error:
        if must_answer:
            raise ImproperlyConfigured(
                f"No contesta el motor de los laboratorios en LAB_ENGINE_URL ({settings.ENV.engine_url}): {reason(error)}."
            ) from error


def _place(url: str) -> str:
    """Where a URL points, without who enters and with what."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


_REASONS = {
    "password authentication failed": "no acepta esa clave",
    "resolve host|could not translate host|[Nn]ame or service not known|name resolution": "no hay ningún servidor con ese nombre",
    "[Cc]onnection refused|Error 111": "ahí no escucha nadie",
    "timeout|[Tt]imed? ?out": "no contesta",
    "unreachable|No route": "no se llega a él",
    'database "[^"]*" does not exist': "no tiene esa base de datos",
    # PostgreSQL looks first at who may enter where: in the container `db`, only its role in its database.
    "no pg_hba.conf entry|no encryption": "no tiene esa base de datos, o no deja entrar en ella a ese usuario",
    "too many (clients|connections)|remaining connection slots": "no admite más conexiones",
    "starting up|shutting down|recovery mode": "está arrancando o parándose",
    "No such file or directory": "no existe ese socket",
    "[Pp]ermission denied": "no deja usar ese socket",
    "unable to open database file": "no se puede abrir ese fichero",
}
"""What drivers and servers say, and in the words of who reads it."""


def reason(error: Exception) -> str:
    for said, meant in _REASONS.items():
        if re.search(said, str(error)):
            return meant
    return " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__


def main(argv: list[str]) -> int:
    upto = argv[0] if argv[:1] in (["--settings"], ["--database"], ["--engine"]) else ""
    command = argv[1:] if upto else argv
    try:
        check(upto=upto)
    except ImproperlyConfigured as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    if command:
        os.execvp(command[0], command)  # noqa: S606  # becoming it is the purpose
    if upto == "--settings":
        print("\n".join(f"LAB_{field.upper()}" for field in Environment.model_fields))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
