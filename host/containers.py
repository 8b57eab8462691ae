"""The site's containers, as `docker compose` handles them: how it is called, what it builds and starts, and why it could not.

What they are told is host/compose_files.py's; in which order things happen, host/compose.py's.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from host import compose_engine, compose_files, compose_plugin
from host.instance import ROOT, HostError, Instance
from host.shell import sh, succeeds

START_SECONDS = 600
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def engine(lab: Instance) -> str:
    url = compose_engine.url(lab)
    if url is None:
        raise HostError("no contesta ningún motor de Docker para los contenedores: arranca el de la máquina, o «sudo make compose-up».")
    return url


def compose(lab: Instance) -> tuple[str, ...]:
    """`docker compose` on this site."""
    return ("docker", "-H", engine(lab), "compose", "--project-directory", str(ROOT), "--env-file", str(compose_files.dot_env(lab)))


def environment(lab: Instance) -> dict[str, str]:
    """What Compose finds in `.env` is not to be covered by what whoever starts it has in the environment: it is in there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "COMPOSE_"))}
    return {**kept, "DOCKER_HOST": engine(lab), "DOCKER_BUILDKIT": "1", "BUILDX_CONFIG": str(lab.home / "buildx")}


def known(lab: Instance) -> bool:
    """Whether there is anything that Compose could be asked about: an engine, the program, what it was told."""
    return bool(compose_engine.url(lab) and compose_plugin.version() and compose_files.dot_env(lab).exists())


def running(lab: Instance, *services: str) -> bool:
    """Whether any of these does."""
    return known(lab) and bool(_ask(lab, "ps", "-q", *services).stdout.strip())


def build(lab: Instance) -> None:
    log = lab.logs / "compose-build.log"
    with log.open("wb") as output:
        done = subprocess.run(
            (*compose(lab), "--progress", "plain", "build"), stdout=output, stderr=subprocess.STDOUT, env=environment(lab)
        )
    if done.returncode:
        words = [line for line in log.read_text(errors="replace").splitlines() if line.strip()][-3:]
        raise HostError(f"no se pudieron construir los contenedores (el registro está en {log}): {' / '.join(words)}")


def start(lab: Instance, *services: str) -> None:
    """Start these, or all of them, and wait until they are well; raises HostError with the reason in one sentence."""
    up = ("up", "--detach", "--no-build", "--remove-orphans", "--wait", "--wait-timeout", str(START_SECONDS))
    done = _ask(lab, *up, *services)
    if done.returncode:
        log = lab.logs / "compose-up.log"
        log.write_text(done.stderr + _ask(lab, "logs", "--no-color", "--tail", "200").stdout)
        raise HostError(f"{why(lab, done.stderr)} Todo lo que dijeron está en {log}.")


def refuse_wrong(lab: Instance, *, upto: str) -> None:
    """Raise HostError if what runs would not start again with what it is told now: it is asked before it is stopped for that.

    Nothing is asked where the database does not run, for then nobody works with this site; labsite/readiness.py has `upto`."""
    if not running(lab, "db") or not running(lab, "redis"):
        return
    asked = ("python", "-m", "labsite.readiness", upto, "true")
    done = _ask(lab, "run", "--rm", "-T", "--no-deps", "migrate", *asked)
    wrong = [line for line in done.stderr.splitlines() if line.startswith("Error: ")] if done.returncode else []
    if wrong:
        raise HostError(f"{wrong[-1].removeprefix('Error: ')} Lo que estaba en marcha sigue como estaba.")


def why(lab: Instance, said: str) -> str:
    """One sentence: the first service's own, where it said one; else Compose's last words."""
    for line in _ask(lab, "ps", "--all", "--format", "json").stdout.splitlines():
        service = json.loads(line)
        if service.get("State") == "running" and service.get("Health") in ("", "healthy", "starting"):
            continue
        # Some versions clear the line first, on whatever they write to.
        logs = _ESCAPES.sub("", _ask(lab, "logs", "--no-log-prefix", "--tail", "50", service["Service"]).stdout)
        errors = [said for said in logs.splitlines() if said.startswith(("Error: ", "CommandError: "))]
        if errors:
            return f"«{service['Service']}» no arrancó: {errors[-1].partition(': ')[2]}"
    taken = re.search(r"(\S+:\d+): bind: address already in use|Bind for (\S+) failed: port is already allocated", said)
    if taken:
        return f"el puerto {taken[1] or taken[2]} ya lo usa otro programa: páralo, o elige otro con LAB_BIND."
    words = [line.strip() for line in said.splitlines() if line.strip()]
    return f"los contenedores no arrancaron: {' / '.join(words[-2:]) or 'sin mensaje'}."


def say(lab: Instance, *words: str, what: str) -> str:
    """What a command of Compose's writes; raises HostError that begins with `what`."""
    done = _ask(lab, *words)
    if done.returncode:
        raise HostError(f"{what}: {_last(done.stderr)}")
    return done.stdout


def pour(lab: Instance, *words: str, into: Path) -> None:
    """Keep in a file what a command of Compose's writes."""
    with into.open("wb") as file:
        done = subprocess.run((*compose(lab), *words), stdout=file, stderr=subprocess.PIPE, env=environment(lab))
    if done.returncode:
        raise HostError(f"no se pudo escribir {into.name}: {_last(done.stderr.decode(errors='replace'))}")


def feed(lab: Instance, *words: str, source: Path) -> None:
    """Give a file to a command of Compose's."""
    with source.open("rb") as file:
        done = subprocess.run((*compose(lab), *words), stdin=file, capture_output=True, env=environment(lab))
    if done.returncode:
        raise HostError(f"no se pudo restaurar {source.name}: {_last(done.stderr.decode(errors='replace'))}")


def remove_replaced(lab: Instance) -> None:
    """Remove the images of this site that others have taken the name of, unless somebody still runs from them."""
    label = f"label=com.docker.compose.project=docker-intensivo-{lab.name}"
    succeeds("docker", "-H", engine(lab), "image", "prune", "--force", "--filter", label)


def down(lab: Instance, *options: str) -> None:
    if known(lab):
        sh(*compose(lab), "down", "--remove-orphans", *options, timeout=300)


def _ask(lab: Instance, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((*compose(lab), *words), capture_output=True, text=True, env=environment(lab))


def _last(said: str) -> str:
    return " / ".join([line.strip() for line in said.splitlines() if line.strip()][-3:]) or "sin mensaje"
