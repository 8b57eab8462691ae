"""A site from a copy (host/backup.py): what would be written over, what is put where, and what is said at the end.

Only where there is no site of that name; and while it is not done that site does not start otherwise. Compose is called by
host/containers.py; in which order things happen is the business of host/compose.py.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from datetime import datetime
from pathlib import Path

from host import accounts, backup, compose_engine, containers, environment
from host.instance import STATE, USER, HostError, Instance
from host.shell import sh

LOAD = (
    *("exec", "-T", "db", "pg_restore", "-h", "/run/postgresql", "-U", "lab_root"),
    *("--clean", "--if-exists", "--exit-on-error", "--single-transaction", "-d", "lab"),
)
UNPACK = ("run", "--rm", "-T", "--no-deps", "web", "tar", "-C", "/srv/grabaciones", "-xf", "-")


def refuse_taken(lab: Instance, copy: backup.Copy) -> None:
    """Raise HostError where there is something already that restoring would overwrite, or that can't take this copy."""
    ahead = sorted(set(copy.says.migrations) - set(backup.migrations()))
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
    url = compose_engine.url(lab)
    if url and sh("docker", "-H", url, "volume", "ls", "-q", "--filter", f"name=^docker-intensivo-{lab.name}_").strip():
        raise HostError(
            f"en el Docker de esta máquina quedan volúmenes de otro sitio «{lab.name}» y no se escribe encima: "
            "bórralos con «docker volume rm»."
        )


def disk_fits(copy: backup.Copy) -> bool:
    """Whether the copy's disk is of use here: what is on it belongs to ids of the machine it was on."""
    return copy.has_disk and accounts.remapped_root() == copy.says.remapped_root


def refuse_unfinished(lab: Instance) -> None:
    """Raise HostError for a site whose restoring was cut short: started now it would look whole, and not be."""
    if _marker(lab).exists():
        raise HostError(
            f"la restauración de «{lab.name}» no acabó: repite «make compose-restore» con la misma copia, o quita lo que haya con "
            f"«make compose-remove NAME={lab.name}»."
        )


def lay_down(lab: Instance, copy: backup.Copy) -> None:
    """What has to be there before anything starts: secrets, certificates, settings, the sandboxes' disk."""
    lab.home.mkdir(parents=True, exist_ok=True)
    _marker(lab).write_text(copy.says.made)
    accounts.ensure()
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        with tarfile.open(copy.folder / backup.SITE) as archive:
            archive.extractall(folder, filter="data")
        _place_all(lab, Path(folder), same=copy.says.site == lab.name)
    if disk_fits(copy):
        print("Restaurando el disco de los laboratorios", flush=True)
        backup.tar("-C", str(lab.home), "-xSf", str(copy.folder / backup.DISK))


def fill(lab: Instance, copy: backup.Copy) -> None:
    """What goes into a site whose host's part is up and whose containers are built: registry, recordings, database."""
    print("Restaurando el registro de la clase, las grabaciones y la base de datos", flush=True)
    if not disk_fits(copy):
        backup.tar("-C", str(lab.registry_store), "-xf", str(copy.folder / backup.REGISTRY))
    sh("chown", "-R", f"{USER}:{USER}", str(lab.registry_store))
    containers.start(lab, "db")
    containers.feed(lab, *LOAD, source=copy.folder / backup.DATABASE)
    containers.feed(lab, *UNPACK, source=copy.folder / backup.RECORDINGS)


def finish(lab: Instance) -> None:
    _marker(lab).unlink()


def summary(lab: Instance, copy: backup.Copy) -> str:
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


def _place_all(lab: Instance, unpacked: Path, *, same: bool) -> None:
    """What the machine has already (another site's authority, settings that somebody has written) stays as it is. Where the
    name is not the `same`, its address and ports are not either: settings are those of who restores it."""
    places = backup.kept(lab)
    theirs = backup.AUTHORITY / "ca.crt"
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


def _marker(lab: Instance) -> Path:
    """There while a site is being restored, with the moment of its copy."""
    return lab.home / "restoring"
