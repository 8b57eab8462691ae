"""What `image` says of each evidence."""

from __future__ import annotations

from typing import Any

import pytest

from sandboxes.engine.student import HistoryRow, ImageFacts
from sandboxes.graders.image_config import origins
from tests.sandboxes.judging import judge

CONFIG: dict[str, Any] = {
    "entrypoint": ["/e"], "user": "app", "env": {"MODO": "a"}, "folder": "/app", "ports": ["80/tcp"],
    "labels": {"version": "1", "autor": None}, "healthcheck": False, "size": 30 << 20, "origins": ["build"],
}  # fmt: skip


def seen(**config: Any) -> dict[str, Any]:
    return {"tags": [], "id": "sha256:a", "config": {**CONFIG, **config}}


@pytest.mark.parametrize(
    ("spec", "evidence", "status", "said"),
    [
        ({"entrypoint": ["/e"], "usuario": "app", "carpeta": "/app", "puertos": ["80"], "env": {"MODO": "a"}}, seen(), "passed", ""),
        ({"entrypoint": ["/x"]}, seen(), "failed", "última instrucción ENTRYPOINT"),
        ({"entrypoint": ["/e"]}, seen(entrypoint=["/bin/sh", "-c", "/e"]), "failed", "corchetes"),
        ({"usuario": "app"}, seen(user=""), "failed", "USER"),
        ({"usuario": "app"}, seen(user="app   # cambia"), "failed", "comentario"),
        ({"usuario": "app"}, seen(user="app:app"), "passed", ""),
        ({"usuario": "app"}, seen(user="appa"), "failed", "USER"),
        ({"cmd": ["echo", "hola"]}, {**seen(), "cmd": ["/bin/sh", "-c", "echo hola"]}, "failed", "Sin corchetes la ejecuta un intérprete"),
        ({"cmd": ["echo", "hola"]}, {**seen(), "cmd": ["/bin/sh", "-c", "['echo', 'hola']"]}, "failed", "comillas simples"),
        ({"cmd": ["echo", "hola"]}, {**seen(entrypoint=["echo", "hola"]), "cmd": []}, "failed", "pásalo a CMD"),
        ({"cmd": ["echo", "hola"]}, {**seen(), "cmd": ["echo"]}, "failed", "última instrucción CMD"),
        ({"carpeta": "/srv"}, seen(), "failed", "WORKDIR"),
        ({"carpeta": "/app"}, seen(folder="/app/"), "passed", ""),
        ({"entrypoint": ["wc"]}, seen(entrypoint=["/bin/wc"]), "passed", ""),
        ({"entrypoint": ["wc"]}, seen(entrypoint=["/usr/bin/wc", "-l"]), "failed", "ENTRYPOINT"),
        ({"entrypoint": ["wc"]}, seen(entrypoint=["bin/wc"]), "failed", "ENTRYPOINT"),
        ({"entrypoint": ["/e"]}, seen(entrypoint=["e"]), "failed", "ENTRYPOINT"),
        ({"entrypoint": []}, seen(entrypoint=[]), "passed", ""),
        ({"cmd": ["echo", "hola"]}, {**seen(entrypoint=[]), "cmd": ["/bin/echo", "hola"]}, "passed", ""),
        ({"cmd": ["-l"]}, {**seen(), "cmd": ["/-l"]}, "failed", "CMD"),
        ({"env": {"MODO": "b"}}, seen(), "failed", "vale «a»"),
        ({"etiquetas": {"autor": None}}, seen(), "failed", "LABEL"),
        ({"puertos": ["443"]}, seen(), "failed", "EXPOSE 443"),
        ({"puertos": ["443"]}, seen(ports=[]), "failed", "no anuncia ninguno"),
        ({"healthcheck": True}, seen(), "failed", "HEALTHCHECK CMD"),
        ({"tamano_maximo": "20m"}, seen(), "failed", "ocupa 30 MiB"),
        ({"creada_por": "commit"}, seen(), "failed", "docker commit CONTENEDOR a:1"),
        ({"creada_por": "build"}, seen(origins=["build", "pull"]), "passed", ""),
        ({"creada_por": "pull"}, seen(origins=[]), "failed", "no se sabe"),
    ],
)
def test_image_says(spec: dict[str, Any], evidence: dict[str, Any], status: str, said: str) -> None:
    got, text = judge("image", {"imagen": "a:1", **spec}, evidence)
    assert got == status, text
    assert said in text


ID = "sha256:" + "a" * 64
KIT = "buildkit.dockerfile.v0"


@pytest.mark.parametrize(
    ("image", "newest", "found"),
    [
        ({"comment": KIT}, HistoryRow(comment=KIT), ["build"]),
        ({"parent": ID}, HistoryRow(created_by="/bin/sh -c #(nop) CMD"), ["build"]),
        ({"parent": ID}, HistoryRow(created_by="sleep 1"), ["commit"]),
        ({"parent": ID}, HistoryRow(created_by="/bin/sh -c true"), ["build", "commit"]),
        ({"comment": "Imported from -"}, HistoryRow(), ["import"]),
        ({"digests": ["busybox@sha256:1"]}, HistoryRow(comment=KIT), ["pull"]),
        ({"digests": ["registro.lab/ana/web@sha256:1"]}, HistoryRow(comment=KIT), ["build", "pull"]),
        ({}, HistoryRow(), []),
    ],
)
def test_origin_is_told_by_its_traces(image: dict[str, Any], newest: HistoryRow, found: list[str]) -> None:
    assert origins(ImageFacts(id=ID, **image), [newest]) == found
