"""Every command of the notes, typed as it stands: docs/apuntes.md says what the lab answers today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandboxes.engine import lab_engine
from sandboxes.proving.walk import blocks, walk

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "apuntes.md").read_text()
COVERAGE = (DOCS / "cobertura.md").read_text()
HALF = range(1, 12)


def test_no_command_of_the_first_half_is_missing() -> None:
    rows = re.findall(r"^\| \d+ \| `([^`]+)` \|[^|]*\|[^|]*\| (\d+) \|", COVERAGE, re.MULTILINE)
    typed = [piece for _line, block in blocks(TEXT) for piece in block.commands]
    inside = re.findall(r"^root@\w+:/# (?!exit)(.+)$", TEXT, re.MULTILINE)
    assert {command for command, lesson in rows if int(lesson) in HALF} <= {*typed, *inside}


@pytest.mark.engine
def test_the_lab_answers_what_is_written() -> None:
    done = walk(TEXT, lab_engine(), password="no-es-de-nadie")
    assert [str(difference) for difference in done.differences] == []
    assert done.commands > 30
