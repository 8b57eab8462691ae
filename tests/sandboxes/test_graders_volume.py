"""What `volume` says of each evidence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandboxes.judging import judge

WEB = {"name": "web", "paths": ["/data"], "others": [], "created": 200}
SEEN: dict[str, Any] = {"volumes": ["datos"], "exists": True, "containers": [WEB], "text": "hola", "modified": 100}


@pytest.mark.parametrize(
    ("spec", "evidence", "status", "said"),
    [
        ({"montado_en": {"web": "/data/"}, "fichero": "n", "texto": "hola", "sobrevive": True}, SEEN, "passed", "lo cumple"),
        ({}, {"volumes": []}, "failed", "docker volume create datos"),
        ({}, {"volumes": ["dato"]}, "failed", "letra a letra"),
        ({}, {"volumes": ["a" * 64]}, "failed", "anónimos"),
        ({"montado_en": {"bd": "/data"}}, SEEN, "failed", "ningún contenedor «bd»"),
        ({"montado_en": {"web": "/otra"}}, SEEN, "failed", "lo tiene en «/data»"),
        (
            {"montado_en": {"web": "/d"}},
            {**SEEN, "containers": [{**WEB, "paths": [], "others": ["/home/alumno/datos:/d"]}]},
            "failed",
            "sin barras",
        ),
        ({"montado_en": {"web": "/d"}}, {**SEEN, "containers": [{**WEB, "paths": []}]}, "failed", "bórralo y créalo"),
        ({"montado_en": {"web": "/d"}}, {**SEEN, "containers": [{**WEB, "paths": []}]}, "failed", "«web» no tiene nada montado"),
        ({"fichero": "n"}, {**SEEN, "text": None, "near": ["m"]}, "failed", "hay «m»"),
        ({"fichero": "n"}, {**SEEN, "text": None}, "failed", "el volumen está vacío"),
        ({"fichero": "n", "texto": "adiós"}, SEEN, "failed", "dice «hola»"),
        ({"fichero": "n", "sobrevive": True}, {**SEEN, "modified": 300}, "failed", "los datos siguen ahí"),
    ],
)
def test_volume_says(spec: dict[str, Any], evidence: dict[str, Any], status: str, said: str) -> None:
    got, text = judge("volume", {"volumen": "datos", **spec}, evidence)
    assert got == status, text
    assert said in text
