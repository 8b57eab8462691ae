"""The institution's way: the site as containers of Docker Compose, the lab engine on the host.

    python -m host.compose up [--name NAME]          engine, images, containers, first administrator
    python -m host.compose down [--name NAME]        stops both; all that they keep stays
    python -m host.compose run [--name NAME] WORDS   docker compose WORDS
    python -m host.compose doctor [--name NAME]      what an intruder in the web's container could reach
    python -m host.compose enable [--name NAME]      has systemd start it with the machine; disable: no more
    python -m host.compose remove [--name NAME]      takes containers, networks, images and data away

The host's part runs in the background (`host.lab up --composed`). Containers get the gated engine's socket and no other.
What they are told is written by host/compose_files.py.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from host import compose_files, compose_plugin, composed, images, intruder, preflight, systemd
from host.instance import ROOT, RUN, HostError, Instance
from host.shell import sh, succeeds

START_SECONDS = 600
UNHEALTHY = ("restarting", "exited", "unhealthy", "created", "dead")


def main(argv: list[str]) -> int:
    command, *words = argv or ["up"]
    name = os.environ.get("LAB_NAME", "lab")
    if words[:1] == ["--name"] and len(words) > 1:
        name, words = words[1], words[2:]
    lab = Instance(name, composed=True)
    try:
        lab.check()
        match command:
            case "up":
                _up(lab)
            case "down":
                _down(lab)
            case "run":
                return subprocess.run((*_compose(lab), *words), env=_environment(lab)).returncode
            case "doctor":
                return intruder.examine(lab, (*_compose(lab), "exec", "-T", "web"), _environment(lab))
            case "enable":
                systemd.install(lab)
            case "disable":
                systemd.remove(lab)
            case "remove":
                _remove(lab)
            case _:
                raise HostError(f"orden desconocida: {command} (up, down, run, doctor, enable, disable, remove)")
    except HostError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def _up(lab: Instance) -> None:
    """From a bare machine to a line that can be clicked. Safe over a lab that is up: what changed is made anew.

    What is wrong is said before anything is started, where that can be known; else what this start began is stopped."""
    began = time.monotonic()
    was_up = lab.running() is not None
    settings = compose_files.settings(lab)
    preflight.check(settings, port=not _runs_here(lab))
    compose_files.write_secrets(lab, settings)
    try:
        _start_host(lab, settings)
        url = _engine(lab)
        base = images.ensure_base(url, _detail)
        compose_plugin.ensure(url, base, _detail)
        compose_files.write(lab, settings, base=base)
        print(f"Contenedores: construyendo los que hayan cambiado  ({time.monotonic() - began:.0f} s)", flush=True)
        _build(lab)
        print(f"Contenedores: arrancando  ({time.monotonic() - began:.0f} s)", flush=True)
        _start_containers(lab)
    except HostError:
        if not was_up:
            _down(lab)
        raise
    _announce(lab, settings)


def _start_host(lab: Instance, settings: dict[str, str]) -> None:
    """Have the host's part up as it would be started now: by systemd where its unit is there, else in the background."""
    if lab.running():
        if not lab.ready_file.exists():
            raise HostError("el laboratorio ya está en marcha con «make run», o arrancando: páralo con «make stop».")
        if lab.ready_file.read_text() == composed.version(settings):
            return
        print("La parte de la máquina ha cambiado: se para y arranca de nuevo; los laboratorios se podrán continuar.", flush=True)
        _stop_host(lab)
    lab.logs.mkdir(parents=True, exist_ok=True)
    log = lab.logs / "host.log"
    log.write_bytes(b"")
    process = systemd.start(lab) or _in_background(lab, log)
    with log.open() as said:
        while not lab.ready_file.exists():
            _repeat(said.read())
            if process.poll() is not None:
                _repeat(said.read())
                raise HostError(f"la parte de la máquina no arrancó. Su registro es {log}.")
            time.sleep(0.1)
        _repeat(said.read())


def _in_background(lab: Instance, log: Path) -> subprocess.Popen[bytes]:
    # Appended to, so that the supervisor may cut it short (host/supervisor.py).
    with log.open("ab") as output:
        return subprocess.Popen(
            composed.command(lab), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )


def _repeat(said: str) -> None:
    if said:
        print(said, end="", flush=True)


def _engine(lab: Instance) -> str:
    url = composed.engine_url(lab)
    if url is None:
        raise HostError("no contesta ningún motor de Docker para los contenedores: arranca el de la máquina, o «sudo make compose-up».")
    return url


def _compose(lab: Instance) -> tuple[str, ...]:
    return ("docker", "-H", _engine(lab), "compose", "--project-directory", str(ROOT), "--env-file", str(compose_files.dot_env(lab)))


