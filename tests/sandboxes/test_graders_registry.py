"""What `registry` says of each evidence, and what is read from the registry's files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandboxes.registry import pushed
from tests.sandboxes.judging import judge

NAME = "registro.lab/ana/hola:1.0"
ID, DIGEST = "sha256:" + "a" * 64, "sha256:" + "b" * 64
THERE: dict[str, Any] = {"repositories": {"hola": ["1.0"]}, "digest": DIGEST, "image": ID, "local": {"hola:1.0": ID, NAME: ID}}
NONE: dict[str, Any] = {"repositories": {}, "local": {NAME: ID}}


@pytest.mark.parametrize(
    ("spec", "evidence", "status", "said"),
    [
        ({"misma_que": "hola:1.0"}, THERE, "passed", "bbbb"),
        ({"misma_que": "hola:1.0"}, {**THERE, "local": {"hola:1.0": DIGEST}}, "failed", "no sigue a la imagen"),
        ({"misma_que": "nada"}, THERE, "failed", "«nada:latest» no está"),
        ({"misma_que": "hola:1.0"}, {**THERE, "image": ""}, "failed", "no es una imagen"),
        ({"otras": ["2.0"]}, THERE, "failed", "docker push registro.lab/ana/hola:2.0"),
        ({"ausentes": ["1.0"]}, THERE, "failed", "sin la etiqueta"),
        ({}, {**NONE, "logged_in": False}, "failed", "docker login registro.lab"),
        ({}, {**NONE, "logged_in": True}, "failed", "no se ha subido"),
        ({}, {**NONE, "logged_in": True, "repositories": {"hola": ["latest"]}}, "failed", "sube solo «latest»"),
        ({}, {"repositories": {}, "local": {"ana/hola:1.0": ID}}, "failed", "iría a Docker Hub"),
        ({}, {"repositories": {}, "local": {"Registro.lab/ana/hola:1.0": ID}}, "failed", "minúsculas"),
        ({}, {"repositories": {}, "local": {"registro.lab/anna/hola:1.0": ID}}, "failed", "letra a letra"),
        ({}, {"repositories": {"otra": ["1"]}, "local": {}}, "failed", "una imagen, no un contenedor"),
        ({}, {"repositories": {}, "local_known": False}, "failed", "no has subido nada todavía"),
    ],
)
def test_registry_says(spec: dict[str, Any], evidence: dict[str, Any], status: str, said: str) -> None:
    got, text = judge("registry", {"imagen": NAME, **spec}, evidence)
    assert got == status, text
    assert said in text


@pytest.fixture
def store(settings: Any, tmp_path: Path) -> Path:
    settings.ENV = settings.ENV.model_copy(update={"registry_store": str(tmp_path)})
    home = tmp_path / "docker" / "registry" / "v2"
    tag = home / "repositories" / "ana" / "hola" / "_manifests" / "tags" / "1.0" / "current"
    tag.mkdir(parents=True)
    (tag / "link").write_text(DIGEST)
    blob = home / "blobs" / "sha256" / "bb" / ("b" * 64)
    blob.mkdir(parents=True)
    (blob / "data").write_text(json.dumps({"config": {"digest": ID}}))
    return blob / "data"


def test_a_tag_is_found_with_its_image(store: Path) -> None:
    assert pushed.find("ana", "hola", tag="1.0") == pushed.Pushed(DIGEST, ID)
    assert pushed.repositories("ana") == {"hola": ["1.0"]}
    assert pushed.repositories("bruno") == {}


@pytest.mark.parametrize("manifest", ["", "[]", "[" * 100_000, '{"config": 3}', '{"config": {"digest": "../x"}}', '{"manifests": []}'])
def test_a_manifest_that_is_none_has_no_image(store: Path, manifest: str) -> None:
    store.write_text(manifest)
    assert pushed.find("ana", "hola", tag="1.0") == pushed.Pushed(DIGEST, "")


@pytest.mark.parametrize(("person", "repository", "tag"), [("ana", "hola", "2"), ("..", "hola", "1.0"), ("ana", "../ana/hola", "1.0"),
    ("ana", "hola", "../1.0"), ("bruno", "hola", "1.0")])  # fmt: skip
def test_names_do_not_lead_out_of_the_registry(store: Path, person: str, repository: str, tag: str) -> None:
    assert pushed.find(person, repository, tag=tag) is None
