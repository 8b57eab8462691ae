"""One exercise: its file's fields, their validation, and the exercise with the values of an attempt in place.

`load_exercise` tells every fault with file and line. Refuses to know lessons and courses: that is catalog.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError

from lessons import kinds
from lessons.sources import CourseError, Lines, Strict, Where, explain, line_of, lines_of, load_model, read_text, strings_in
from lessons.values import NAME, PASSWORD, RESERVED, USER, Value, fill, fill_all, names_in

Disk = Literal["1G", "3G", "8G"]
HINTS = 3
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


@dataclass(frozen=True)
class Exercise:
    """One graded exercise. `key` is `<course>/<lesson>/<exercise>`, stable for ever.

    As loaded, its texts hold marks (`{{puerto}}`) and its checks sample values; `bound` gives an attempt's."""

    key: str
    slug: str
    title: str
    summary: str
    minutes: int
    text: str
    lab: Lab
    checks: tuple[kinds.Spec, ...]
    solutions: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    values: Mapping[str, Value] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """Path below the student's home → content, on every node."""
    preparation: Mapping[str, str] = field(default_factory=dict)
    """Node → script that root runs before the machine is handed over."""
    hints: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    """In order; of each a copy of the sandbox is kept when it is done."""
    raw_checks: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    varies: bool = False
    """Whether anything of it differs from attempt to attempt."""

    @property
    def points(self) -> int:
        return sum(check.puntos for check in self.checks)

    @property
    def course_slug(self) -> str:
        return self.key.split("/")[0]

    @property
    def lesson_slug(self) -> str:
        return self.key.split("/")[1]

    def bound(self, values: Mapping[str, str]) -> Exercise:
        """The exercise with these values (the student's name among them) wherever it asks for them."""
        if not self.varies:
            return self
        unsaid = set(self.values) - set(names_in(self.text))
        return replace(
            self,
            text=fill(self.text, values),
            checks=tuple(kinds.parse(fill_all(raw, values)).hiding(raw, unsaid) for raw in self.raw_checks),
            solutions=tuple(fill_all(self.solutions, values)),
            mistakes=tuple(Mistake.model_validate(fill_all(mistake.model_dump(), values)) for mistake in self.mistakes),
            files=fill_all(dict(self.files), values),
            preparation=fill_all(dict(self.preparation), values),
            hints=tuple(fill_all(self.hints, values)),
            varies=False,
        )


def load_exercise(home: Path, key: str) -> Exercise:
    """Read an exercise's folder; raises CourseError."""
    path = home / "ejercicio.yaml"
    parsed = load_model(ExerciseFile, path)
    lines = lines_of(path)
    text = read_text(home / "enunciado.md")
    _check_names(parsed, path, lines)
    _check_marks(parsed, path, lines)
    for name in names_in(text):
        if name not in {*parsed.valores, USER}:
            line = text[: text.index(name)].count("\n") + 1
            raise CourseError(f"{home / 'enunciado.md'}:{line}: {_unknown(name, parsed)}")
    raws = tuple(parsed.comprobaciones)
    for sample in _samples(parsed):
        checks = tuple(_check(fill_all(raw, sample), path, lines, ("comprobaciones", number)) for number, raw in enumerate(raws))
    _check_references(parsed, checks, path, lines)
    preparation = parsed.preparar if isinstance(parsed.preparar, dict) else {parsed.laboratorio.nodos[0]: parsed.preparar}
    marked = [raws, parsed.ficheros, parsed.preparar, parsed.pistas, parsed.soluciones, [vars(error) for error in parsed.errores]]
    return Exercise(
        key=key,
        slug=home.name,
        title=parsed.titulo,
        summary=parsed.resumen,
        minutes=parsed.minutos,
        text=text,
        lab=parsed.laboratorio,
        checks=checks,
        solutions=tuple(parsed.soluciones),
        mistakes=tuple(parsed.errores),
        values=parsed.valores,
        files=parsed.ficheros,
        preparation={node: script for node, script in preparation.items() if script.strip()},
        hints=tuple(parsed.pistas),
        steps=tuple(parsed.pasos),
        raw_checks=raws,
        varies=any(names_in(found) for _, found in [*strings_in(marked), ((), text)] + [((), name) for name in parsed.ficheros]),
    )


