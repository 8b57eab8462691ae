"""Who may see a preview: its sandbox's owner, with the session in which they opened it, while both last.

The platform gives a *ticket*, good for one use within seconds; the preview's own origin turns it into a *grant*,
a cookie of that origin alone. Nothing here is the platform's session: what the preview's page sees opens nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache

from sandboxes.models import Machine, State
from sandboxes.preview.place import Place, Target

TICKET_SECONDS = 30
GRANT_SECONDS = 12 * 3600
SLOT_SECONDS = 24 * 3600


class NoFreePort(Exception):
    """Every port for previews is in use."""


@dataclass(frozen=True)
class Grant:
    slot: str
    user: int
    session: str
    sandbox: str
    node: str
    port: int

    @property
    def target(self) -> Target:
        return Target(self.sandbox, self.node, self.port)


def machine_of(user: Any, target: Target) -> Machine | None:
    """The target's machine, if the sandbox is this user's and ready."""
    return (
        Machine.objects.filter(
            sandbox=UUID(target.sandbox), node=target.node, sandbox__user=user, sandbox__user__is_active=True, sandbox__state=State.READY
        )
        .select_related("sandbox")
        .first()
    )


def slot_for(place: Place, target: Target) -> str:
    """Where the target is served. Raises NoFreePort."""
    if place.base:
        return place.label(target, key=settings.SECRET_KEY)
    wanted = asdict(target)
    taken = cache.get_many([_port_key(port) for port in place.ports])
    ours = [port for port in place.ports if taken.get(_port_key(port)) == wanted]
    for port in ours or place.ports:
        # `add` lets one of two that want the same port have it.
        if ours or (_port_key(port) not in taken and cache.add(_port_key(port), wanted, SLOT_SECONDS)):
            cache.touch(_port_key(port), SLOT_SECONDS)
            return str(port)
    for port in place.ports:
        holder = taken.get(_port_key(port))
        if holder and not Machine.objects.filter(sandbox=UUID(holder["sandbox"]), sandbox__state=State.READY).exists():
            cache.set(_port_key(port), wanted, SLOT_SECONDS)
            return str(port)
    raise NoFreePort


def issue_ticket(grant: Grant) -> str:
    ticket = secrets.token_urlsafe(24)
    cache.set(_ticket_key(ticket), asdict(grant), TICKET_SECONDS)
    return ticket


def redeem(ticket: str, slot: str) -> str | None:
    """The cookie that a ticket buys at this slot; None if it is spent, stale or for another."""
    found = cache.get(_ticket_key(ticket))
    # Of two that come with it, the one that removes it has it.
    if not found or not cache.delete(_ticket_key(ticket)) or found["slot"] != slot:
        return None
    value = secrets.token_urlsafe(24)
    cache.set(_grant_key(value), found, GRANT_SECONDS)
    return value


def admit(value: str, slot: str) -> tuple[Grant, Machine] | None:
    """Whom a cookie lets in, now: the session is open, the sandbox ready and still theirs."""
    found = cache.get(_grant_key(value)) if value else None
    if not found or found["slot"] != slot:
        return None
    grant = Grant(**found)
    session = import_module(settings.SESSION_ENGINE).SessionStore(grant.session)
    if session.get(SESSION_KEY) != str(grant.user):
        return None
    if slot.isdigit() and cache.get(_port_key(int(slot))) != asdict(grant.target):
        return None
    machine = machine_of(grant.user, grant.target)
    return (grant, machine) if machine else None


def _ticket_key(ticket: str) -> str:
    return f"preview-ticket:{ticket[:64]}"


def _grant_key(value: str) -> str:
    return f"preview-grant:{value[:64]}"


def _port_key(port: int) -> str:
    return f"preview-port:{port}"
