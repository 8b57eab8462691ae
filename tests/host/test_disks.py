"""The watcher of disks without quotas, over folders and a program that answers as docker would."""

from __future__ import annotations

from pathlib import Path

import pytest

from host import disks


@pytest.fixture
def docker(tmp_path: Path) -> tuple[str, ...]:
    """Two running sandboxes of 1G that write in `one` and `other`; what it is asked to kill, it writes down."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    program = tmp_path / "docker"
    program.write_text(f"""#!/bin/sh
case $1 in
    ps) echo one other ;;
    inspect) for name in one other; do echo "$name 1G {tmp_path}/$name"; done ;;
    kill) echo "$2" >>{tmp_path}/killed ;;
esac
""")
    program.chmod(0o755)
    return (str(program),)


def told(tmp_path: Path) -> Path:
    folder = tmp_path / "endings"
    folder.mkdir(exist_ok=True)
    return folder


def write(file: Path, *, megabytes: int) -> None:
    with file.open("wb") as target:
        for _ in range(megabytes):
            target.write(b"x" * (1 << 20))


def test_who_writes_beyond_their_disk_is_ended_once_and_may_make_room(
    docker: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(disks.SIZES, "1G", 4 << 20)
    write(tmp_path / "one" / "file", megabytes=3)
    write(tmp_path / "other" / "file", megabytes=2)
    known = disks.look(docker, {}, told(tmp_path))
    assert not (tmp_path / "killed").exists()
    write(tmp_path / "one" / "more", megabytes=3)
    known = disks.look(docker, known, told(tmp_path))
    assert (tmp_path / "killed").read_text() == "one\n"
    assert [(note.name, note.read_text()) for note in told(tmp_path).iterdir()] == [("one", "disk\n")]
    known = disks.look(docker, known, told(tmp_path))
    (tmp_path / "one" / "more").unlink()
    known = disks.look(docker, known, told(tmp_path))
    assert (tmp_path / "killed").read_text() == "one\n", "it is back, and only removes"
    assert known["other"] < 4 << 20


def test_a_lab_without_sandboxes_is_looked_at_in_vain(tmp_path: Path) -> None:
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\n[ $1 = ps ] || exit 1\n")
    program.chmod(0o755)
    assert disks.look((str(program),), {"gone": 5}, tmp_path) == {"gone": 5}