def _samples(parsed: ExerciseFile) -> Iterator[dict[str, str]]:
    """Values that between them show whether the checks suit every draw. Captures are filled when they are known."""
    extremes = {name: value.extremes() for name, value in parsed.valores.items()}
    for number in range(max([1, *map(len, extremes.values())])):
        yield {name: found[number % len(found)] for name, found in extremes.items()} | {USER: USER}


def _check_names(parsed: ExerciseFile, path: Path, lines: Lines) -> None:
    for name in parsed.valores:
        if name in RESERVED:
            raise CourseError(f"{path}:{line_of(lines, ('valores', name))}: un valor no puede llamarse «{name}».")
    if parsed.pistas and len(parsed.pistas) != HINTS:
        raise CourseError(
            f"{path}:{line_of(lines, ('pistas',))}: hay {len(parsed.pistas)} pistas y han de ser tres: "
            "dónde mirar, qué opción usar y la orden con un hueco."
        )
    for node in parsed.preparar if isinstance(parsed.preparar, dict) else ():
        if node not in parsed.laboratorio.nodos:
            raise CourseError(
                f"{path}:{line_of(lines, ('preparar', node))}: no hay ningún nodo «{node}»; los hay: {', '.join(parsed.laboratorio.nodos)}."
            )


def _check_marks(parsed: ExerciseFile, path: Path, lines: Lines) -> None:
    """Every `{{name}}` must be of a value, or of what an earlier check kept."""
    known = {*parsed.valores, USER}
    kept: dict[str, int] = {}
    for position, raw in enumerate(parsed.comprobaciones):
        here: Where = ("comprobaciones", position)
        for where, text in strings_in(raw, here):
            usable = known if where[2] in ("titulo", "id", "tipo", "guarda") else {*known, *kept}
            _check_text(text, usable, parsed, path, lines, where)
        for name in _kept_by(raw):
            if name in known or name in kept or name in RESERVED:
                raise CourseError(f"{path}:{line_of(lines, (*here, 'guarda'))}: ya hay otro valor «{name}».")
            kept[name] = position
    written = parsed.model_dump(include={"ficheros", "preparar", "pistas", "soluciones", "errores"})
    for where, text in strings_in(written):
        _check_text(text, {*known, PASSWORD} if where[0] in ("soluciones", "errores") else known, parsed, path, lines, where)
    for name in parsed.ficheros:
        _check_text(name, known, parsed, path, lines, ("ficheros", name))
    for field_ in ("titulo", "resumen"):
        _check_text(getattr(parsed, field_), set(), parsed, path, lines, (field_,))


def _kept_by(raw: dict[str, Any]) -> list[str]:
    """The names under which a check keeps something, as it is written."""
    written = raw.get("guarda")
    return [name for name in (written if isinstance(written, dict) else [written]) if isinstance(name, str) and name]


def _check_text(text: str, usable: set[str], parsed: ExerciseFile, path: Path, lines: Lines, where: Where) -> None:
    for name in names_in(text):
        if name not in usable:
            line = line_of(lines, where)
            source = path.read_text(encoding="utf-8").splitlines()[line - 1 :]
            line += next((number for number, said in enumerate(source) if name in names_in(said)), 0)
            raise CourseError(f"{path}:{line}: {_unknown(name, parsed)}")


def _unknown(name: str, parsed: ExerciseFile) -> str:
    if name in {*parsed.valores, USER}:
        return f"aquí no puede ir «{{{{{name}}}}}»: cambia de un intento a otro."
    if any(name in _kept_by(raw) for raw in parsed.comprobaciones):
        return f"aquí no puede ir «{{{{{name}}}}}»: solo en las comprobaciones que siguen a la que lo guarda, y no en su título."
    there = ", ".join(sorted({*parsed.valores, USER}))
    return f"no hay ningún valor «{name}»; los hay: {there}."


