"""What `git` says of each evidence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandboxes.judging import judge

SEEN: dict[str, Any] = {"branch": "redis", "branches": ["main", "redis"], "commits": 2, "messages": ["con redis", "primero"],
                        "files": ["a.py"],
                        "remotes": {"origin": "https://x/y"}}  # fmt: skip
FULL = {"rama": "redis", "commits": 2, "mensaje": "redis", "limpio": True, "seguidos": ["a.py"], "sin_seguir": [".env"],
        "remotos": {"origin": None}}  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "evidence", "status", "said"),
    [
        (FULL, SEEN, "passed", "2 commits"),
        ({}, {"folder": False}, "failed", "git clone"),
        ({}, {"repository": False}, "failed", "git init"),
        ({"rama": "main"}, SEEN, "failed", "git switch main"),
        ({"rama": "rediss"}, SEEN, "failed", "letra a letra"),
        ({"rama": "otra"}, SEEN, "failed", "switch -c otra"),
        ({"commits": 3}, SEEN, "failed", "git add"),
        ({"mensaje": "x"}, SEEN, "failed", "--amend"),
        ({"seguidos": ["b.py"]}, SEEN, "failed", "git add b.py"),
        ({"sin_seguir": ["a.py"]}, SEEN, "failed", "rm --cached a.py"),
        ({"limpio": True}, {**SEEN, "changes": ["?? b.py"]}, "failed", "«b.py»"),
        ({"remotos": {"otro": None}}, SEEN, "failed", "ningún remoto"),
        ({"remotos": {"origin": "z"}}, SEEN, "failed", "set-url"),
    ],
)
def test_git_says(spec: dict[str, Any], evidence: dict[str, Any], status: str, said: str) -> None:
    got, text = judge("git", spec, evidence)
    assert got == status, text
    assert said in text
