"""The shared counters of the kernel."""

from __future__ import annotations

from pathlib import Path

from host import kernel


def test_raises_what_is_lower_and_leaves_what_is_higher(tmp_path: Path) -> None:
    for name in kernel.SHARED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("128\n")
    (tmp_path / "fs/aio-max-nr").write_text(str(1 << 40))
    kernel.raise_shared(tmp_path)
    assert (tmp_path / "fs/inotify/max_user_instances").read_text() == str(1 << 20)
    assert (tmp_path / "fs/aio-max-nr").read_text() == str(1 << 40)


def test_what_is_missing_is_left(tmp_path: Path) -> None:
    kernel.raise_shared(tmp_path)
    assert list(tmp_path.iterdir()) == []
