"""What tests/engine/test_without_btrfs.py runs in a lab whose disk is ext4: uses it and says, as JSON, what it saw."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labsite.settings")
import django

django.setup()

from django.conf import settings

from lessons import catalog
from sandboxes import pool
from sandboxes.doctor import attacks, examine, host
from sandboxes.doctor.runner import await_death
from sandboxes.engine import SEEDED, Flavor, Limits, lab_engine

ENGINE = lab_engine()
ROOT = Path(settings.ENV.registry_store).parent


@contextmanager
def machine() -> Iterator[str]:
    name = f"lab-prueba-{uuid.uuid4().hex[:8]}"
    try:
        ENGINE.create(name, hostname="lab", labels={"lab.purpose": "test"}, limits=Limits(), flavor=Flavor(disk="1G"))
        ENGINE.start(name)
        ENGINE.wait_ready(name, seconds=60)
        yield name
    finally:
        ENGINE.remove(name)


def said(name: str, command: str, seconds: float = 120) -> str:
    return ENGINE.run(name, ["sh", "-c", command], seconds=seconds).output.decode(errors="replace").strip()


def volumes() -> int:
    return sum(1 for _ in ROOT.glob("docker/*/volumes/*/_data"))


def used(one: str) -> dict[str, Any]:
    seen: dict[str, Any] = {
        "driver": said(one, "docker info -f '{{.Driver}}'"),
        "run": said(one, "docker run --name uno busybox:1.37 echo hola 2>/dev/null"),
        "volumes": volumes(),
        "over": over(one, "docker run busybox:1.37 dd if=/dev/zero of=/lleno bs=4M count=2000"),
    }
    seen["kept"] = said(one, "docker ps -a --format '{{.Names}}' | tail -n 1")
    return seen


def over(one: str, command: str) -> dict[str, Any]:
    """Write until somebody ends it; then it is started again, and may make room."""
    code = ENGINE.run(one, ["sh", "-c", command], seconds=100).code
    death = await_death(ENGINE, one)
    assert death
    told = (Path(settings.ENV.endings_dir) / death.id).read_text().strip()
    ENGINE.start(one)
    ENGINE.wait_ready(one, seconds=60)
    size = int(said(one, "du -sxB1 /root /var/lib/docker | awk '{ n += $1 } END { print n }'"))
    said(one, "docker ps -aq --filter name=_ | xargs -r docker rm -f")
    return {"code": code, "killed": death.killed, "told": told, "size": size}


def main() -> None:
    with machine() as one:
        seen = used(one)
    seen["volumes left"] = volumes()
    seeded = pool.make(flavor=Flavor(images=SEEDED))
    seen["seeded"] = sorted(said(seeded.name, "docker images --format '{{.Repository}}:{{.Tag}}'").split())
    pool.discard(seeded)
    findings = examine(ENGINE, tuple(attack for attack in attacks() if attack.name in ("disco", "subvolúmenes", "montajes")))
    seen["doctor"] = {finding.name: "" if finding.held else finding.observed for finding in findings}
    lacks = host.lacks(ENGINE.security_options(), catalog.course().exercises.values(), storage=settings.ENV.storage)
    seen["lack"] = next(([lack.so, lack.exercises] for lack in lacks if lack.what == "btrfs"), None)
    print(json.dumps(seen, ensure_ascii=False))


if __name__ == "__main__":
    main()
