"""Variables and labels in evidence: those that a check asks for, and which of them are not there. Of others it says nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lessons.kinds import NotEnoughEvidence

Pairs = dict[str, str | None]


def see(wanted: Iterable[str], have: Mapping[str, str]) -> Pairs:
    return {name: have[name][:500] if name in have else None for name in wanted}


def value(name: str, seen: Pairs) -> str | None:
    """None where it was not set. Raises NotEnoughEvidence of one that was not asked for then."""
    if name not in seen:
        raise NotEnoughEvidence
    return seen[name]
