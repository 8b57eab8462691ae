"""What `network` says of each evidence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandboxes.judging import judge


def member(status: str = "running", **addresses: str) -> dict[str, Any]:
    return {"status": status, "addresses": addresses}


SEEN: dict[str, Any] = {
    "networks": ["mired", "otra"],
    "driver": "bridge",
    "containers": {"web": member(mired="10.0.0.2"), "bd": member(mired="10.0.0.3"), "sola": member(otra="10.1.0.2")},
    "resolved": {"web": ["10.0.0.3"]},
}


@pytest.mark.parametrize(
    ("spec", "evidence", "status", "said"),
    [
        (
            {"driver": "bridge", "contenedores": ["web"], "resuelve": {"web": "bd"}, "aislados": [["web", "sola"]]},
            SEEN,
            "passed",
            "lo cumple",
        ),
        ({}, {"networks": []}, "failed", "docker network create mired"),
        ({}, {"networks": ["mi-red"]}, "failed", "letra a letra"),
        ({"driver": "macvlan"}, SEEN, "failed", "-d macvlan"),
        ({"interna": True}, SEEN, "failed", "--internal"),
        ({"contenedores": ["sola"]}, SEEN, "failed", "docker network connect mired sola"),
        ({"contenedores": ["nadie"]}, SEEN, "failed", "--network mired"),
        ({"resuelve": {"web": "bd"}}, {**SEEN, "resolved": {}}, "failed", "--network-alias bd"),
        ({"resuelve": {"web": "sola"}}, {**SEEN, "resolved": {}}, "failed", "no está en «mired»"),
        ({"resuelve": {"web": "bd"}}, {**SEEN, "resolved": {"web": ["10.0.0.2"]}}, "failed", "no lleva a nadie"),
        ({"aislados": [["web", "bd"]]}, SEEN, "failed", "docker network disconnect"),
        ({"aislados": [["web", "nadie"]]}, SEEN, "failed", "«nadie»"),
    ],
)
def test_network_says(spec: dict[str, Any], evidence: dict[str, Any], status: str, said: str) -> None:
    got, text = judge("network", {"red": "mired", **spec}, evidence)
    assert got == status, text
    assert said in text
