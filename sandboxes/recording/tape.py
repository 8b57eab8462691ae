"""Who is recorded, and the row of each recording; the oldest go when their time or the room is over.

A recording is one connection of one terminal. It begins with the screen as the student found it and holds what it showed
from then on. Never the reason why a terminal fails: what can't be recorded is not.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path

import structlog
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from lessons import cohorts
from lessons.models import Cohort
from sandboxes.models import Machine, Recording, RecordingChoice
from sandboxes.recording.cast import Cast, written
from sandboxes.recording.marks import RESET
from sandboxes.terminal import protocol

log = structlog.get_logger()

OPTIONAL, NEVER = cohorts.OPTIONAL, cohorts.NEVER
LAST_SCREEN = 32 << 10
"""Bytes of the replay, its end, that a recording begins with."""
STRAY = timedelta(hours=2)


class Tape:
    """A terminal being recorded: hears every frame to its page and every change of its size."""

    def __init__(self, recording: Recording, cast: Cast) -> None:
        self._recording, self._cast = recording, cast
        self._replay = b""
        self._live = False

    def frame(self, frame: bytes) -> None:
        kind, payload = frame[:1], frame[1:]
        if kind == protocol.REPLAY:
            self._replay = (self._replay + payload)[-LAST_SCREEN:]
        elif kind == protocol.LIVE:
            self._cast.output(RESET.encode() + self._replay)
            self._replay = b""
        elif kind == protocol.DATA:
            self._live = True
            self._cast.output(payload)

    def resize(self, size: bytes) -> None:
        self._cast.resize(int.from_bytes(size[:2], "big"), int.from_bytes(size[2:4], "big"))

    async def close(self) -> None:
        """End it; one in which nothing happened is not kept."""
        self._cast.close()
        try:
            await database_sync_to_async(_end)(self._recording, self._cast, self._live)
        except DatabaseError as error:
            log.warning("a recording's end could not be noted", recording=self._recording.pk, error=str(error))


@database_sync_to_async
def begin(user_id: int, machine: Machine, shell: str, size: bytes) -> Tape | None:
    """Record a terminal from now on; None if its student is not recorded."""
    if machine.sandbox is None or not is_recorded(user_id):
        return None
    folder = Path(settings.ENV.recordings_dir)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        log.warning("nothing can be recorded", folder=str(folder), error=str(error))
        return None
    try:
        recording = Recording.objects.create(sandbox=machine.sandbox, node=machine.node, shell=shell, file=f"{uuid.uuid4().hex}.cast")
    except DatabaseError as error:
        log.warning("a terminal could not be recorded", machine=machine.name, error=str(error))
        return None
    columns, rows = int.from_bytes(size[:2], "big"), int.from_bytes(size[2:4], "big")
    return Tape(recording, Cast(folder / recording.file, columns=columns, rows=rows, most=settings.ENV.recording_max << 20))


def policy_of(user_id: int) -> str:
    """`siempre`, `opcional` or `nunca`: as somebody's classes say, else the lab, whose «nunca» nobody overrules."""
    return NEVER if _lab_never() else cohorts.recording_of(user_id, otherwise=settings.ENV.recording)


def policy_in(cohort: Cohort) -> str:
    """The same of a class alone."""
    return NEVER if _lab_never() else cohort.recording or settings.ENV.recording


def is_recorded(user_id: int) -> bool:
    policy = policy_of(user_id)
    if policy == OPTIONAL:
        return not RecordingChoice.objects.filter(user=user_id, refused=True).exists()
    return policy != NEVER


def group_of(user_id: object) -> str:
    """The channel group in which a user's terminals hear whether they are to be recorded."""
    return f"recording-{user_id}"


def apply(user_id: int) -> None:
    """Tell a user's open terminals whether they are to be recorded from now on."""
    message = {"type": "recording.choice", "refused": not is_recorded(user_id)}
    async_to_sync(get_channel_layer().group_send)(group_of(user_id), message)


def _lab_never() -> bool:
    return settings.ENV.recording == NEVER or not settings.ENV.recordings_days


def path_of(recording: Recording) -> Path:
    return Path(settings.ENV.recordings_dir) / recording.file


def _end(recording: Recording, cast: Cast, live: bool) -> None:
    written()
    if live:
        Recording.objects.filter(pk=recording.pk).update(ended=timezone.now(), size=cast.size, full=cast.full)
    else:
        remove(recording)


def remove(recording: Recording) -> None:
    path_of(recording).unlink(missing_ok=True)
    recording.delete()


def sweep() -> None:
    """Remove what is older than it may be, then the oldest until the rest has room; and files that nobody knows."""
    over = Recording.objects.filter(started__lt=timezone.now() - timedelta(days=settings.ENV.recordings_days))
    for recording in over:
        remove(recording)
    kept, room = 0, settings.ENV.recordings_total << 20
    for recording in Recording.objects.exclude(ended=None).order_by("-started"):
        kept += recording.size
        if kept > room:
            remove(recording)
    folder = Path(settings.ENV.recordings_dir)
    known = set(Recording.objects.values_list("file", flat=True))
    for path in folder.glob("*.cast") if folder.is_dir() else ():
        if path.name not in known and _is_old(path):
            path.unlink(missing_ok=True)


def _is_old(path: Path) -> bool:
    try:
        return timezone.now().timestamp() - path.stat().st_mtime > STRAY.total_seconds()
    except OSError:
        return False
