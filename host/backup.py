"""The copy of a composed site: a folder with all of it that can't be made again, and a site from such a folder.

    copia.json         of which site and when, with which migrations, and the digest of each of the files below
    sitio.tar          secrets, certificates and their authority, /etc/docker-intensivo/NAME.env
    base.dump          the database, by pg_dump
    grabaciones.tar    recordings of terminals
    registro.tar       what was pushed to the class registry
    laboratorios.tar   if asked for: the sandboxes' disk

A folder appears under its name only when it is whole; a site is restored only where there is none, and while that is not
done it does not start otherwise. What is in Redis (queues, rates) is not kept. Compose is called by host/containers.py; when
the site stops and starts is the business of host/compose.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from host import accounts, composed, containers, environment
from host.instance import ROOT, STATE, USER, HostError, Instance
from host.shell import reason, sh

FORMAT = 1
MANIFEST = "copia.json"
SITE, DATABASE, RECORDINGS, REGISTRY, DISK = "sitio.tar", "base.dump", "grabaciones.tar", "registro.tar", "laboratorios.tar"
AUTHORITY = STATE / "ca"
MADE_ANEW = ("compose/compose.env", "compose/site.env")
"""What each start writes: addresses and networks of where it is."""
DUMP = ("exec", "-T", "db", "pg_dump", "-h", "/run/postgresql", "-U", "lab_root", "-Fc", "lab")
LOAD = (
    *("exec", "-T", "db", "pg_restore", "-h", "/run/postgresql", "-U", "lab_root"),
    *("--clean", "--if-exists", "--exit-on-error", "--single-transaction", "-d", "lab"),
)
# One that is being written is another when tar has read it: what was read is good.
PACK = ("run", "--rm", "-T", "--no-deps", "web", "sh", "-c", "tar -C /srv/grabaciones -cf - . || [ $? -eq 1 ]")
UNPACK = ("run", "--rm", "-T", "--no-deps", "web", "tar", "-C", "/srv/grabaciones", "-xf", "-")


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
    _tar("-C", str(lab.registry_store), "--exclude=_uploads", "-cf", str(path / REGISTRY), *(parts or ("-T", "/dev/null")))
    _tell(SITE)
    with tarfile.open(path / SITE, "w") as archive:
        for inside, outside in _kept(lab).items():
            if outside.exists():
                archive.add(outside, inside, filter=lambda member: None if member.name in MADE_ANEW else member)


def save_disk(lab: Instance, path: Path) -> None:
    """The sandboxes' disk, of a site that is stopped. Only what is used of it takes room."""
    _tell(DISK)
    _tar("-C", str(lab.home), "-cSf", str(path / DISK), lab.disk.name)


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


def refuse_taken(lab: Instance, copy: Copy) -> None:
    """Raise HostError where there is something already that restoring would overwrite, or that can't take this copy."""
    ahead = sorted(set(copy.says.migrations) - set(_migrations()))
    if ahead:
        raise HostError(f"la copia es de una versión posterior del proyecto (su base de datos tiene {ahead[0]}): actualízalo antes.")
    if copy.has_disk and copy.says.site != lab.name:
        raise HostError(
            f"la copia lleva los laboratorios de «{copy.says.site}», que solo valen con ese nombre: "
            f"restáurala con LAB_NAME={copy.says.site}."
        )
    if disk_fits(copy) and copy.says.octet not in ("", os.environ.get("LAB_SUBNET_OCTET", copy.says.octet)):
        raise HostError(
            f"la copia lleva los laboratorios, que están en la red 10.{copy.says.octet}.0.0/16: restáurala con "
            f"LAB_SUBNET_OCTET={copy.says.octet}."
        )
    if _marker(lab).exists() and _marker(lab).read_text() == copy.says.made and not lab.running():
        return
    another = f"quítalo con «make compose-remove NAME={lab.name}», o restaura con otro LAB_NAME."
    if lab.home.exists() and any(lab.home.iterdir()):
        raise HostError(f"ya hay un sitio «{lab.name}» en {lab.home} y no se escribe encima: {another}")
    url = composed.engine_url(lab)
    if url and sh("docker", "-H", url, "volume", "ls", "-q", "--filter", f"name=^docker-intensivo-{lab.name}_").strip():
        raise HostError(
            f"en el Docker de esta máquina quedan volúmenes de otro sitio «{lab.name}» y no se escribe encima: "
            "bórralos con «docker volume rm»."
        )


def disk_fits(copy: Copy) -> bool:
    """Whether the copy's disk is of use here: what is on it belongs to ids of the machine it was on."""
    return copy.has_disk and accounts.remapped_root() == copy.says.remapped_root


def refuse_unfinished(lab: Instance) -> None:
    """Raise HostError for a site whose restoring was cut short: started now it would look whole, and not be."""
    if _marker(lab).exists():
        raise HostError(
            f"la restauración de «{lab.name}» no acabó: repite «make compose-restore» con la misma copia, o quita lo que haya con "
            f"«make compose-remove NAME={lab.name}»."
        )


