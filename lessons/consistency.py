"""What the parts of an exercise's file say of each other: names and their marks, checks, hints, nodes, steps and mistakes.

Every fault is a CourseError with file and line. Refuses to know what a check means: that is its kind's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lessons import kinds
from lessons.exercise_file import ExerciseFile
from lessons.sources import CourseError, Lines, Where, explain, line_of, lines_of, strings_in
from lessons.values import PASSWORD, RESERVED, USER, fill_all, names_in

HINTS = 3


def checked(parsed: ExerciseFile, text: str, home: Path) -> tuple[kinds.Spec, ...]:
    """The exercise's checks, with sample values; raises CourseError. `text` is its statement, and `home` its folder."""
    path = home / "ejercicio.yaml"
    lines = lines_of(path)
    _check_names(parsed, path, lines)
    _check_marks(parsed, path, lines)
    for name in names_in(text):
        if name not in {*parsed.valores, USER}:
            line = text[: text.index(name)].count("\n") + 1
            raise CourseError(f"{home / 'enunciado.md'}:{line}: {_unknown(name, parsed)}")
    for sample in _samples(parsed):
        raws = [fill_all(raw, sample) for raw in parsed.comprobaciones]
        checks = tuple(_check(raw, path, lines, ("comprobaciones", number)) for number, raw in enumerate(raws))
    _check_references(parsed, checks, path, lines)
    return checks


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
