"""The package mirror's index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from host import images, packages


@pytest.mark.parametrize(
    ("wheel", "name"),
    [("flask-3.1-py3-none-any.whl", "flask"), ("MarkupSafe-3-cp313-cp313-any.whl", "markupsafe"), ("a_b.c-1-py3-none-any.whl", "a-b-c")],
)
def test_projects_have_normalized_names(wheel: str, name: str) -> None:
    assert packages.project_name(wheel) == name


def test_indexes_link_every_wheel_with_its_hash(tmp_path: Path) -> None:
    (tmp_path / "flask").mkdir()
    (tmp_path / "flask" / "flask-3-py3-none-any.whl").write_bytes(b"x")
    packages.write_indexes(tmp_path)
    assert 'href="flask/"' in (tmp_path / "index.html").read_text()
    assert re.search(
        r'href="flask-3-py3-none-any\.whl#sha256=2d711642b726b044[0-9a-f]{48}"', (tmp_path / "flask" / "index.html").read_text()
    )


def test_wheels_are_locked_by_version_and_hash() -> None:
    lock = (images.SOURCES / "packages" / "ruedas.txt").read_text()
    for wanted in (images.SOURCES / "packages" / "ruedas.in").read_text().splitlines():
        if not wanted.startswith("#"):
            assert re.search(rf"^{wanted}==\S+ \\\n    --hash=sha256:", lock, re.MULTILINE)


def test_the_mirror_is_for_the_python_of_the_course() -> None:
    assert f"python:{packages.PYTHON}" in images.course_images()
