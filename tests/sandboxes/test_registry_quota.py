"""What a student keeps in the class registry, from files laid out as Distribution lays them out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from sandboxes.registry import app, quota, tokens

PUSH = [tokens.Access("repository", "ana/web", frozenset({"pull", "push"}))]
PULL = [tokens.Access("repository", "ana/web", frozenset({"pull"}))]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, settings: Any) -> Path:
    settings.ENV = settings.ENV.model_copy(update={"registry_store": str(tmp_path), "registry_quota": 1})
    return tmp_path / "docker" / "registry" / "v2"


def put(store: Path, repository: str, *, blobs: dict[str, int], tag: str = "1") -> None:
    """A repository with blobs of these sizes in bytes, by a letter that stands for their digest."""
    home = store / "repositories" / repository
    (home / "_manifests" / "tags" / tag).mkdir(parents=True, exist_ok=True)
    for letter, size in blobs.items():
        digest = letter * 64
        (home / "_layers" / "sha256" / digest).mkdir(parents=True, exist_ok=True)
        blob = store / "blobs" / "sha256" / digest[:2] / digest
        blob.mkdir(parents=True, exist_ok=True)
        (blob / "data").write_bytes(b"x" * size)


def test_nobody_has_used_anything_at_first() -> None:
    assert quota.used("ana") == 0
    assert quota.repositories("ana") == []


def test_a_blob_in_two_repositories_counts_once_and_each_person_counts_theirs(store: Path) -> None:
    put(store, "ana/web", blobs={"a": 100, "b": 10})
    put(store, "ana/web/dos", blobs={"a": 100, "c": 1})
    put(store, "bruno/web", blobs={"a": 100})
    assert (quota.used("ana"), quota.used("bruno")) == (111, 100)
    assert [(found.name, found.size) for found in quota.repositories("ana")] == [("web", 110), ("web/dos", 101)]


def test_an_unfinished_upload_counts(store: Path) -> None:
    upload = store / "repositories" / "ana" / "web" / "_uploads" / "1"
    upload.mkdir(parents=True)
    (upload / "data").write_bytes(b"x" * 50)
    assert quota.used("ana") == 50


def test_over_the_quota_a_push_is_refused_and_a_pull_is_not(store: Path) -> None:
    put(store, "ana/web", blobs={"a": 1 << 20})
    assert "has llenado tu espacio" in app._refusal("ana", PUSH)
    assert app._refusal("ana", PULL) == ""
    assert app._refusal("bruno", [tokens.Access("repository", "bruno/x", frozenset({"push"}))]) == ""


def test_removing_a_repository_makes_room_and_leaves_the_others(store: Path) -> None:
    put(store, "ana/web", blobs={"a": 100})
    put(store, "ana/web/dos", blobs={"b": 10})
    assert quota.remove("ana", "web")
    assert [found.name for found in quota.repositories("ana")] == ["web/dos"]
    assert quota.used("ana") == 10


@pytest.mark.parametrize("name", ["", ".", "..", "../bruno/web", "/etc", "otro"])
def test_only_what_is_theirs_can_be_removed(store: Path, name: str) -> None:
    put(store, "ana/web", blobs={"a": 1})
    put(store, "bruno/web", blobs={"a": 1})
    assert not quota.remove("ana", name)
    assert quota.used("bruno") == 1


@pytest.mark.django_db
def test_the_page_shows_what_is_kept_and_removes_it(client: Any, ana: Any, store: Path) -> None:
    put(store, "ana/web", blobs={"a": 1 << 20}, tag="v1")
    client.force_login(ana)
    page = client.get(reverse("registry")).content.decode()
    assert "ana/web" in page
    assert "v1" in page
    assert "borra algo" in page
    said = client.post(reverse("registry"), {"repository": "web"}, follow=True).content.decode()
    assert "ya no está en el registro" in said
    assert quota.used("ana") == 0
