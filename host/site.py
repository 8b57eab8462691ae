"""The site's own processes, where they are not containers of Compose: Redis, workers, collector, previews, web.

All of them are the unprivileged user's. Processes as the supervisor takes them; nothing is started here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from host import accounts
from host.instance import Instance
from host.processes import answers, as_user, project
from host.shell import succeeds
from host.supervisor import Service

FIRST = -5
"""A page that somebody waits for comes before anybody's work in a sandbox: three times their weight."""


def redis(lab: Instance) -> Service:
    """Broker, channel layer, cache, rates. A unix socket only: it meets no other Redis."""
    return Service(
        name="redis",
        nice=FIRST,
        argv=as_user(
            *("redis-server", "--port", "0", "--unixsocket", str(lab.redis), "--unixsocketperm", "770"),
            *("--dir", str(lab.data), "--save", "60 1", "--maxmemory", "256mb", "--maxmemory-policy", "noeviction"),
        ),
        ready=lambda: succeeds("redis-cli", "-s", str(lab.redis), "ping"),
    )


def worker(lab: Instance) -> Service:
    """Celery: graders, sandbox life, and the clock (beat) that sweeps."""
    ready_file = lab.open_run / "worker-ready"
    return Service(
        name="worker",
        nice=FIRST,
        argv=project(
            lab,
            *("-m", "celery", "-A", "labsite", "worker", "--beat", "--concurrency", os.environ.get("LAB_WORKERS", "4")),
            *("--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--hostname", f"{lab.name}@localhost"),
        ),
        env={"LAB_ENV_FILE": str(lab.env_file), "LAB_WORKER_READY": str(ready_file)},
        before_start=lambda: ready_file.unlink(missing_ok=True),
        ready=ready_file.exists,
        start_seconds=60,
        stop_seconds=20,
    )


def collector(lab: Instance) -> Service:
    """Listens to the engines of the sandboxes in use: sandboxes/events/. Ready once it has begun to."""
    ready_file = lab.open_run / "collector-ready"
    return Service(
        name="collector",
        nice=FIRST,
        argv=project(lab, "manage.py", "collect"),
        env={"LAB_ENV_FILE": str(lab.env_file), "LAB_COLLECTOR_READY": str(ready_file)},
        before_start=lambda: ready_file.unlink(missing_ok=True),
        ready=ready_file.exists,
        start_seconds=60,
        stop_seconds=5,
    )


def previews(lab: Instance, settings: Mapping[str, str]) -> Service | None:
    """Listens on the ports of LAB_PREVIEW, where that gives ports; names are the web's."""
    found = re.fullmatch(r".+:(\d+)-\d+", settings.get("LAB_PREVIEW", ""))
    if not found:
        return None
    host = settings["LAB_BIND"].rsplit(":", 1)[0].strip("[]")
    tls = (str(lab.rundir("tls.crt")), str(lab.rundir("tls.key"))) if settings.get("LAB_TLS_CERT") else ()
    return Service(
        name="previews",
        nice=FIRST,
        argv=project(lab, "-m", "sandboxes.preview.serve", host, *tls),
        env={"LAB_ENV_FILE": str(lab.env_file)},
        before_start=lambda: _copy_certificate(lab, settings),
        ready=answers(host, int(found[1])),
        start_seconds=60,
    )


def web(lab: Instance, settings: Mapping[str, str]) -> Service:
    """uvicorn, with the websocket options of docs/terminal-protocol.md."""
    host, port = settings["LAB_BIND"].rsplit(":", 1)
    tls: tuple[str, ...] = ()
    if settings.get("LAB_TLS_CERT"):
        tls = ("--ssl-certfile", str(lab.rundir("tls.crt")), "--ssl-keyfile", str(lab.rundir("tls.key")))
    return Service(
        name="web",
        nice=FIRST,
        argv=project(
            lab,
            *("-m", "uvicorn", "labsite.asgi:application", "--host", host.strip("[]"), "--port", port),
            *("--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--ws-max-size", "65600"),
            *("--loop", "uvloop", "--http", "httptools", "--no-server-header", "--timeout-graceful-shutdown", "3", "--no-access-log", *tls),
        ),
        env={"LAB_ENV_FILE": str(lab.env_file)},
        before_start=lambda: _copy_certificate(lab, settings),
        ready=answers(host.strip("[]"), int(port)),
        start_seconds=60,
    )


def _copy_certificate(lab: Instance, settings: Mapping[str, str]) -> None:
    """The key is root's: hand the web and the previews a copy that only they can read."""
    for name, target in (("LAB_TLS_CERT", "tls.crt"), ("LAB_TLS_KEY", "tls.key")):
        if settings.get(name):
            copy = lab.rundir(target)
            copy.touch(mode=0o400)
            copy.write_bytes(Path(settings[name]).read_bytes())
            os.chown(copy, *accounts.ids())
