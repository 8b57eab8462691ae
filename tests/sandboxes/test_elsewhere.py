"""What fails in one of several nodes: it is said in which, and in which other it is so."""

from __future__ import annotations

from typing import Any

import pytest

from lessons import kinds
from lessons.kinds import Status, Verdict
from sandboxes import elsewhere, grading
from sandboxes.engine.facts import CannotObserve, NetworkFacts


class Engine:
    """As much of a machine as `network` looks at."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def networks(self) -> list[NetworkFacts]:
        return [NetworkFacts(name=name, id=name) for name in self.names]

    def containers(self) -> list[Any]:
        return []


ENGINES = {"lab": Engine("una", "otra"), "servidor": Engine("otra")}
NODES = ("lab", "servidor")


def engine_of(node: str) -> Any:
    return ENGINES[node or "lab"]


def judged(**spec: Any) -> tuple[Verdict, dict[str, Any]]:
    check = kinds.parse({"id": "x", "titulo": "x", "tipo": "network", **spec})
    verdicts, evidence = grading.grade([check], engine_of, nodes=NODES)
    return verdicts[0][1], evidence["x"]


def test_what_was_done_in_the_wrong_node_is_said_and_kept() -> None:
    verdict, evidence = judged(red="una", nodo="servidor")
    assert verdict.status == Status.FAILED
    assert verdict.observed.startswith("en «servidor», ")
    assert verdict.hint.startswith("En «lab» sí es así")
    assert evidence[elsewhere.KEY] == "lab"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"red": "nada", "nodo": "servidor"}, "sí es así"),  # nowhere
        ({"tipo": "not", "pista": "Bórrala.", "de": [{"tipo": "network", "red": "una"}]}, "sí es así"),  # not to be there is so anywhere
    ],
)
def test_nothing_is_said_of_another_node_where_that_means_nothing(spec: dict[str, Any], said: str) -> None:
    verdict, evidence = judged(**spec)
    assert verdict.status == Status.FAILED
    assert said not in verdict.hint
    assert elsewhere.KEY not in evidence


def test_parts_count_and_a_node_that_can_not_be_seen_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {"tipo": "any", "nodo": "servidor", "de": [{"tipo": "network", "red": "una"}]}
    assert judged(**whole)[0].hint.startswith("En «lab» sí")

    def unseen() -> list[NetworkFacts]:
        raise CannotObserve("no contesta")

    monkeypatch.setattr(ENGINES["lab"], "networks", unseen)
    assert "sí es así" not in judged(**whole)[0].hint
