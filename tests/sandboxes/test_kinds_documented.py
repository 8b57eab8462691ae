"""Every kind of check has its docs, whose examples are valid, and its place in the JSON Schema."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command

from lessons import kinds
from lessons.schema import exercise_schema

DOCS = (Path(__file__).parents[2] / "docs" / "comprobaciones.md").read_text()
COMMON = {"id", "tipo", "titulo", "puntos", "requiere", "extra", "nodo", "guarda", "inicial"}


def section(name: str) -> str:
    found = re.search(rf"^## `{name}`.*?(?=^## )", DOCS, re.MULTILINE | re.DOTALL)
    assert found, f"docs/comprobaciones.md has no section «## `{name}`»"
    return found[0]


@pytest.mark.parametrize("name", kinds.names())
def test_kind_has_a_section_that_names_each_field_and_shows_an_example(name: str) -> None:
    text = section(name)
    fields = {field.alias or key for key, field in kinds.get(name).spec.model_fields.items()} - COMMON
    assert {field for field in fields if f"`{field}`" not in text} == set()
    examples = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    assert any(raw["tipo"] == name for example in examples for raw in example)
    for example in examples:
        for raw in example:
            kinds.parse(raw)


@pytest.mark.parametrize("name", kinds.names())
def test_example_in_the_code_is_valid(name: str) -> None:
    module = inspect.getmodule(type(kinds.get(name)))
    assert module
    doc = ast.get_docstring(ast.parse(inspect.getsource(module))) or ""
    for raw in yaml.safe_load(doc.split("\n\n")[1]):
        if raw["tipo"] == "file":
            raw.pop("imagen")  # it shows both places, and only one may be given
        kinds.parse(raw)


def test_common_fields_are_documented() -> None:
    assert [field for field in COMMON if f"`{field}`" not in DOCS] == []


def test_schema_has_every_kind_and_no_loose_end(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_schema")
    schema = json.loads(capsys.readouterr().out)
    assert schema == exercise_schema()
    kinds_there = {definition["properties"]["tipo"]["const"] for key, definition in schema["$defs"].items() if key.startswith("tipo_")}
    assert kinds_there == set(kinds.names())
    for reference in re.findall(r'"#/\$defs/([^"]+)"', json.dumps(schema)):
        assert reference in schema["$defs"]
    assert "json" in schema["$defs"]["tipo_http"]["properties"]
    assert len(schema["$defs"]["tipo_http"]["properties"]["puerto"]["anyOf"]) == 2
    assert "valores" in schema["properties"]
    assert schema["$defs"]["tipo_image"]["additionalProperties"] is False