def _check_references(parsed: ExerciseFile, checks: tuple[kinds.Spec, ...], path: Path, lines: Lines) -> None:
    """What checks and mistakes say of each other and of the nodes."""
    only_asks = all(isinstance(kinds.get(check.tipo), kinds.Answered) for check in checks)
    for name, found, least in (("soluciones", parsed.soluciones, 1), ("errores", parsed.errores, 3)):
        if len(found) < least and not only_asks:
            raise CourseError(
                f"{path}:{line_of(lines, (name,))}: {name}: hacen falta {least} o más, si no es todo preguntas; hay {len(found)}."
            )
    if all(check.extra for check in checks):
        raise CourseError(
            f"{path}:{line_of(lines, ('comprobaciones',))}: todas las comprobaciones son extra: no queda ninguna que superar."
        )
    ids: dict[str, int] = {}
    for position, check in enumerate(checks):
        for number, required in enumerate(check.requiere):
            if required not in ids:
                line = line_of(lines, ("comprobaciones", position, "requiere", number))
                raise CourseError(f"{path}:{line}: «{check.id}» requiere «{required}», que no es ninguna comprobación anterior.")
        line = line_of(lines, ("comprobaciones", position, "id"))
        if ids.setdefault(check.id, line) != line:
            raise CourseError(f"{path}:{line}: ya hay una comprobación «{check.id}» en la línea {ids[check.id]}.")
        if check.nodo and check.nodo not in parsed.laboratorio.nodos:
            line = line_of(lines, ("comprobaciones", position, "nodo"))
            raise CourseError(f"{path}:{line}: no hay ningún nodo «{check.nodo}»; los hay: {', '.join(parsed.laboratorio.nodos)}.")
        captures = kinds.captures(check.tipo)
        for name, what in check.keeps().items():
            if not captures or what not in ("", *captures):
                line = line_of(lines, ("comprobaciones", position, "guarda", *([name] if what else [])))
                can = f"puede guardar {', '.join(captures)}, y no «{what}»" if captures else "no guarda nada"
                raise CourseError(f"{path}:{line}: una comprobación de tipo «{check.tipo}» {can}.")
    for position, step in enumerate(parsed.pasos):
        if step.comprobacion not in ids:
            line = line_of(lines, ("pasos", position, "comprobacion"))
            raise CourseError(f"{path}:{line}: el paso «{step.titulo}» espera a «{step.comprobacion}», que no es ninguna comprobación.")
    for position, mistake in enumerate(parsed.errores):
        if mistake.comprobacion not in ids:
            line = line_of(lines, ("errores", position, "comprobacion"))
            raise CourseError(
                f"{path}:{line}: el error «{mistake.titulo}» habla de «{mistake.comprobacion}», que no es ninguna comprobación."
            )


def _check(raw: dict[str, Any], path: Path, lines: Lines, here: Where) -> kinds.Spec:
    parts = raw.get(kinds.PARTS)
    if isinstance(parts, list) and all(isinstance(part, dict) for part in parts):
        # Parts are read first, so that a fault of one is told at its own line.
        for number, part in enumerate(parts):
            _check(kinds.named(part, number), path, lines, (*here, kinds.PARTS, number))
            if "guarda" in part:
                line = line_of(lines, (*here, kinds.PARTS, number, "guarda"))
                raise CourseError(f"{path}:{line}: una parte de otra comprobación no puede guardar nada.")
    try:
        return kinds.parse(raw)
    except KeyError:
        line = line_of(lines, (*here, "tipo"))
        raise CourseError(
            f"{path}:{line}: no hay comprobaciones de tipo «{raw.get('tipo')}»; las hay de {', '.join(kinds.names())}."
        ) from None
    except ValidationError as error:
        raise CourseError(explain(error, path, lines, here)) from error
