"""What each student keeps in the class registry, how much of it they may, and how they make room.

Reads and removes the registry's own files (Distribution's layout, storage driver `filesystem`): a repository links to
the blobs it is made of. A blob in several of somebody's repositories counts once; one that others also have counts for
each. Blobs that nobody links to any more go when the registry next starts (host/registry.py).
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Repository:
    """One of a person's repositories: its name below theirs, its tags, the bytes it links to."""

    name: str
    tags: tuple[str, ...]
    size: int


def used(username: str) -> int:
    """Bytes that a person's images and unfinished uploads take; 0 if there is nothing of theirs."""
    blobs, uploads = _walk(home(username))
    return uploads + sum(map(_blob_size, blobs))


def limit() -> int:
    """Bytes that a person may keep."""
    return settings.ENV.registry_quota << 20


def repositories(username: str) -> list[Repository]:
    """What a person keeps, by name."""
    mine = home(username)
    found = []
    for manifests in sorted(mine.glob("**/_manifests")):
        # Its own folders alone: another repository's name may go on where this one's ends.
        (blobs, _), (_, uploads) = _walk(manifests.parent / "_layers"), _walk(manifests.parent / "_uploads")
        tags = sorted(path.name for path in (manifests / "tags").glob("*"))
        found.append(Repository(str(manifests.parent.relative_to(mine)), tuple(tags), uploads + sum(map(_blob_size, blobs))))
    return found


def remove(username: str, name: str) -> bool:
    """Remove one of a person's repositories with all its tags; False if they have none of that name."""
    if name not in {repository.name for repository in repositories(username)}:
        return False
    for part in ("_manifests", "_layers", "_uploads"):
        shutil.rmtree(home(username) / name / part, ignore_errors=True)
    return True


def _root() -> Path:
    return Path(settings.ENV.registry_store) / "docker" / "registry" / "v2"


def home(username: str) -> Path:
    """The folder of a person's repositories."""
    return _root() / "repositories" / username


def _walk(where: Path) -> tuple[set[str], int]:
    """The digests that the repositories below `where` link to, and the bytes of their unfinished uploads."""
    blobs: set[str] = set()
    uploads = 0
    for folder, folders, files in os.walk(where):
        path = Path(folder)
        if path.name == "sha256" and path.parent.name == "_layers":
            blobs |= {name for name in folders if _DIGEST.fullmatch(name)}
            folders.clear()
        elif path.parent.name == "_uploads":
            uploads += sum(_size(path / name) for name in files)
        elif path.name == "_manifests":
            folders.clear()
    return blobs, uploads


def blob(digest: str) -> Path:
    """Where the registry keeps what has that SHA-256, in hexadecimal."""
    return _root() / "blobs" / "sha256" / digest[:2] / digest / "data"


def _blob_size(digest: str) -> int:
    return _size(blob(digest))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0  # an upload that has just ended, a blob that was collected
