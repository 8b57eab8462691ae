"""Compose v2 for the Docker client, where the machine has none: Debian 12 packages only the first.

Takes Debian 13's program, signed as all of its packages, out of an image of ours (deploy/compose.Dockerfile). It needs no
more than Debian 12's C library. What was added is written down, so that uninstalling takes it away.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from pathlib import Path

import docker
from docker.errors import APIError, BuildError

from host.images import Progress
from host.instance import ROOT, STATE, HostError

MINIMUM = (2, 24)
"""The first that lets an `env_file` be missing."""
TAG = "docker-intensivo/compose-plugin:latest"
INSIDE = "/usr/libexec/docker/cli-plugins/docker-compose"
PLUGIN = Path("/usr/local/lib/docker/cli-plugins/docker-compose")


def version() -> tuple[int, ...] | None:
    """Which Compose the client has; None if none that can be used."""
    done = subprocess.run(("docker", "compose", "version", "--short"), capture_output=True, text=True)
    found = re.match(r"v?(\d+)\.(\d+)", done.stdout.strip())
    return tuple(int(part) for part in found.groups()) if found and done.returncode == 0 else None


def ensure(url: str, base: str, progress: Progress) -> None:
    """Have a Compose that is new enough; raises HostError."""
    present = version()
    if present and present >= MINIMUM:
        return
    if present:
        raise HostError(f"el Compose de esta máquina es el {'.'.join(map(str, present))} y hace falta el 2.24 o posterior: actualízalo.")
    progress("Compose v2, que este Debian no trae (un minuto)")
    client = docker.DockerClient(url, timeout=900)
    try:
        client.images.build(
            path=str(ROOT / "deploy"),
            dockerfile="compose.Dockerfile",
            tag=TAG,
            buildargs={"BASE": base},
            network_mode="host",
            rm=True,
            forcerm=True,
        )
        made = client.containers.create(TAG, ["-"], network_mode="none")
        try:
            chunks, _facts = made.get_archive(INSIDE)
            packed = b"".join(chunks)
        finally:
            made.remove()
    except (APIError, BuildError) as error:
        raise HostError(f"no se pudo preparar Compose v2: {error}") from error
    finally:
        client.close()
    _install(packed)
    if not version():
        raise HostError(f"Compose v2 no funciona en esta máquina ({PLUGIN}): instala el complemento «docker compose» de tu distribución.")


def _install(packed: bytes) -> None:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        program = archive.extractfile("docker-compose")
        assert program is not None
        PLUGIN.parent.mkdir(parents=True, exist_ok=True)
        draft = PLUGIN.with_suffix(".new")
        draft.write_bytes(program.read())
    draft.chmod(0o755)
    draft.rename(PLUGIN)
    with (STATE / "added-files").open("a") as added:
        added.write(f"{PLUGIN}\n")
