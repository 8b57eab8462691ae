"""The copy of a composed site: a folder with all of it that can't be made again.

    copia.json         of which site and when, with which migrations, and the digest of each of the files below
    sitio.tar          secrets, certificates and their authority, /etc/docker-intensivo/NAME.env
    base.dump          the database, by pg_dump
    grabaciones.tar    recordings of terminals
    registro.tar       what was pushed to the class registry
    laboratorios.tar   if asked for: the sandboxes' disk

A folder appears under its name only when it is whole. What is in Redis (queues, rates) is not kept. A site from such a folder
is host/restore.py's; Compose is called by host/containers.py; when the site stops and starts is the business of host/compose.py.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from host import accounts, containers, environment
from host.instance import ROOT, STATE, HostError, Instance
from host.shell import reason

FORMAT = 1
MANIFEST = "copia.json"
SITE, DATABASE, RECORDINGS, REGISTRY, DISK = "sitio.tar", "base.dump", "grabaciones.tar", "registro.tar", "laboratorios.tar"
AUTHORITY = STATE / "ca"
MADE_ANEW = ("compose/compose.env", "compose/site.env")
"""What each start writes: addresses and networks of where it is."""
DUMP = ("exec", "-T", "db", "pg_dump", "-h", "/run/postgresql", "-U", "lab_root", "-Fc", "lab")
# One that is being written is another when tar has read it: what was read is good.
PACK = ("run", "--rm", "-T", "--no-deps", "web", "sh", "-c", "tar -C /srv/grabaciones -cf - . || [ $? -eq 1 ]")


@dataclass(frozen=True)
class Manifest:
    """What a copy says of itself."""

    format: int
    site: str
    url: str
    made: str
    remapped_root: int
    """The uid of the sandboxes' roots, as whom what is on their disk was written."""
    migrations: list[str]
    digests: dict[str, str]
    octet: str = ""
    """The networks that the sandboxes on the disk are on: LAB_SUBNET_OCTET."""


@dataclass(frozen=True)
class Copy:
    """A copy that has been read, and is whole."""

    folder: Path
    says: Manifest

    @property
    def has_disk(self) -> bool:
        return DISK in self.says.digests


@contextmanager
def draft(lab: Instance, folder: Path) -> Iterator[Path]:
    """A folder to write a copy into: it gets its name, and its manifest, when all of it is there."""
    if folder.exists():
        raise HostError(f"{folder} ya existe y no se escribe encima: di otra carpeta.")
    path = folder.with_name(f"{folder.name}.parcial")
    shutil.rmtree(path, ignore_errors=True)
    try:
        path.mkdir(mode=0o700, parents=True)
        yield path
        (path / MANIFEST).write_text(json.dumps(asdict(_describe(lab, path)), ensure_ascii=False, indent=1) + "\n")
        path.rename(folder)
    except OSError as error:
        raise HostError(f"no se puede escribir la copia en {folder}: {reason(error)}.") from error
    finally:
        shutil.rmtree(path, ignore_errors=True)


def quiet(lab: Instance) -> None:
    """Stop all that writes, and leave the database."""
    services = containers.say(lab, "ps", "--services", what="no se pudo parar el sitio").split()
    containers.say(lab, "stop", *(service for service in services if service != "db"), what="no se pudo parar el sitio")


def save(lab: Instance, path: Path) -> None:
    """Everything but the sandboxes' disk, with the site up or quiet."""
    for name, words in ((DATABASE, DUMP), (RECORDINGS, PACK)):
        _tell(name)
        containers.pour(lab, *words, into=path / name)
    _tell(REGISTRY)
    # What names layers before the layers: all that the copy names is in it.
    parts = [part for part in ("docker/registry/v2/repositories", "docker/registry/v2/blobs") if (lab.registry_store / part).exists()]
    tar("-C", str(lab.registry_store), "--exclude=_uploads", "-cf", str(path / REGISTRY), *(parts or ("-T", "/dev/null")))
    _tell(SITE)
    with tarfile.open(path / SITE, "w") as archive:
        for inside, outside in kept(lab).items():
            if outside.exists():
                archive.add(outside, inside, filter=lambda member: None if member.name in MADE_ANEW else member)


def save_disk(lab: Instance, path: Path) -> None:
    """The sandboxes' disk, of a site that is stopped. Only what is used of it takes room."""
    _tell(DISK)
    tar("-C", str(lab.home), "-cSf", str(path / DISK), lab.disk.name)


def read(folder: Path) -> Copy:
    """A copy, looked over: raises HostError if it is none, or lacks something, or something of it has changed."""
    try:
        facts = json.loads((folder / MANIFEST).read_text())
        found = Copy(folder, Manifest(**facts))
    except (OSError, ValueError, TypeError) as error:
        raise HostError(f"«{folder}» no es una copia de un sitio: falta su {MANIFEST}, o no se entiende.") from error
    if found.says.format != FORMAT:
        raise HostError(f"la copia «{folder}» es de otra versión del proyecto: restáurala con la que la hizo.")
    print("Comprobando la copia", flush=True)
    for name, digest in found.says.digests.items():
        if not (folder / name).is_file() or _digest(folder / name) != digest:
            raise HostError(f"la copia está dañada: {folder / name} falta o no es el que se escribió.")
    return found


def kept(lab: Instance) -> dict[str, Path]:
    """Name in sitio.tar → where it lives on this host."""
    return {
        "ca": AUTHORITY,
        "secrets": lab.home / "secrets",
        "compose": lab.compose,
        "registry": lab.home / "registry",
        "settings.env": environment.file(lab),
    }


def migrations() -> list[str]:
    """Those of this version of the project."""
    return sorted(f"{file.parent.parent.name}.{file.stem}" for file in ROOT.glob("*/migrations/0*.py"))


def tar(*words: str) -> None:
    """GNU tar; that something changed while it was read (1) is no error of a site that goes on."""
    done = subprocess.run(("tar", *words), capture_output=True, text=True)
    if done.returncode > 1:
        raise HostError(f"falló tar: {' / '.join(done.stderr.strip().splitlines()[-2:])}")


def _describe(lab: Instance, path: Path) -> Manifest:
    return Manifest(
        format=FORMAT,
        site=lab.name,
        url=environment.read(lab.compose / "site.env").get("LAB_URL", ""),
        made=datetime.now().astimezone().isoformat(timespec="seconds"),
        remapped_root=accounts.remapped_root(),
        migrations=migrations(),
        octet=lab.subnet_octet,
        digests={file.name: _digest(file) for file in sorted(path.iterdir())},
    )


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _tell(name: str) -> None:
    print(f"      {name}", flush=True)
