"""Every kind of check has its docs, whose examples are valid, its messages, its tests on doubles and on a real engine, and its
place in the JSON Schema. The table of docs/comprobaciones.md is what is computed here."""

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
from sandboxes import fingerprint

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


HERE = Path(__file__).parent
TESTS = {
    "layers": "test_graders_image.py",
    "link": "test_graders_network.py",
    **dict.fromkeys(("all", "any", "not"), "test_graders_composition.py"),
}


def messages(name: str) -> set[str]:
    """The texts that the files of a kind mark for translation, but for those that all share."""
    files = [path for path in fingerprint.sources_of(name) if path.name != "text.py"]
    calls = [node for path in files for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    marks = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in ("_", "lazy", "ngettext")]
    return {arg.value for call in marks for arg in call.args[:1] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}


def engine_tests(name: str) -> list[str]:
    """The tests on a real engine that judge a check of the kind."""
    said = re.compile(rf"""tipo["']?(?:: |=)["']{name}["']""")
    return [path.name for path in sorted((HERE.parent / "engine").glob("test_*.py")) if said.search(path.read_text())]


def row(name: str) -> str:
    """One line of the table of kinds."""
    kind, tests = kinds.get(name), TESTS.get(name, f"test_graders_{name}.py")
    title = re.search(rf"^## (`{name}`: .*)$", DOCS, re.MULTILINE)
    assert title
    anchor = re.sub(r"[^\w -]", "", title[1].lower()).replace(" ", "-")
    live = "según sus partes" if "de" in kind.spec.model_fields else "sí" if isinstance(kind, kinds.Live) else "no"
    keeps = ", ".join(f"`{what}`" for what in kinds.captures(name)) or "—"
    real = ", ".join(f"`{test}`" for test in engine_tests(name)) or "se responde en la página"
    return f"| [`{name}`](#{anchor}) | {len(messages(name))} | {live} | {keeps} | `{tests}` | {real} |"


def test_the_table_of_kinds_is_as_computed() -> None:
    from sandboxes.graders import ALL

    head = "| Tipo | Mensajes | En vivo | Guarda | Pruebas | Con un motor de verdad |\n|---|---|---|---|---|---|\n"
    assert head + "\n".join(row(kind.name) for kind in ALL) + "\n" in DOCS, "docs/comprobaciones.md: the table is another by now"


@pytest.mark.parametrize("name", kinds.names())
def test_kind_has_messages_and_tests(name: str) -> None:
    assert len(messages(name)) >= 2
    assert (HERE / TESTS.get(name, f"test_graders_{name}.py")).exists()
    assert engine_tests(name) or isinstance(kinds.get(name), kinds.Answered)


def test_what_each_kind_keeps_is_documented() -> None:
    for name in kinds.names():
        for what, meaning in kinds.captures(name).items():
            assert f"| `{name}` | `{what}` | {meaning} |" in DOCS


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
