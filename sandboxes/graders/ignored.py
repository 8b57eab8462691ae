"""What a .dockerignore leaves out of a build, as the builder reads it. Pure.

The last pattern that matches decides; `!` brings back; a folder that is left out takes what is in it along. Source: the
rules of moby/patternmatcher, which BuildKit uses.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from functools import lru_cache

MOST = 100
"""Patterns that are read: the file is the student's."""


def ignored(text: str, path: str) -> bool:
    """Whether a path of the context stays behind, all of it: the context itself never does."""
    path = posixpath.normpath(path).strip("/")
    parts = path.split("/")
    places = ["/".join(parts[: count + 1]) for count in range(min(len(parts), 10))]
    left_out = False
    for line in text.lstrip("\ufeff").splitlines()[:MOST]:
        pattern = line.strip()[:200]
        if not pattern or line.startswith("#"):
            continue
        back = pattern.startswith("!")
        pattern = posixpath.normpath(pattern.removeprefix("!").strip()).strip("/")
        if back and (pattern.startswith(f"{path}/") or "**" in pattern):
            left_out = False  # some of it comes along
        elif any(_matches(pattern.split("/"), place.split("/")) for place in places):
            left_out = not back
    return left_out and path not in ("", ".")


def _matches(pattern: list[str], parts: list[str]) -> bool:
    """Word for word; `**` is any number of folders."""
    reached = {0}
    for word in pattern:
        if word == "**":
            reached = set(range(min(reached, default=0), len(parts) + 1)) if reached else set()
        else:
            reached = {at + 1 for at in reached if at < len(parts) and _word(word).match(parts[at])}
    return len(parts) in reached


@lru_cache(1000)
def _word(word: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(word))
