"""The JSON Schema of ejercicio.yaml, built from the kinds of check there are: editors complete and underline with it."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from lessons import kinds
from lessons.catalog import ExerciseFile

REF = "#/$defs/{model}"


def exercise_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    specs = {name: kinds.get(name).spec for name in kinds.names()}
    _, found = models_json_schema(
        [(ExerciseFile, "validation"), *((spec, "validation") for spec in dict.fromkeys(specs.values()))], ref_template=REF
    )
    shared: dict[str, Any] = found["$defs"]
    choices = []
    for name, spec in specs.items():
        model = shared[spec.__name__]
        properties = {field: _or_a_mark(what) for field, what in model["properties"].items()} | {"tipo": {"const": name, "title": "Tipo"}}
        if kinds.PARTS in properties:
            properties[kinds.PARTS] = {**properties[kinds.PARTS], "items": {"$ref": REF.format(model="Comprobacion")}}
        required = [field for field in model["required"] if field not in ("id", "titulo")]
        shared[f"tipo_{name}"] = {**model, "title": name, "properties": properties, "required": required}
        choices.append({"$ref": REF.format(model=f"tipo_{name}")})
    for spec in specs.values():
        shared.pop(spec.__name__, None)
    shared.pop("Spec", None)
    shared["Comprobacion"] = {"type": "object", "oneOf": choices}
    exercise: dict[str, Any] = shared.pop(ExerciseFile.__name__)
    exercise["properties"]["comprobaciones"]["items"] = {
        "allOf": [{"$ref": REF.format(model="Comprobacion")}, {"required": ["id", "titulo"]}]
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **exercise, "title": "ejercicio.yaml", "$defs": shared}


def _or_a_mark(schema: dict[str, Any]) -> dict[str, Any]:
    """The same, or `"{{puerto}}"` in the place of a number."""
    if schema.get("type") not in ("integer", "number"):
        return schema
    kept = {name: value for name, value in schema.items() if name in ("title", "default", "description")}
    return {**kept, "anyOf": [schema, {"type": "string", "pattern": r"^\{\{ *[a-z][a-z0-9_]* *\}\}$"}]}
