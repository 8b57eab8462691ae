"""Starts, stops and removes a lab on this host.

    python -m host.lab up [--name NAME] [--exec CMD …]
    python -m host.lab down [--name NAME]
    python -m host.lab uninstall

What a person asks for, and what they are told; the start itself, step by step, is startup.py's. host/bootstrap.sh has
installed what this needs.
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

from host import accounts, composed, environment, leftovers, preflight, startup, systemd
from host.instance import ROOT, RUN, STATE, HostError, Instance
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
        settings = startup.raise_up(lab, supervisor, with_site=with_site)
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
        startup.lower(lab, supervisor)
        print("Parado: no queda nada en marcha.", flush=True)


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
            said = startup.manage(lab, "demo_accounts", "--json")
            lab.demo_accounts.touch(mode=0o600)
            lab.demo_accounts.write_text(said)
        print("\nUsuarios de prueba:")
        for account in json.loads(lab.demo_accounts.read_text()):
            print(f"  {account['user']:<8} {account['password']:<16} {account['role']}")
    print(f"\nListo: {settings['LAB_URL']}\n(Ctrl-C para parar)", flush=True)


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
    """The labs of this LAB_STATE, and what all share if no other's is left: one that runs uses the same users."""
    for home in STATE.iterdir() if STATE.exists() else ():
        if (home / "env").exists() or (home / "compose").exists():
            lab = Instance(home.name, composed=True)
            _down(lab)
            shutil.rmtree(lab.run, ignore_errors=True)
    if any(Instance(file.stem).running() for file in RUN.glob("*.pid")):
        print("Se quedan los usuarios del sistema, que otro laboratorio usa ahora.")
        return
    accounts.remove()
    with suppress(OSError):
        RUN.rmdir()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
