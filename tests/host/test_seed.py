"""What the seeded image is named by."""

from __future__ import annotations

import pytest

from host import images, seed


def test_another_sandbox_or_another_course_image_makes_another_seeded_one(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {seed.reference()}
    with monkeypatch.context() as changed:
        changed.setattr(images, "sandbox_reference", lambda: "docker-intensivo/sandbox:other")
        seen.add(seed.reference())
    with monkeypatch.context() as changed:
        changed.setattr(images, "course_key", lambda: "other")
        seen.add(seed.reference())
    assert len(seen) == 3
    assert seed.reference() in seen
