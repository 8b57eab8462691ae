"""The institution's way: the site as containers of Docker Compose, the lab engine on the host.

    python -m host.compose up [--name NAME]          engine, images, containers, first administrator
    python -m host.compose down [--name NAME]        stops both; all that they keep stays
    python -m host.compose run [--name NAME] WORDS   docker compose WORDS
    python -m host.compose doctor [--name NAME]      what an intruder in the web's container could reach, and one in a sandbox
    python -m host.compose enable [--name NAME]      has systemd start it with the machine; disable: no more
    python -m host.compose backup [--name NAME] FOLDER [sandboxes]   a copy of all that can't be made again
    python -m host.compose restore [--name NAME] FOLDER              a site from a copy, where there is none
    python -m host.compose remove --name NAME        takes containers, networks, images and data away

The host's part runs in the background (`host.lab up --composed`). Containers get the gated engine's socket and no other.
What they are told is written by host/compose_files.py; Compose is called by host/containers.py; copies are host/backup.py's
and host/restore.py's.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from host import (
    backup,
    compose_engine,
    compose_files,
    compose_plugin,
    composed,
    containers,
    environment,
    images,
    intruder,
    preflight,
    restore,
    storage,
    systemd,
)
from host.instance import ROOT, RUN, STATE, HostError, Instance
from host.shell import succeeds

COMMANDS = ("up", "down", "run", "doctor", "enable", "disable", "backup", "restore", "remove")


def main(argv: list[str]) -> int:
    command, *words = argv or ["up"]
    given = words[1] if words[:1] == ["--name"] and len(words) > 1 else ""
    lab = Instance(given or os.environ.get("LAB_NAME", "lab"), composed=True)
    try:
        if command == "remove" and not given:
            raise HostError("esto borra un sitio con todos sus datos: di cuál, por ejemplo «make compose-remove NAME=tarde».")
        lab.check()
        _recall_octet(lab, anew=command in ("up", "restore"))
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        return _obey(lab, command, words[2:] if given else words)
    except HostError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"Interrumpido: «{command}» no acabó; repite la orden cuando quieras.", file=sys.stderr)
        return 130


def _obey(lab: Instance, command: str, words: list[str]) -> int:
    match command, words:
        case "up", []:
            restore.refuse_unfinished(lab)
            _up(lab)
        case "down", []:
            _down(lab)
        case "run", _:
            return subprocess.run((*containers.compose(lab), *words), env=containers.environment(lab)).returncode
        case "doctor", []:
            return _examine(lab)
        case "enable", []:
            systemd.install(lab)
        case "disable", []:
            systemd.remove(lab)
        case "backup", [folder, *more] if more in ([], ["sandboxes"]):
            _back_up(lab, Path(folder), sandboxes=bool(more))
        case "restore", [folder]:
            _restore(lab, Path(folder))
        case "remove", []:
            _remove(lab)
        case ("backup", _) | ("restore", _):
            raise HostError(
                "di en qué carpeta: «make compose-backup OUT=/copias/lunes» la hace y «make compose-restore FROM=/copias/lunes» la lee."
            )
        case _:
            raise HostError(f"orden desconocida: {' '.join((command, *words))} ({', '.join(COMMANDS)})")
    return 0


def _recall_octet(lab: Instance, *, anew: bool) -> None:
    """The networks of a site are those with which it was started, whoever asks, until it is started `anew` with others."""
    octet = _in_force(lab, "LAB_SUBNET_OCTET")
    if octet and not (anew and os.environ.get("LAB_SUBNET_OCTET")):
        os.environ["LAB_SUBNET_OCTET"] = octet


def _in_force(lab: Instance, name: str) -> str:
    """What the containers that there are were told, last time."""
    return environment.read(compose_files.dot_env(lab)).get(name, "")


def _up(lab: Instance, *, fill: Callable[[], None] | None = None) -> None:
    """From a bare machine to a line that can be clicked. Safe over a lab that is up: what changed is made anew.

    What is wrong is said before anything is started, where that can be known; else what this start began is stopped, and what it
    wrote down is as before. Likewise if who started it thinks better of it.
    `fill` puts into the volumes and the registry what a site begins with, before anybody uses them."""
    settings = compose_files.settings(lab)
    # Docker's own is no other program, where the address stays.
    published = containers.running(lab, "proxy") and _in_force(lab, "LAB_BIND") == settings["LAB_BIND"]
    preflight.check(lab, settings, port=not published, services=not containers.running(lab, "mirror", "registry", "tokens"))
    compose_engine.check_given()
    was_up, octet, before = lab.running() is not None, _in_force(lab, "LAB_SUBNET_OCTET"), compose_files.written(lab)
    try:
        _raise_up(lab, settings, fill)
    except BaseException:
        if not was_up or _in_force(lab, "LAB_SUBNET_OCTET") != octet or not containers.running(lab, "web"):
            _down(lab)
        compose_files.put_back(lab, before)
        raise
    _announce(lab, settings)
    systemd.agree(lab, "start")


def _raise_up(lab: Instance, settings: dict[str, str], fill: Callable[[], None] | None) -> None:
    began = time.monotonic()
    secrets = _in_force(lab, "LAB_SECRETS_VERSION")
    compose_files.write_secrets(lab, settings)
    environment.remember(lab)
    _start_host(lab, settings)
    url = containers.engine(lab)
    base = images.ensure_base(url, _detail)
    compose_plugin.ensure(url, base, _detail)
    compose_files.write(lab, settings, base=base)
    print(f"Contenedores: construyendo los que hayan cambiado  ({time.monotonic() - began:.0f} s)", flush=True)
    containers.build(lab)
    if fill:
        fill()
    # A Redis that runs has the password that it was started with.
    containers.refuse_wrong(lab, upto="--engine" if _in_force(lab, "LAB_SECRETS_VERSION") == secrets else "--database")
    print(f"Contenedores: arrancando  ({time.monotonic() - began:.0f} s)", flush=True)
    containers.start(lab)
    containers.remove_replaced(lab)


def _start_host(lab: Instance, settings: dict[str, str]) -> None:
    """Have the host's part up as it would be started now: by systemd where its unit is there, else in the background."""
    if lab.running():
        if not lab.ready_file.exists():
            raise HostError("el laboratorio ya está en marcha con «make run», o arrancando: páralo con «make stop».")
        if lab.ready_file.read_text() == composed.version(settings) and systemd.keeps(lab):
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


