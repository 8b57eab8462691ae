"""Starts, stops and removes a lab on this host.

    python -m host.lab up [--name NAME] [--exec CMD …]
    python -m host.lab down [--name NAME]
    python -m host.lab uninstall

The main path is `_raise`, from an empty host to a clickable line; `_lower` is its mirror image, safe over
whatever a crash left. host/bootstrap.sh has installed what this needs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType

from host import (
    accounts,
    composed,
    disks,
    egress,
    engine,
    environment,
    groups,
    images,
    kernel,
    leftovers,
    network,
    preflight,
    registry,
    seed,
    site,
    storage,
    supplies,
    systemd,
    uncounted,
)
from host.instance import ROOT, RUN, STATE, HostError, Instance
from host.processes import project
from host.shell import sh, succeeds
from host.supervisor import Supervisor

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(Exception):
    """Somebody asked the lab to stop (Ctrl-C, `make stop`)."""


def main(argv: list[str]) -> int:
    command, *rest = argv or ["up"]
    executed: list[str] = []
    if "--exec" in rest:
        cut = rest.index("--exec")
        rest, executed = rest[:cut], rest[cut + 1 :]
    parser = argparse.ArgumentParser(prog="host.lab")
    parser.add_argument("--name", help="the lab's; with --exec it must be said, for its database is made anew")
    parser.add_argument("--composed", action="store_true", help="only what the containers of Compose need here: see host/compose.py")
    parser.add_argument("--with-site", action="store_true", help="with --exec: the web and the worker too")
    options = parser.parse_args(rest)
    lab = Instance(options.name or os.environ.get("LAB_NAME", "lab"), composed=options.composed)
    try:
        if executed and not options.name:
            raise HostError("con --exec el laboratorio empieza vacío: di cuál con --name, que no sea el de la clase.")
        lab.check()
        if command == "up":
            return _up(lab, executed, with_site=options.with_site or not (executed or lab.composed))
        if command == "down":
            _down(lab)
        elif command == "uninstall":
            _uninstall()
        else:
            raise HostError(f"orden desconocida: {command}")
    except HostError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def _up(lab: Instance, executed: list[str], *, with_site: bool) -> int:
    _refuse_second(lab)
    if not lab.composed:  # else host/compose.py has asked
        lab.home.mkdir(parents=True, exist_ok=True)
        preflight.check(lab, environment.gather(lab), port=with_site)
    RUN.mkdir(mode=0o755, exist_ok=True)
    lab.pid_file.write_text(str(os.getpid()))
    for number in STOPPING:
        signal.signal(number, _ask_to_stop)
    supervisor = Supervisor(lab.logs)
    if executed and lab.name != "lab":
        # A lab for tests or benchmarks: its database may be of another version of the code.
        for file in lab.data.glob("lab.sqlite3*"):
            file.unlink()
        lab.demo_accounts.unlink(missing_ok=True)
    try:
        settings = _raise(lab, supervisor, with_site=with_site)
        if executed:
            return _execute(lab, executed)
        if lab.composed:
            lab.ready_file.write_text(composed.version(settings))
            systemd.tell_ready()
        else:
            _announce(lab, settings)
        while True:
            time.sleep(1)
            supervisor.tend(lambda said: print(f"  {time.strftime('%H:%M:%S')} {said}", flush=True))
    except Stopped:
        print("\nParando el laboratorio…", flush=True)
        return 0
    finally:
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)
        _lower(lab, supervisor)
        print("Parado: no queda nada en marcha.", flush=True)


def _raise(lab: Instance, supervisor: Supervisor, *, with_site: bool) -> Mapping[str, str]:
    """From an empty host to a running lab; each line printed is a step under way."""
    steps = _Steps(total=7 if with_site else 5 if lab.composed else 6)
    steps.say("Preparando usuarios y carpetas")
    accounts.ensure()
    _make_folders(lab)
    settings = environment.gather(lab) if lab.composed else environment.write(lab)
    steps.say("Imágenes")
    images.ensure(lab, lambda what: steps.detail(f"construyendo {what}"))
    steps.say("Disco y red del laboratorio")
    leftovers.clear(lab)
    accounts.give(lab.open_run)
    storage.mount(lab)
    kernel.raise_shared()
    network.raise_up(lab)
    _start_supplies(lab, supervisor, settings, steps)
    steps.say("Motor del laboratorio")
    _load_images(lab, supervisor, steps)
    if storage.kind(lab) is storage.Kind.EXT4:
        supervisor.start(disks.service(lab))
    if groups.needed():
        supervisor.start(groups.service(lab))
    supervisor.start(uncounted.service(lab))
    supervisor.start(engine.gate(lab))
    supervisor.start(engine.engine(lab))
    if lab.composed:
        composed.hand_over(lab, supervisor)
        return settings
    steps.say("Base de datos y permisos del registro")
    accounts.own(lab.data)
    _manage(lab, "migrate", "--noinput", "-v", "0")
    supervisor.start(registry.tokens(lab))
    if with_site:
        _manage(lab, "lint_course")
        steps.say("Sitio web y correctores")
        for service in (site.worker(lab), site.previews(lab, settings), site.collector(lab), site.web(lab, settings)):
            if service:
                supervisor.start(service)
    return settings


def _start_supplies(lab: Instance, supervisor: Supervisor, settings: Mapping[str, str], steps: _Steps) -> None:
    """What sandboxes are served, and Redis: all that the engine and the site will look for."""
    offered = [supplies.dns(lab), supplies.mirror(lab), supplies.packages(lab)]
    if lab.composed:
        steps.say("Servicios: DNS y paquetes; los demás, con Compose")
        composed.prepare(lab, supervisor)
    else:
        steps.say("Servicios: Redis, DNS, espejo, paquetes y registro")
        offered = [site.redis(lab), *offered, registry.registry(lab)]
    for service in offered:
        supervisor.start(service)
    if environment.enabled(settings, "LAB_INTERNET"):
        steps.detail("salida a internet para los ejercicios que la piden")
        egress.open_host(lab)
        for service in (supplies.names(lab), supplies.outlet(lab)):
            supervisor.start(service)


def _load_images(lab: Instance, supervisor: Supervisor, steps: _Steps) -> None:
    """Have the sandbox images in the engine's data, put there by an engine without a gate that only root can reach."""
    url = f"unix://{lab.loader_socket}"
    loaded = lab.home / "loaded-image"
    wanted = f"{seed.reference()} {images.sandbox_reference()}"
    if loaded.exists() and loaded.read_text() == wanted:
        return
    steps.detail("cargando la máquina del alumno")
    loader = engine.engine(lab, gated=False)
    supervisor.start(loader)
    if not images.ensure_loaded(url):
        images.load(url)
    if storage.kind(lab) is storage.Kind.BTRFS:
        seed.ensure(url, steps.detail)
    supervisor.stop(loader.name)
    loaded.write_text(wanted)


