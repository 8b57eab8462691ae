"""What each user likes of their terminals: read with the page, written by it. Refuses what the page could not have sent."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from pydantic import BaseModel, ConfigDict, Field

from sandboxes.models import TerminalPreferences

SIZE_MAX = 32 * 1024
"""Bytes of what a page may send."""
LAYOUTS_MAX = 8

Name = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,20}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PlacedPane(_Strict):
    """One terminal: the shell `shell` of node `node`, as wide as `size` says against its neighbours."""

    node: Name
    shell: Name
    size: float = Field(gt=0, le=20)


class PlacedTab(_Strict):
    id: int
    title: str = Field(max_length=40)
    direction: Literal["fila", "columna"]
    panes: list[PlacedPane] = Field(min_length=1, max_length=4)
    focus: int


class Layout(_Strict):
    tabs: list[PlacedTab] = Field(max_length=32)
    active: int


class Preferences(_Strict):
    """As static/js/terminal/preferences.js names them."""

    font: int = Field(default=14, ge=9, le=32)
    theme: Literal["", "auto", "oscuro", "claro", "contraste"] = ""  # not chosen: dark, or of high contrast like the page
    selectCopies: bool = False  # the page's name
    rightClickPastes: bool = False
    pastePreview: bool = True
    programsCopy: bool = False
    announce: bool = True
    transcript: bool = False
    layouts: dict[Annotated[UUID, Field(strict=False)], Layout] = Field(default_factory=dict, max_length=LAYOUTS_MAX)


def read(user: AbstractBaseUser | AnonymousUser) -> dict[str, Any]:
    """What was kept of this user; empty if nothing was."""
    found = TerminalPreferences.objects.filter(user=user.pk).first() if user.pk else None
    return dict(found.values) if found else {}


def layout_of(user_id: int, sandbox_id: UUID) -> dict[str, Any] | None:
    """How a user has arranged the terminals of a sandbox; None if as they come."""
    found = TerminalPreferences.objects.filter(user=user_id).first()
    layouts = found.values.get("layouts", {}) if found else {}
    layout: dict[str, Any] | None = layouts.get(str(sandbox_id))
    return layout


def write(user: AbstractBaseUser, sent: bytes) -> None:
    """Keep what the page sent; raises ValidationError (pydantic) if it is not preferences."""
    values = Preferences.model_validate_json(sent).model_dump(mode="json")
    TerminalPreferences.objects.update_or_create(user_id=user.pk, defaults={"values": values})