def _announce(lab: Instance, settings: dict[str, str]) -> None:
    first = lab.compose / "first-admin.json"
    began = not first.exists()
    if began:
        words = ("exec", "-T", "web", "python", "manage.py", "first_admin", "--json", os.environ.get("LAB_ADMIN", "olga"))
        said = containers.say(lab, *words, what="no se pudo crear la primera cuenta de administración")
        first.touch(mode=0o600)
        first.write_text(said)
    account = json.loads(first.read_text())
    if account and began:
        print(f"\nAdministración: {account['user']}  {account['password']}  (cámbiala al entrar; está en {first})")
    elif account:
        print(f"\nAdministración: {account['user']}  (su primera contraseña está en {first})")
    if settings["LAB_BIND"].startswith(("0.0.0.0:", "[::]:")) and "//127.0.0.1" in settings["LAB_URL"]:
        print("\nSe publica en toda la red, pero solo se entra por la dirección de abajo: di con qué nombre entran los demás en LAB_URL.")
    which = "" if lab.name == "lab" else f"LAB_NAME={lab.name} "
    print(f"\nListo: {settings['LAB_URL']}\n(para pararlo: sudo {which}make compose-down)", flush=True)


def _down(lab: Instance) -> None:
    containers.down(lab)
    systemd.agree(lab, "stop")
    _stop_host(lab)


def _stop_host(lab: Instance) -> None:
    systemd.stop(lab)
    # Its networks are those with which it was started, even if this starts it with others.
    env = {**os.environ, "LAB_SUBNET_OCTET": _in_force(lab, "LAB_SUBNET_OCTET") or lab.subnet_octet}
    subprocess.run((sys.executable, "-m", "host.lab", "down", "--name", lab.name, "--composed"), cwd=ROOT, env=env, check=False)


