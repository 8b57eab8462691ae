"""What a person's repository in the class registry holds, read from the registry's own files: no engine can invent it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from sandboxes.registry import quota

_PART = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MANIFEST = 1 << 20


@dataclass(frozen=True)
class Pushed:
    """One tag: the digest of its manifest, and of the image's configuration, which is the id it has in an engine."""

    digest: str
    image: str
    """Empty for a manifest of another kind."""


def repositories(username: str) -> dict[str, list[str]]:
    """Repository below the person's name → its tags."""
    if not _PART.fullmatch(username):
        return {}
    return {found.name: list(found.tags) for found in quota.repositories(username)}


def find(username: str, repository: str, *, tag: str) -> Pushed | None:
    """What that tag is, or None if it was never pushed."""
    parts = [username, *repository.split("/")]
    if not all(_PART.fullmatch(part) for part in parts) or not re.fullmatch(r"\w[\w.-]{0,127}", tag):
        return None
    link = quota.home(username) / repository / "_manifests" / "tags" / tag / "current" / "link"
    try:
        digest = link.read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not _DIGEST.fullmatch(digest):
        return None
    return Pushed(digest=digest, image=_image(quota.blob(digest.removeprefix("sha256:"))))


def _image(manifest: Path) -> str:
    """A manifest is the student's: it was pushed by them."""
    try:
        if manifest.stat().st_size > _MANIFEST:
            return ""
        found = json.loads(manifest.read_bytes())
    except (OSError, ValueError, RecursionError):
        return ""
    config = found.get("config") if isinstance(found, dict) else None
    digest = config.get("digest") if isinstance(config, dict) else None
    return digest if isinstance(digest, str) and _DIGEST.fullmatch(digest) else ""
