"""The system users of the lab and the range of ids that sandboxes' roots have outside."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

from host.instance import REMAP_USER, STATE, USER
from host.shell import sh

RANGE = 65536
SUBORDINATE_FILES = (Path("/etc/subuid"), Path("/etc/subgid"))


def ensure() -> None:
    """Create both users and their range, if missing; what was added is written down for `remove`."""
    for user in (USER, REMAP_USER):
        if not _exists(user):
            sh(
                "useradd",
                "--system",
                "--user-group",
                "--no-create-home",
                "--home-dir",
                "/nonexistent",
                "--shell",
                "/usr/sbin/nologin",
                user,
            )
            with (STATE / "added-users").open("a") as added:
                added.write(user + "\n")
    # useradd may have given the remap user a range of its own choosing; ours is one that nobody else has.
    if _range_of(REMAP_USER, SUBORDINATE_FILES[0]) is None or _range_of(REMAP_USER, SUBORDINATE_FILES[1]) is None:
        start = _free_start()
        for file in SUBORDINATE_FILES:
            kept = [line for line in _lines(file) if not line.startswith(f"{REMAP_USER}:")]
            file.write_text("\n".join([*kept, f"{REMAP_USER}:{start}:{RANGE}"]) + "\n")


def remove() -> None:
    """Remove the users that `ensure` added and the remap range."""
    for file in SUBORDINATE_FILES:
        kept = [line for line in _lines(file) if not line.startswith((f"{REMAP_USER}:", f"{USER}:"))]
        if file.exists():
            file.write_text("".join(line + "\n" for line in kept))
    added = STATE / "added-users"
    if added.exists():
        for user in dict.fromkeys(added.read_text().split()):
            if _exists(user):
                sh("userdel", user)


def ids() -> tuple[int, int]:
    """The uid and gid of the unprivileged user."""
    return pwd.getpwnam(USER).pw_uid, grp.getgrnam(USER).gr_gid


def remapped_root() -> int:
    """The uid that a sandbox's root has outside, or will have when `ensure` has made its range."""
    return _range_of(REMAP_USER, SUBORDINATE_FILES[0]) or _free_start()


def give(path: Path, mode: int = 0o2770) -> None:
    """Make a directory of the unprivileged user, whose files stay writable by its group."""
    path.mkdir(parents=True, exist_ok=True)
    uid, gid = ids()
    os.chown(path, uid, gid)
    path.chmod(mode)


def own(folder: Path) -> None:
    """Give what root may have made in one of the user's folders (a command run by hand) back to the user."""
    uid, gid = ids()
    for path in folder.iterdir():
        if path.lstat().st_uid != uid:
            os.chown(path, uid, gid, follow_symlinks=False)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def _range_of(user: str, file: Path) -> int | None:
    for line in _lines(file):
        owner, start, count = line.split(":")
        if owner == user and int(count) >= RANGE:
            return int(start)
    return None


def _free_start() -> int:
    taken = [
        (int(start), int(start) + int(count))
        for file in SUBORDINATE_FILES
        for owner, start, count in (line.split(":") for line in _lines(file) if line.count(":") == 2)
        if owner != REMAP_USER
    ]
    start = 1_000_000
    while any(begin < start + RANGE and start < end for begin, end in taken):
        start += RANGE
    return start
