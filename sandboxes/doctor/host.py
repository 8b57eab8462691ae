"""What this machine lacks, and what of the course that touches. Only looks: files of the kernel's, the engine's own words."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from lessons.catalog import Exercise


@dataclass(frozen=True)
class Lack:
    """Something the machine has not got, and what follows from it."""

    what: str
    so: str
    exercises: str = "ninguno"
    """Those that it touches, by name."""


def lacks(options: frozenset[str], exercises: Iterable[Exercise], *, storage: str = "btrfs", root: Path = Path("/")) -> list[Lack]:
    """What is missing, given the lab engine's security options, and which exercises that touches.

    `storage` is what the lab's disk is; `root`, where the machine's files are."""
    found = []
    if not _has_ipvs(root):
        found.append(
            Lack(
                "IPVS",
                "Swarm no reparte por la malla de enrutamiento ni por direcciones virtuales (endpoint-mode vip)",
                _touched(exercises, _has_services),
            )
        )
    if not (root / "sys/fs/cgroup/cgroup.controllers").exists():
        found.append(Lack("cgroups v2", "con la v1 los grupos de un laboratorio los cuenta un vigilante, que llega un instante tarde"))
    if "apparmor" not in options:
        found.append(Lack("AppArmor", "falta esa segunda barrera; quedan el espacio de usuarios, seccomp y los cgroups"))
    if storage != "btrfs":
        found.append(
            Lack(
                "btrfs",
                f"el disco de los laboratorios es {storage}, sin cuotas: un vigilante acaba con el que se pasa de lo suyo, y llega un "
                "instante tarde; cada uno baja del espejo las imágenes con las que empieza, y no hay pasos a los que volver",
                _touched(exercises, lambda exercise: bool(exercise.steps) or exercise.lab.imagenes == "curso"),
            )
        )
    elif not any(mode.read_text().strip() == "squota" for mode in root.glob("sys/fs/btrfs/*/qgroups/mode")):
        found.append(Lack("cuotas simples de btrfs", "borrar laboratorios ocupa el procesador minutos: hace falta Linux 6.7 o posterior"))
    return found


def quotas_lack() -> Lack:
    """What to say when the disk had no end."""
    return Lack("cuotas de disco", "un laboratorio puede llenar el disco de todos: el motor debe estar sobre btrfs con cuotas", _("todos"))


def _touched(exercises: Iterable[Exercise], touches: Callable[[Exercise], bool]) -> str:
    return ", ".join(sorted(exercise.slug for exercise in exercises if touches(exercise))) or "ninguno"


def _has_services(exercise: Exercise) -> bool:
    """Whether its solution makes services of a swarm."""
    return any(re.search(r"\bdocker (service|stack)\b", solution) for solution in exercise.solutions)


def _has_ipvs(root: Path) -> bool:
    if (root / "proc/net/ip_vs").exists():
        return True
    modules = root / "lib/modules" / platform.release()
    return any((modules / name).exists() and "/ip_vs.ko" in (modules / name).read_text() for name in ("modules.dep", "modules.builtin"))
