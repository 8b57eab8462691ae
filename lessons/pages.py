"""The pages of a long lesson: each begins at a heading of the first level. A lesson without one is of one page."""

from __future__ import annotations

from dataclasses import dataclass

from lessons import boxes

MARK = "# "


@dataclass(frozen=True)
class Page:
    """A piece of a text, with its heading; the first one has also what stands before that."""

    title: str
    """What its heading says; empty if there is none."""
    text: str


def pages_of(text: str) -> list[Page]:
    """All of a text, in pages."""
    titles: list[str] = []
    parts: list[list[str]] = [[]]
    fence = ""
    for line in text.split("\n"):
        before, fence = fence, boxes.fence_after(fence, line)
        if line.startswith(MARK) and not before and not fence:
            if titles:
                parts.append([])
            titles.append(line.removeprefix(MARK).strip())
        parts[-1].append(line)
    return [Page(title, "\n".join(lines)) for title, lines in zip(titles or [""], parts, strict=True)]
