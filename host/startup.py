"""The start of a lab, step by step, and the stop, its mirror.

`raise_up` is the main path, from an empty host to a lab that serves; `lower` takes down whatever there is, also what a crash
left. Who asks for it and what they are told is lab.py's.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping

from host import (
    accounts,
    composed,
    descriptors,
    disks,
    egress,
    engine,
    environment,
    groups,
    images,
    kernel,
    leftovers,
    network,
    pace,
    registry,
    seed,
    site,
    storage,
    supplies,
    uncounted,
)
from host.instance import RUN, HostError, Instance
from host.processes import project
from host.shell import sh, succeeds
from host.supervisor import Supervisor


def raise_up(lab: Instance, supervisor: Supervisor, *, with_site: bool) -> Mapping[str, str]:
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
    supervisor.start(descriptors.service(lab))
    supervisor.start(pace.service(lab))
    supervisor.start(engine.gate(lab))
    supervisor.start(engine.engine(lab))
    if lab.composed:
        composed.hand_over(lab, supervisor)
        return settings
    steps.say("Base de datos y permisos del registro")
    accounts.own(lab.data)
    manage(lab, "migrate", "--noinput", "-v", "0")
    supervisor.start(registry.tokens(lab))
    if with_site:
        manage(lab, "lint_course")
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


def lower(lab: Instance, supervisor: Supervisor) -> None:
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


def manage(lab: Instance, *argv: str) -> str:
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
