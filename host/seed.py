"""Makes the *seeded* sandbox image: the sandbox's, with the course images already in its engine.

One machine is started on the lab's own engine, before the gate guards it, pulls every course image from the mirror, is
stopped and committed. On btrfs a machine made from it shares those blocks with all others: the images cost the disk once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import docker
from docker.errors import APIError, ImageNotFound, NotFound
from docker.models.containers import Container

from host import images
from host.instance import HostError

TAG = "docker-intensivo/seeded"
NAME = "lab-siembra"
PULL_SECONDS = 600
_READY = "until curl -sf -o /dev/null --unix-socket /run/docker.sock http://engine/_ping; do sleep 0.05; done"

Progress = Callable[[str], None]


def reference() -> str:
    """Named by what it is made from, so that another sandbox or another course image makes another."""
    digest = hashlib.sha256(f"{images.sandbox_reference()} {sorted(images.course_images().values())}".encode())
    return f"{TAG}:{digest.hexdigest()[:16]}"


def ensure(engine_url: str, progress: Progress) -> None:
    """Have the seeded image in the engine at `engine_url`, which must not be gated yet; raises HostError."""
    client = docker.DockerClient(engine_url, timeout=PULL_SECONDS)
    try:
        client.images.get(reference())
    except ImageNotFound:
        progress("sembrando las imágenes del curso en una máquina (medio minuto, solo esta vez)")
        _make(client, progress)
    finally:
        client.close()


def _make(client: docker.DockerClient, progress: Progress) -> None:
    wanted = list(images.course_images().values())
    with _machine(client) as machine:
        _run(machine, _READY)
        for number, image in enumerate(wanted, start=1):
            progress(f"imagen {number} de {len(wanted)}: {image}")
            _run(machine, f"docker pull -q {image}")
        machine.stop(timeout=20)
        machine.commit(*reference().split(":"))
    _remove_former(client)


def _remove_former(client: docker.DockerClient) -> None:
    """Those that machines are still made from stay until the next time."""
    for former in client.images.list(TAG):
        if reference() not in former.tags:
            try:
                client.images.remove(str(former.id))
            except APIError as error:
                if error.status_code != 409:
                    raise


@contextmanager
def _machine(client: docker.DockerClient) -> Iterator[Container]:
    """A machine as the platform makes them, with the largest disk, on a network of its own; gone afterwards."""
    _clear(client)
    client.networks.create(NAME, driver="bridge")
    try:
        yield client.containers.run(
            images.sandbox_reference(),
            name=NAME,
            detach=True,
            hostname="lab",
            network=NAME,
            cap_add=["ALL"],
            security_opt=["apparmor=unconfined"],
            storage_opt={"size": "8G"},
            mem_limit="2g",
        )
    finally:
        _clear(client)


def _clear(client: docker.DockerClient) -> None:
    for find in (client.containers.get, client.networks.get):
        try:
            found = find(NAME)
        except NotFound:
            continue
        found.remove(force=True, v=True) if isinstance(found, Container) else found.remove()


def _run(machine: Container, command: str) -> None:
    code, said = machine.exec_run(["timeout", str(PULL_SECONDS), "sh", "-c", command])
    if code:
        words = said.decode(errors="replace") if isinstance(said, bytes) else ""
        raise HostError(f"no se pudieron sembrar las imágenes del curso: «{command}» dijo {words[-500:]}")
