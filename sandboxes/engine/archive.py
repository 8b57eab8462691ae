"""Tar archives as the Engine API takes and gives them: files packed for a machine, one file of a machine read.

What comes from a machine is the student's: it is streamed, never unpacked.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import time
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from sandboxes.engine import PlantedFile

DIGEST_LIMIT = 300 << 20
"""Bytes of the largest file whose digest is taken."""


def pack(files: Sequence[PlantedFile], *, owner: int) -> bytes:
    """An archive of the files and their folders."""
    archive = io.BytesIO()
    folders = {folder.as_posix() for file in files for folder in PurePosixPath(file.path).parents} - {"."}
    with tarfile.open(fileobj=archive, mode="w") as opened:
        for folder in sorted(folders):
            made = tarfile.TarInfo(folder)
            made.type, made.mode, made.uid, made.gid, made.mtime = tarfile.DIRTYPE, 0o755, owner, owner, int(time.time())
            opened.addfile(made)
        for file in files:
            member = tarfile.TarInfo(file.path)
            member.size, member.mode, member.uid, member.gid, member.mtime = len(file.content), file.mode, owner, owner, int(time.time())
            opened.addfile(member, io.BytesIO(file.content))
    return archive.getvalue()


def digest(chunks: Iterator[bytes]) -> str | None:
    """SHA-256 of an archive's first file; None if that is no regular file. Raises tarfile.TarError."""
    with tarfile.open(fileobj=io.BufferedReader(_Chunks(chunks)), mode="r|") as opened:
        member = opened.next()
        content = opened.extractfile(member) if member and member.isreg() else None
        if content is None:
            return None
        found = hashlib.sha256()
        while chunk := content.read(1 << 20):
            found.update(chunk)
        return found.hexdigest()


class _Chunks(io.RawIOBase):
    """An iterator of bytes, as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            try:
                self._rest = next(self._chunks)
            except StopIteration:
                return 0
        length = min(len(buffer), len(self._rest))
        buffer[:length], self._rest = self._rest[:length], self._rest[length:]
        return length
