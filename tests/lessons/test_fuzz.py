"""Whatever an author writes, a course loads or says where it is wrong; nothing else happens."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from lessons.exercises import load_exercise
from lessons.sources import CourseError
from tests.lessons.test_catalog import EVERYTHING

LINES = EVERYTHING.splitlines()
PLAIN = some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=12) | some.dates()
ANYTHING = some.recursive(PLAIN, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3))
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def loads_or_tells(text: str) -> None:
    with tempfile.TemporaryDirectory() as kept:
        home = Path(kept)
        (home / "ejercicio.yaml").write_text(text, encoding="utf-8", errors="surrogateescape")
        (home / "enunciado.md").write_text("Haz algo.")
        try:
            load_exercise(home, "a/b/c").bound({"puerto": "8100", "color": "rojo", "clave": "x", "usuario": "ana"})
        except CourseError as error:
            for line in str(error).splitlines():
                assert re.match(r"/\S+ejercicio\.yaml:\d+: ", line), line


@QUICK
@given(some.integers(0, len(LINES) - 1), some.text(max_size=30))
def test_a_line_replaced_by_anything(number: int, text: str) -> None:
    loads_or_tells("\n".join([*LINES[:number], text, *LINES[number + 1 :]]))


@QUICK
@given(some.integers(0, len(EVERYTHING)), some.integers(0, 40))
def test_a_piece_left_out(start: int, length: int) -> None:
    loads_or_tells(EVERYTHING[:start] + EVERYTHING[start + length :])


@QUICK
@given(some.data())
def test_a_value_replaced_by_anything(data: Any) -> None:
    decoded = yaml.safe_load(EVERYTHING)
    holder, key = data.draw(some.sampled_from(_places(decoded)))
    holder[key] = data.draw(ANYTHING)
    loads_or_tells(yaml.safe_dump(decoded, allow_unicode=True))


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every key and position of a decoded file."""
    inside = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    return [place for key, item in inside for place in [(value, key), *_places(item)]]