def _environment(lab: Instance) -> dict[str, str]:
    """What Compose finds in `.env` is not to be covered by what whoever starts it has in the environment: it is in there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "COMPOSE_"))}
    return {**kept, "DOCKER_HOST": _engine(lab), "DOCKER_BUILDKIT": "1"}


def _runs_here(lab: Instance) -> bool:
    """Whether our own proxy is up, and hence may hold its port."""
    if composed.engine_url(lab) is None or not compose_plugin.version() or not compose_files.dot_env(lab).exists():
        return False
    done = subprocess.run((*_compose(lab), "ps", "-q", "proxy"), capture_output=True, text=True, env=_environment(lab))
    return bool(done.stdout.strip())


def _build(lab: Instance) -> None:
    log = lab.logs / "compose-build.log"
    with log.open("wb") as output:
        done = subprocess.run(
            (*_compose(lab), "--progress", "plain", "build"), stdout=output, stderr=subprocess.STDOUT, env=_environment(lab)
        )
    if done.returncode:
        words = [line for line in log.read_text(errors="replace").splitlines() if line.strip()][-3:]
        raise HostError(f"no se pudieron construir los contenedores (el registro está en {log}): {' / '.join(words)}")


def _start_containers(lab: Instance) -> None:
    up = (*_compose(lab), "up", "--detach", "--no-build", "--remove-orphans", "--wait", "--wait-timeout", str(START_SECONDS))
    done = subprocess.run(up, capture_output=True, text=True, env=_environment(lab))
    if done.returncode:
        log = lab.logs / "compose-up.log"
        said = subprocess.run(
            (*_compose(lab), "logs", "--no-color", "--tail", "200"), capture_output=True, text=True, env=_environment(lab)
        )
        log.write_text(done.stderr + said.stdout)
        raise HostError(f"{_why(lab, done.stderr)} Todo lo que dijeron está en {log}.")


def _why(lab: Instance, said: str) -> str:
    """One sentence: the first service's own, where it said one; else Compose's last words."""
    listed = subprocess.run(
        (*_compose(lab), "ps", "--all", "--format", "json"), capture_output=True, text=True, env=_environment(lab)
    ).stdout
    for line in listed.splitlines():
        service = json.loads(line)
        if service.get("State") == "running" and service.get("Health") in ("", "healthy", "starting"):
            continue
        logs = subprocess.run(
            (*_compose(lab), "logs", "--no-log-prefix", "--tail", "50", service["Service"]),
            capture_output=True,
            text=True,
            env=_environment(lab),
        ).stdout
        errors = [said for said in logs.splitlines() if said.startswith(("Error: ", "CommandError: "))]
        if errors:
            return f"«{service['Service']}» no arrancó: {errors[-1].partition(': ')[2]}"
    taken = re.search(r"(\S+:\d+): bind: address already in use|Bind for (\S+) failed: port is already allocated", said)
    if taken:
        return f"el puerto {taken[1] or taken[2]} ya lo usa otro programa: páralo, o elige otro con LAB_BIND."
    words = [line.strip() for line in said.splitlines() if line.strip()]
    return f"los contenedores no arrancaron: {' / '.join(words[-2:]) or 'sin mensaje'}."


def _announce(lab: Instance, settings: dict[str, str]) -> None:
    first = lab.compose / "first-admin.json"
    if not first.exists():
        words = ("exec", "-T", "web", "python", "manage.py", "first_admin", "--json", os.environ.get("LAB_ADMIN", "olga"))
        said = subprocess.run((*_compose(lab), *words), capture_output=True, text=True, env=_environment(lab))
        if said.returncode:
            raise HostError(f"no se pudo crear la primera cuenta de administración: {said.stderr.strip()[-300:]}")
        first.touch(mode=0o600)
        first.write_text(said.stdout)
    account = json.loads(first.read_text())
    if account:
        print(f"\nAdministración: {account['user']}  {account['password']}  (cámbiala al entrar; está en {first})")
    print(f"\nListo: {settings['LAB_URL']}\n(para pararlo: sudo make compose-down)", flush=True)


def _down(lab: Instance) -> None:
    if composed.engine_url(lab) and compose_plugin.version() and compose_files.dot_env(lab).exists():
        sh(*_compose(lab), "down", "--remove-orphans", timeout=180)
    _stop_host(lab)


def _stop_host(lab: Instance) -> None:
    systemd.stop(lab)
    subprocess.run((sys.executable, "-m", "host.lab", "down", "--name", lab.name, "--composed"), cwd=ROOT, check=False)


def _remove(lab: Instance) -> None:
    """Whatever engine holds them: ours goes away with the lab's folder, the machine's does not."""
    url = composed.engine_url(lab)
    ours = lab.compose_data.exists()
    if compose_files.dot_env(lab).exists() and not ours and url is None:
        raise HostError("los contenedores están en el Docker de esta máquina, que no contesta: arráncalo y repite la orden.")
    if url and compose_plugin.version() and compose_files.dot_env(lab).exists():
        sh(*_compose(lab), "down", "--volumes", "--rmi", "all", "--remove-orphans", timeout=300)
        for made in (images.BASE_TAG, compose_plugin.TAG):
            succeeds("docker", "-H", url, "image", "rm", made)
    _stop_host(lab)
    systemd.remove(lab)
    compose_files.dot_env(lab).unlink(missing_ok=True)
    if url and not ours:
        print("Quitados contenedores, imágenes, redes y volúmenes. Se queda la caché de construcción de tu Docker: «docker builder prune».")


def _detail(what: str) -> None:
    print(f"      {what}", flush=True)


if __name__ == "__main__":
    RUN.mkdir(mode=0o755, exist_ok=True)
    sys.exit(main(sys.argv[1:]))
