"""The sources of the images: their key, and what every Dockerfile says."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from host import images, instance

DOCKERFILES = sorted(images.SOURCES.rglob("Dockerfile"))
COURSE = images.SOURCES / "course"


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "images"
    shutil.copytree(images.SOURCES, copy)
    monkeypatch.setattr(images, "SOURCES", copy)
    return copy


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    at = tmp_path / "state"
    (at / "images").mkdir(parents=True)
    for module in (images, instance):
        monkeypatch.setattr(module, "STATE", at)
    return at


def names() -> set[str]:
    return {part.path.name for part in images.parts()} | {images.mirror().name}


def test_keys_are_the_contents_wherever_they_are(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = names()
    os.utime(sources / "sandbox" / "Dockerfile", (0, 0))
    (sources / "course" / "contador" / "__pycache__").mkdir()
    (sources / "course" / "contador" / "__pycache__" / "app.pyc").touch()
    assert names() == here
    monkeypatch.undo()
    assert names() == here
    assert all(re.fullmatch(r"(sandbox|packages|mirror|image-[a-z0-9.-]+)-[0-9a-f]{16}", name) for name in here)


def edit(path: Path) -> None:
    path.write_text(path.read_text() + "\n")


CHANGES: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "a byte": (lambda at: edit(at / "sandbox" / "boot"), {"sandbox"}),
    "a new file": (lambda at: (at / "sandbox" / "new").touch(), {"sandbox"}),
    "a renamed file": (lambda at: (at / "sandbox" / "lab.sh").rename(at / "sandbox" / "lab2.sh"), {"sandbox"}),
    "a mode": (lambda at: (at / "sandbox" / "boot").chmod((at / "sandbox" / "boot").stat().st_mode ^ 0o111), {"sandbox"}),
    "a course image": (lambda at: edit(at / "course" / "busybox" / "Dockerfile"), {"image-busybox-1.37", "mirror"}),
    "a removed file": (lambda at: (at / "course" / "contador" / "app.py").unlink(), {"image-contador-1.0", "mirror"}),
    "an image of two tags": (lambda at: edit(at / "course" / "lua" / "Dockerfile"), {"image-lua-5.1", "image-lua-5.4", "mirror"}),
    "the packages": (lambda at: edit(at / "packages" / "ruedas.txt"), {"packages"}),
    "what says nothing": (lambda at: edit(at / "course" / "README.md"), set()),
}


@pytest.mark.parametrize(("change", "changed"), CHANGES.values(), ids=CHANGES)
def test_a_changed_source_changes_its_own_part_alone(sources: Path, change: Callable[[Path], object], changed: set[str]) -> None:
    before = names()
    change(sources)
    assert {name.rpartition("-")[0] for name in names() - before} == changed


def test_another_tag_or_another_image_is_another_mirror(sources: Path) -> None:
    before, table = images.mirror(), sources / "course" / "images.toml"
    text = table.read_text()
    table.write_text(text.replace("busybox:1.37", "busybox:2"))
    retagged = images.mirror()
    shutil.copytree(sources / "course" / "busybox", sources / "course" / "busybox-otra")
    table.write_text(text + '"busybox:1.36" = "busybox-otra"\n')
    assert len({before, retagged, images.mirror()}) == 3


@pytest.mark.parametrize(("name", "value"), [("SUITE", "bookworm"), ("BASE_IMAGE", "debian:trixie-slim")])
def test_every_key_changes_with_the_base(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    before = names()
    monkeypatch.setattr(images, name, value)
    assert not names() & before


def test_the_sandbox_image_is_named_by_its_key() -> None:
    assert images.sandbox_reference() == f"docker-intensivo/sandbox:{images.sandbox().key}"


def built(part: images.Part) -> None:
    """As if a builder had been there: a registry's store with a blob of the image's own and one that all share."""
    for blob in (part.name, "shared"):
        folder = part.path / "docker" / "blobs" / blob
        folder.mkdir(parents=True)
        (folder / "data").write_text(blob)


def test_the_mirror_is_the_course_images_together_and_costs_nothing(state: Path, sources: Path) -> None:
    for part in images.parts():
        built(part)
    images.ensure(instance.Instance("uno"), print)
    blobs = {path.name for path in (images.mirror() / "docker" / "blobs").iterdir()}
    assert blobs == {"shared", *(part.name for part in images.course())}
    (first, *_) = images.course()
    linked = images.mirror() / "docker" / "blobs" / first.name / "data"
    assert linked.stat().st_ino == (first.path / "docker" / "blobs" / first.name / "data").stat().st_ino


def test_what_a_lab_uses_stays_and_what_nobody_uses_goes_after_a_day(state: Path, sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in images.parts():
        built(part)
    images.ensure(instance.Instance("uno"), print)
    of_one = {path.name for path in (state / "images").iterdir()}
    (state / "images" / "draft-cut-short").mkdir()
    edit(sources / "sandbox" / "boot")
    built(images.sandbox())
    images.ensure(instance.Instance("dos"), print)
    everything = {path.name for path in (state / "images").iterdir()}
    assert of_one < everything, "of today, and the other lab's"
    monkeypatch.setattr(images, "KEEP_SECONDS", -1.0)
    images.remove_unused()
    assert {path.name for path in (state / "images").iterdir()} == everything - {"draft-cut-short"}
    shutil.rmtree(state / "uno")
    images.remove_unused()
    assert {path.name for path in (state / "images").iterdir()} == names()


def test_every_course_image_has_its_folder_and_every_folder_its_image() -> None:
    assert set(images.course_images().values()) == {path.parent.name for path in COURSE.glob("*/Dockerfile")}
    assert set(images.course_images().values()) == {path.name for path in COURSE.iterdir() if path.is_dir()}


@pytest.mark.parametrize("reference", images.course_images())
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


@pytest.mark.parametrize(("reference", "folder"), images.course_images().items())
def test_labels_say_the_tag(reference: str, folder: str) -> None:
    version, text = reference.rsplit(":", 1)[1], (COURSE / folder / "Dockerfile").read_text()
    assert f'org.opencontainers.image.version="{version}"' in text or 'org.opencontainers.image.version="${TAG}"' in text