def lay_down(lab: Instance, copy: Copy) -> None:
    """What has to be there before anything starts: secrets, certificates, settings, the sandboxes' disk."""
    lab.home.mkdir(parents=True, exist_ok=True)
    _marker(lab).write_text(copy.says.made)
    accounts.ensure()
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        with tarfile.open(copy.folder / SITE) as archive:
            archive.extractall(folder, filter="data")
        _place_all(lab, Path(folder), same=copy.says.site == lab.name)
    if disk_fits(copy):
        print("Restaurando el disco de los laboratorios", flush=True)
        _tar("-C", str(lab.home), "-xSf", str(copy.folder / DISK))


def fill(lab: Instance, copy: Copy) -> None:
    """What goes into a site whose host's part is up and whose containers are built: registry, recordings, database."""
    print("Restaurando el registro de la clase, las grabaciones y la base de datos", flush=True)
    if not disk_fits(copy):
        _tar("-C", str(lab.registry_store), "-xf", str(copy.folder / REGISTRY))
    sh("chown", "-R", f"{USER}:{USER}", str(lab.registry_store))
    containers.start(lab, "db")
    containers.feed(lab, *LOAD, source=copy.folder / DATABASE)
    containers.feed(lab, *UNPACK, source=copy.folder / RECORDINGS)


def finish(lab: Instance) -> None:
    _marker(lab).unlink()


def summary(lab: Instance, copy: Copy) -> str:
    """What is back, and what is not."""
    made = datetime.fromisoformat(copy.says.made)
    lines = [f"Restaurado lo que había el {made:%d-%m-%Y a las %H:%M}: cuentas, clases, progreso, grabaciones y el registro de la clase."]
    if disk_fits(copy):
        lines.append("También los laboratorios: los que estaban en marcha o guardados se pueden continuar.")
    elif copy.has_disk:
        lines.append("No los laboratorios: los usuarios de sus máquinas tienen aquí otros identificadores. Quien tenía uno empieza otro.")
    else:
        lines.append("No los laboratorios, que no iban en la copia: quien tenía uno en marcha o guardado empieza otro.")
    here = environment.read(lab.compose / "site.env").get("LAB_URL", "")
    if here != copy.says.url:
        lines.append(
            f"La copia era de {copy.says.url} y este sitio es {here}: si no es lo que querías, da LAB_URL y LAB_BIND y repite "
            "«sudo make compose-up»."
        )
    return "\n".join(lines)


def _kept(lab: Instance) -> dict[str, Path]:
    """Name in sitio.tar → where it lives on this host."""
    return {
        "ca": AUTHORITY,
        "secrets": lab.home / "secrets",
        "compose": lab.compose,
        "registry": lab.home / "registry",
        "settings.env": environment.file(lab),
    }


def _place_all(lab: Instance, unpacked: Path, *, same: bool) -> None:
    """What the machine has already (another site's authority, settings that somebody has written) stays as it is. Where the
    name is not the `same`, its address and ports are not either: settings are those of who restores it."""
    places = _kept(lab)
    theirs = AUTHORITY / "ca.crt"
    if theirs.exists() and theirs.read_bytes() != (unpacked / "ca" / "ca.crt").read_bytes():
        # What the copy's has signed would be believed by nobody here: it is made anew.
        shutil.rmtree(unpacked / "registry")
        for signed in ("tls.crt", "tls.key", "tls.names"):
            (unpacked / "compose" / signed).unlink(missing_ok=True)
    for inside, place in places.items():
        stays = (inside in ("ca", "settings.env") and place.exists()) or (inside == "settings.env" and not same)
        if (unpacked / inside).exists() and not stays:
            _place(unpacked / inside, place)


def _place(source: Path, target: Path) -> None:
    """Root's, and readable by the lab's group where it was by its group: ids are not the same everywhere."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)
    group = accounts.ids()[1]
    for path in (target, *target.rglob("*")):
        os.chown(path, 0, group if path.stat().st_mode & 0o040 else 0)


def _describe(lab: Instance, path: Path) -> Manifest:
    return Manifest(
        format=FORMAT,
        site=lab.name,
        url=environment.read(lab.compose / "site.env").get("LAB_URL", ""),
        made=datetime.now().astimezone().isoformat(timespec="seconds"),
        remapped_root=accounts.remapped_root(),
        migrations=_migrations(),
        octet=lab.subnet_octet,
        digests={file.name: _digest(file) for file in sorted(path.iterdir())},
    )


def _migrations() -> list[str]:
    """Those of this version of the project."""
    return sorted(f"{file.parent.parent.name}.{file.stem}" for file in ROOT.glob("*/migrations/0*.py"))


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _tar(*words: str) -> None:
    """GNU tar; that something changed while it was read (1) is no error of a site that goes on."""
    done = subprocess.run(("tar", *words), capture_output=True, text=True)
    if done.returncode > 1:
        raise HostError(f"falló tar: {' / '.join(done.stderr.strip().splitlines()[-2:])}")


def _marker(lab: Instance) -> Path:
    """There while a site is being restored, with the moment of its copy."""
    return lab.home / "restoring"


def _tell(name: str) -> None:
    print(f"      {name}", flush=True)
