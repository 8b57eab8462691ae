"""Judging an evidence by hand, for the tests of each kind."""

from __future__ import annotations

from typing import Any

from lessons import kinds
from lessons.kinds import Status


def judge(tipo: str, spec: dict[str, Any], evidence: dict[str, Any]) -> tuple[Status, str]:
    kind = kinds.get(tipo)
    verdict = kind.judge(kinds.parse({"id": "x", "tipo": tipo, "titulo": "x", **spec}), kind.evidence.model_validate(evidence))
    return verdict.status, f"{verdict.expected} | {verdict.observed} | {verdict.hint}"
