"""Makes the *seeded* sandbox image: the sandbox's, with the course images already in its engine.

One machine is started on the lab's own engine, before the gate guards it, pulls every course image from the mirror, is
stopped and committed. On btrfs a machine made from it shares those blocks with all others: the images cost the disk once.
Where the sandbox is still the same, the machine begins as the former seeded image and pulls what has changed.
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
SANDBOX_LABEL = "lab.sandbox"
"""On a seeded image: the sandbox image it was made from."""
DEEPEST = 40
"""Layers; each seeding on the former one adds one, and storage drivers stand some 125."""
PULL_SECONDS = 600
_READY = "until curl -sf -o /dev/null --unix-socket /run/docker.sock http://engine/_ping; do sleep 0.05; done"
_ALL = "docker images -q --no-trunc | sort -u"

Progress = Callable[[str], None]


def reference() -> str:
    """Named by what it is made from, so that another sandbox or another course image makes another."""
    digest = hashlib.sha256(f"{images.sandbox_reference()} {images.course_key()}".encode())
    return f"{TAG}:{digest.hexdigest()[:16]}"


def ensure(engine_url: str, progress: Progress) -> None:
    """Have the seeded image in the engine at `engine_url`, which must not be gated yet; raises HostError."""
    client = docker.DockerClient(engine_url, timeout=PULL_SECONDS)
    try:
        client.images.get(reference())
    except ImageNotFound:
        progress("sembrando las imágenes del curso en una máquina (medio minuto, solo esta vez)")
        try:
            _make(client, progress)
        except APIError as error:
            raise HostError(f"el motor del laboratorio no puede con una máquina: {error.explanation or error}") from error
    finally:
        client.close()


def _make(client: docker.DockerClient, progress: Progress) -> None:
    wanted = list(images.course_images())
    begin = _former(client) or images.sandbox_reference()
    with _machine(client, begin) as machine:
        _run(machine, _READY)
        for number, image in enumerate(wanted, start=1):
            progress(f"imagen {number} de {len(wanted)}: {image}")
            _run(machine, f"docker pull -q {image}")
        if begin != images.sandbox_reference():
            _run(machine, f"{_ALL} | grep -vxF \"$(docker image inspect -f '{{{{.Id}}}}' {' '.join(wanted)})\" | xargs -r docker rmi -f")
        machine.stop(timeout=20)
        machine.commit(*reference().split(":"), changes=f"LABEL {SANDBOX_LABEL}={images.sandbox_reference()}")
    _remove_former(client)


def _former(client: docker.DockerClient) -> str | None:
    """A seeded image of this very sandbox; none when it stands on so many layers that a fresh one is better."""
    for image in client.images.list(TAG, filters={"label": f"{SANDBOX_LABEL}={images.sandbox_reference()}"}):
        if len(image.attrs["RootFS"]["Layers"]) < DEEPEST:
            return str(image.id)
    return None


def _remove_former(client: docker.DockerClient) -> None:
    """The images that this one and the present sandbox replace; those that machines are made from stay until the next time."""
    for name, kept in ((TAG, reference()), (images.SANDBOX_TAG, images.sandbox_reference())):
        for tag in {tag for image in client.images.list(name) for tag in image.tags} - {kept}:
            try:
                client.images.remove(tag)
            except APIError as error:
                if error.status_code != 409:
                    raise


@contextmanager
def _machine(client: docker.DockerClient, image: str) -> Iterator[Container]:
    """A machine as the platform makes them, with the largest disk, on a network of its own; gone afterwards."""
    _clear(client)
    client.networks.create(NAME, driver="bridge")
    try:
        yield client.containers.run(
            image,
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
