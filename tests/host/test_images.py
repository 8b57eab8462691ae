"""The sources of the images: their key, and what every Dockerfile says."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from host import images

DOCKERFILES = sorted(images.SOURCES.rglob("Dockerfile"))
COURSE = images.SOURCES / "course"


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "images"
    shutil.copytree(images.SOURCES, copy)
    monkeypatch.setattr(images, "SOURCES", copy)
    return copy


def test_the_key_is_the_contents_wherever_they_are(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = images.content_key()
    os.utime(sources / "sandbox" / "Dockerfile", (0, 0))
    (sources / "course" / "contador" / "__pycache__").mkdir()
    (sources / "course" / "contador" / "__pycache__" / "app.pyc").touch()
    assert images.content_key() == here
    monkeypatch.undo()
    assert images.content_key() == here
    assert re.fullmatch(r"[0-9a-f]{16}", here)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a byte": lambda at: (at / "sandbox" / "boot").write_text((at / "sandbox" / "boot").read_text() + "\n"),
    "a course image": lambda at: (at / "course" / "busybox" / "Dockerfile").write_text("FROM scratch\n"),
    "a new file": lambda at: (at / "sandbox" / "new").touch(),
    "a removed file": lambda at: (at / "course" / "contador" / "app.py").unlink(),
    "a renamed file": lambda at: (at / "sandbox" / "lab.sh").rename(at / "sandbox" / "lab2.sh"),
    "a mode": lambda at: (at / "sandbox" / "boot").chmod((at / "sandbox" / "boot").stat().st_mode ^ 0o111),
    "a tag": lambda at: (at / "course" / "images.toml").write_text('busybox = "busybox:2"\n'),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_key_changes_with_any_source(sources: Path, change: Callable[[Path], object]) -> None:
    before = images.content_key()
    change(sources)
    assert images.content_key() != before


@pytest.mark.parametrize(("name", "value"), [("SUITE", "bookworm"), ("BASE_IMAGE", "debian:trixie-slim")])
def test_the_key_changes_with_the_base(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    before = images.content_key()
    monkeypatch.setattr(images, name, value)
    assert images.content_key() != before


def test_the_reference_and_the_store_are_named_by_the_key(sources: Path) -> None:
    before = images.sandbox_reference(), images.store()
    assert images.content_key() in before[0]
    assert images.content_key() in str(before[1])
    (sources / "new").touch()
    assert (images.sandbox_reference(), images.store()) != before


def test_every_course_image_has_its_folder_and_every_folder_its_image() -> None:
    assert set(images.course_images()) == {path.parent.name for path in COURSE.glob("*/Dockerfile")}
    assert set(images.course_images()) == {path.name for path in COURSE.iterdir() if path.is_dir()}


@pytest.mark.parametrize("reference", images.course_images().values())
def test_course_images_have_a_tag_that_says_which(reference: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(/[a-z0-9]+)?:[a-z0-9.]+", reference)
    assert not reference.endswith(":latest")


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_every_image_starts_from_the_base_it_is_given(dockerfile: Path) -> None:
    instructions = [line for line in dockerfile.read_text().splitlines() if line and not line.startswith("#")]
    assert instructions[0].startswith("ARG BASE=")
    stages = [line.split() for line in instructions if line.startswith("FROM ")]
    assert stages[0][1] == "${BASE}"
    assert {stage[1] for stage in stages} <= {"${BASE}", "scratch"}, "nothing is pulled from a hub"


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_every_image_says_what_it_is(dockerfile: Path) -> None:
    last_stage = dockerfile.read_text().rpartition("\nFROM ")[2]
    assert "LABEL org.opencontainers.image.title=" in last_stage


@pytest.mark.parametrize(("folder", "reference"), images.course_images().items())
def test_labels_say_the_tag(folder: str, reference: str) -> None:
    version = reference.rsplit(":", 1)[1]
    assert f'org.opencontainers.image.version="{version}"' in (COURSE / folder / "Dockerfile").read_text()
