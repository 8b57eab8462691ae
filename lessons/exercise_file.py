"""An exercise's file: its fields, and what each may be by itself. What they say of each other: consistency.py."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from lessons.sources import Strict
from lessons.values import NAME, Value

Disk = Literal["1G", "3G", "8G"]
FILE_LIMIT = 64 << 10
"""Characters of a planted file."""


def _below_home(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith(("/", "~")) or path.endswith("/") or ".." in parts or len(path) > 200 or not path.isprintable():
        raise ValueError(f"«{path}» no es una ruta dentro de /home/alumno, como «web/Dockerfile»")
    return path


class Lab(Strict):
    """What the exercise's sandbox may use. Memory in MiB, disk as one of the pools' sizes."""

    memoria: int = Field(default=512, ge=128, le=4096)
    cpus: float = Field(default=1.0, gt=0, le=4)
    procesos: int = Field(default=400, ge=64, le=4096)
    disco: Disk = "3G"
    imagenes: Literal["vacio", "curso"] = "vacio"
    """What its engine begins with: nothing (pulls come from the mirror), or the course images."""
    internet: bool = False
    """Whether it may leave the lab, where the operator allows it; private addresses stay closed."""
    compartir: bool = False
    """Whether two students may work in one sandbox of it."""
    nodos: list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,20}$")]] = Field(default=["lab"], min_length=1, max_length=5)


class Mistake(Strict):
    """A typical mistake, as typed, and what the student must be told."""

    titulo: str
    ordenes: str
    comprobacion: str
    mensaje: str


class Step(Strict):
    """A step of an exercise that one can go back to: done when its check passes."""

    titulo: str
    comprobacion: str


class ExerciseFile(Strict):
    titulo: str
    resumen: str
    minutos: int = Field(default=10, ge=1)
    laboratorio: Lab = Lab()
    valores: dict[Annotated[str, Field(pattern=NAME)], Value] = {}
    ficheros: dict[Annotated[str, AfterValidator(_below_home)], Annotated[str, Field(max_length=FILE_LIMIT)]] = {}
    preparar: str | dict[str, str] = ""
    pistas: list[Annotated[str, Field(min_length=1)]] = []
    pasos: list[Step] = Field(default=[], max_length=5)
    comprobaciones: list[dict[str, Any]] = Field(min_length=1)
    soluciones: list[str] = []
    errores: list[Mistake] = []
