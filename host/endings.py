"""Who has been ended for taking too much, and of what: a file for each container, for the site to tell its student.

In a folder that goes with the lab's run; sandboxes/losses.py reads it.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

from host import accounts
from host.instance import Instance


class Ending(StrEnum):
    """What there was too much of."""

    CGROUPS = "cgroups"
    DESCRIPTORS = "descriptors"
    DISK = "disk"
    KERNEL = "kernel"
    PROCESSES = "processes"


def folder(lab: Instance) -> Path:
    """Made, if it is missing, so that the lab's user may read it."""
    place = (lab.gate_folder if lab.composed else lab.run) / "endings"
    place.parent.mkdir(mode=0o750, exist_ok=True)
    place.mkdir(mode=0o750, exist_ok=True)
    os.chown(place, 0, accounts.ids()[1])
    return place


def note(place: Path, container: str, why: Ending) -> None:
    """Write it down, before the container is ended: who finds it ended looks here."""
    draft = place / f".{container}"
    draft.write_text(f"{why}\n")
    draft.chmod(0o644)
    draft.rename(place / container)