def _examine(lab: Instance) -> int:
    """What an intruder could do from the web's container, then from sandboxes; 1 if either was not held."""
    print("Desde el contenedor de la web:\n", flush=True)
    from_web = intruder.examine(lab, (*containers.compose(lab), "exec", "-T", "web"), containers.environment(lab))
    print("\nDesde dos laboratorios (lab_doctor; cerca de un minuto):\n", flush=True)
    # In a container of its own: the web does not start over a lab that the doctor found open, and it is to be asked again.
    words = ("run", "--rm", "-T", "--no-deps", "web", "python", "manage.py", "lab_doctor")
    from_sandboxes = subprocess.run((*containers.compose(lab), *words), env=containers.environment(lab)).returncode
    return 1 if from_web or from_sandboxes else 0


def _back_up(lab: Instance, folder: Path, *, sandboxes: bool) -> None:
    """With the sandboxes' disk nothing may write to it, and the rest is to be of the same moment: the site stops meanwhile."""
    if not containers.running(lab, "db"):
        raise HostError("el sitio no está en marcha, y la base de datos se copia en marcha: «sudo make compose-up» primero.")
    with backup.draft(lab, folder) as draft:
        if not sandboxes:
            backup.save(lab, draft)
        else:
            print("El sitio se para mientras se copia el disco de los laboratorios.", flush=True)
            environment.recall(lab)
            try:
                backup.quiet(lab)
                backup.save(lab, draft)
                _down(lab)
                backup.save_disk(lab, draft)
            finally:
                _up(lab)
    print(f"Copia: {folder}  (lleva todas las claves: guárdala en otra máquina y que no la lea nadie más)", flush=True)


def _restore(lab: Instance, folder: Path) -> None:
    copy = backup.read(folder)
    restore.refuse_taken(lab, copy)
    if restore.disk_fits(copy) and copy.says.octet:
        os.environ["LAB_SUBNET_OCTET"] = copy.says.octet
    restore.lay_down(lab, copy)
    _up(lab, fill=lambda: restore.fill(lab, copy))
    restore.finish(lab)
    print(restore.summary(lab, copy), flush=True)


def _remove(lab: Instance) -> None:
    """Whatever engine holds them: ours goes away with the lab's folder, the machine's does not."""
    if not lab.home.exists():
        raise HostError(f"no hay ningún sitio «{lab.name}» en esta máquina.")
    url = compose_engine.url(lab)
    ours = lab.compose_data.exists()
    if compose_files.dot_env(lab).exists() and not ours and url is None:
        raise HostError("los contenedores están en el Docker de esta máquina, que no contesta: arráncalo y repite la orden.")
    containers.down(lab, "--volumes", "--rmi", "all")
    if url:
        containers.remove_replaced(lab)
    if url and not [home for home in STATE.glob("*/compose") if home != lab.compose]:
        for made in (images.BASE_TAG, compose_plugin.TAG):
            succeeds("docker", "-H", url, "image", "rm", made)
    _stop_host(lab)
    systemd.remove(lab)
    compose_files.dot_env(lab).unlink(missing_ok=True)
    if storage.mounted(lab):
        raise HostError(
            f"el disco de los laboratorios sigue montado en {lab.engine_root}: mira quién lo usa con «fuser -vm {lab.engine_root}»."
        )
    shutil.rmtree(lab.home)
    shutil.rmtree(lab.run, ignore_errors=True)
    if url and not ours:
        print("Quitados contenedores, imágenes, redes y volúmenes. Se queda la caché de construcción de tu Docker: «docker builder prune».")
    print(f"Quitado el sitio «{lab.name}», con todos sus datos.")


def _detail(what: str) -> None:
    print(f"      {what}", flush=True)


if __name__ == "__main__":
    RUN.mkdir(mode=0o755, exist_ok=True)
    sys.exit(main(sys.argv[1:]))
