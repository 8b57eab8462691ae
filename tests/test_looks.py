"""The looks, as they are built."""

from __future__ import annotations

import re
from pathlib import Path

SITE = Path(__file__).resolve().parents[1] / "static" / "build" / "site.css"
NAMES = re.compile(r"var\((--[\w-]+)\)")


def test_high_contrast_is_the_same_for_who_chooses_it_and_for_who_asks_the_system() -> None:
    built = SITE.read_text()
    chosen = re.findall(r':root\[data-theme="?contrast"?\]\{([^}]*)\}', built)
    asked = re.findall(r"@media ?\(prefers-contrast:\s*more\)\{:root:not\([^{]*\{([^}]*)\}", built)
    assert len(chosen) == len(asked) == 1
    assert chosen[0].count("--") > 20
    assert sorted(chosen[0].split(";")) == sorted(asked[0].split(";"))


def test_every_name_that_a_style_uses_is_given() -> None:
    built = SITE.read_text() + "".join(SITE.with_name(f"{name}.css").read_text() for name in ("terminal", "panels"))
    given = set(re.findall(r"(--[\w-]+)\s*:", built))
    set_by_scripts = {"--level", "--split", "--tone"}
    assert set(NAMES.findall(built)) - given - set_by_scripts == set()
