"""What a .dockerignore leaves out."""

from __future__ import annotations

import time

import pytest

from sandboxes.graders.ignored import ignored


@pytest.mark.parametrize(
    ("text", "path", "left"),
    [
        ("secreto.env\n", "secreto.env", True),
        ("secreto.env\n", "otro/secreto.env", False),
        ("**/secreto.env\n", "otro/secreto.env", True),
        ("**/secreto.env\n", "secreto.env", True),
        ("*.tmp\n", "a.tmp", True),
        ("*.tmp\n", "css/a.tmp", False),
        ("**/*.tmp\n", "css/a.tmp", True),
        ("/css/\n", "css/a.css", True),
        ("css\n!css/a.css\n", "css/a.css", False),
        ("css\n!css/a.css\n", "css", False),
        ("css\n!css/a.css\n", "css/b.css", True),
        ("*\n!index.html\n", "index.html", False),
        ("*\n", ".", False),
        ("# a\n\n  app.py  \n", "app.py", True),
        ("app.?y\n", "./app.py", True),
        ("a\n!a\na\n", "a", True),
        ("", "a", False),
    ],
)
def test_last_match_decides(text: str, path: str, left: bool) -> None:
    assert ignored(text, path) is left


def test_no_pattern_takes_for_ever() -> None:
    began = time.monotonic()
    ignored("\n".join(["*a" * 90, "**/" * 60 + "b", "?" * 190] * 60), "/".join(["a" * 90] * 30))
    assert time.monotonic() - began < 2
