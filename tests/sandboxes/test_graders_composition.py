"""What `all`, `any` and `not` make of their parts: passed, failed and unknown."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from lessons import kinds
from tests.sandboxes.judging import judge

PART = {"tipo": "logs", "contenedor": "web", "texto": "hola"}
YES: dict[str, Any] = {"seen": {"names": ["web"], "status": "running", "output": "hola"}}
NO: dict[str, Any] = {"seen": {"names": ["web"], "status": "running", "output": "adiós"}}
LOST: dict[str, Any] = {"error": "no contesta"}


@pytest.mark.parametrize(
    ("tipo", "parts", "status"),
    [
        ("all", [YES, YES], "passed"),
        ("all", [YES, NO], "failed"),
        ("all", [LOST, NO], "failed"),
        ("all", [YES, LOST], "unknown"),
        ("any", [NO, YES], "passed"),
        ("any", [LOST, YES], "passed"),
        ("any", [NO, NO], "failed"),
        ("any", [NO, LOST], "unknown"),
        ("not", [YES], "failed"),
        ("not", [NO], "passed"),
        ("not", [LOST], "unknown"),
    ],
)
def test_composition_of_three_values(tipo: str, parts: list[Any], status: str) -> None:
    assert judge(tipo, {"pista": "Hazlo.", "de": [PART] * len(parts)}, {"parts": parts})[0] == status


def test_hint_is_the_authors_or_the_parts() -> None:
    assert "Hazlo." in judge("any", {"pista": "Hazlo.", "de": [PART]}, {"parts": [NO]})[1]
    assert "docker logs web" in judge("any", {"de": [PART]}, {"parts": [NO]})[1]


def test_each_alternative_says_what_it_lacks_and_the_same_only_once() -> None:
    other = PART | {"contenedor": "api"}
    seen = {"seen": {"names": ["web", "api"], "status": "exited", "output": ""}}
    said = judge("any", {"de": [PART, other, PART]}, {"parts": [NO, seen, NO]})[1]
    assert said.count("docker logs web") == 1
    assert "O bien: " in said
    assert "O bien" not in judge("any", {"de": [PART, PART]}, {"parts": [NO, NO]})[1]


def test_parts_may_be_compositions() -> None:
    inner = {"tipo": "not", "pista": "Bórralo.", "de": [PART]}
    assert judge("all", {"de": [inner]}, {"parts": [{"seen": {"parts": [YES]}}]})[1].endswith("Bórralo.")


def test_evidence_of_other_parts_is_not_enough() -> None:
    with pytest.raises(kinds.NotEnoughEvidence):
        judge("all", {"de": [PART, PART]}, {"parts": [YES]})


@pytest.mark.parametrize("extra", [{"nodo": "servidor"}, {"guarda": "x"}, {"puntos": 2}, {"requiere": ["a"]}, {"inicial": True}])
def test_what_is_of_the_whole_is_refused_in_a_part_and_not_ignored(extra: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=f"una parte no lleva «{next(iter(extra))}»"):
        judge("all", {"de": [PART | extra]}, {"parts": [YES]})


@pytest.mark.parametrize("parts", [[], [{**PART, "raro": 1}], [PART, PART], "todo"])
def test_wrong_parts_are_refused(parts: Any) -> None:
    with pytest.raises(ValidationError):
        judge("not", {"pista": "x", "de": parts}, {"parts": []})