def _lower(lab: Instance, supervisor: Supervisor) -> None:
    for name in ("web", "previews", "collector", "worker", "tokens"):
        supervisor.stop(name)
    _stop_sandboxes(lab)
    supervisor.stop_all()
    leftovers.clear(lab)
    lab.pid_file.unlink(missing_ok=True)


def _stop_sandboxes(lab: Instance) -> None:
    """Stop each sandbox in order, so that its engine finds its containers again tomorrow."""
    docker = ("docker", "-H", f"unix://{lab.socket}")
    if not succeeds(*docker, "version"):
        return
    paused = sh(*docker, "ps", "-q", "--filter", "status=paused", check=False).split()
    if paused:
        succeeds(*docker, "unpause", *paused)
    running = sh(*docker, "ps", "-q", check=False).split()
    if running:
        succeeds(*docker, "stop", "-t", "10", *running)


def _execute(lab: Instance, command: list[str]) -> int:
    print(f"Listo: ejecutando {' '.join(command)}", flush=True)
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "LAB_ENV_FILE": str(lab.env_file)})
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _announce(lab: Instance, settings: Mapping[str, str]) -> None:
    if environment.enabled(settings, "LAB_DEMO_ACCOUNTS", default="true"):
        if not lab.demo_accounts.exists():
            said = _manage(lab, "demo_accounts", "--json")
            lab.demo_accounts.touch(mode=0o600)
            lab.demo_accounts.write_text(said)
        print("\nUsuarios de prueba:")
        for account in json.loads(lab.demo_accounts.read_text()):
            print(f"  {account['user']:<8} {account['password']:<16} {account['role']}")
    print(f"\nListo: {settings['LAB_URL']}\n(Ctrl-C para parar)", flush=True)


def _manage(lab: Instance, *argv: str) -> str:
    """manage.py, as the lab's user."""
    done = subprocess.run(
        project(lab, "manage.py", *argv),
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "LAB_ENV_FILE": str(lab.env_file), "LANG": "C.UTF-8"},
    )
    if done.returncode:
        raise HostError(f"falló «manage.py {' '.join(argv)}»:\n{(done.stdout + done.stderr).strip()[-2000:]}")
    return done.stdout


def _make_folders(lab: Instance) -> None:
    RUN.mkdir(mode=0o755, exist_ok=True)
    lab.home.mkdir(parents=True, exist_ok=True)
    accounts.give(lab.data)
    lab.run.mkdir(mode=0o755, exist_ok=True)
    for folder in ("app", "python"):
        (lab.run / folder).mkdir(exist_ok=True)


def _refuse_second(lab: Instance) -> None:
    if pid := lab.running():
        how = "make compose-down" if lab.ready_file.exists() else "make stop"
        url = environment.read(lab.env_file).get("LAB_URL", "") if not lab.ready_file.exists() else "con contenedores"
        raise HostError(f"el laboratorio ya está en marcha ({url}, proceso {pid}); páralo con «{how}».")


def _ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
    raise Stopped


def _down(lab: Instance) -> None:
    if lab.ready_file.exists() and lab.running() and not lab.composed:
        raise HostError("este laboratorio se arrancó con «make compose-up»: páralo con «make compose-down».")
    if pid := lab.running():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 120
        while lab.pid_file.exists() and Path(f"/proc/{pid}").exists():
            if time.monotonic() > deadline:
                raise HostError(f"el proceso {pid} no se ha parado en dos minutos.")
            time.sleep(0.1)
    leftovers.clear(lab)
    lab.pid_file.unlink(missing_ok=True)
    print("Parado: no queda nada en marcha.")


def _uninstall() -> None:
    for home in STATE.iterdir() if STATE.exists() else ():
        if (home / "env").exists() or (home / "compose").exists():
            _down(Instance(home.name, composed=True))
    accounts.remove()
    shutil.rmtree(RUN, ignore_errors=True)


class _Steps:
    """Says what is being done and how far it has come."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._began = time.monotonic()

    def say(self, what: str) -> None:
        self._done += 1
        print(f"[{self._done}/{self._total}] {what}  ({time.monotonic() - self._began:.0f} s)", flush=True)

    def detail(self, what: str) -> None:
        print(f"      {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
