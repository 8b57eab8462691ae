"""What a person may do in the class registry, and the token that says so. Pure but for the clock.

Protocol: the Distribution project's token authentication (scopes in, a signed JWT out).
"""

from __future__ import annotations

import base64
import time
import uuid
from dataclasses import dataclass

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

SERVICE = "registro.lab"
ISSUER = "docker-intensivo"
SECONDS = 300
COURSE = "curso"
RESERVED = frozenset({"library", COURSE, "lab", "admin", "root", "espejo", "registro"})
"""Names that are nobody's, whatever their account is called: `library` would be mistaken for Docker Hub's own images."""
MAX_SCOPES = 20


@dataclass(frozen=True)
class Access:
    """Actions on one thing, as asked or as granted."""

    type: str
    name: str
    actions: frozenset[str]


def parse_scopes(values: list[str]) -> list[Access]:
    """`repository:ana/web:pull,push`, several to a value by spaces. What can't be read is left out: it grants nothing."""
    found = []
    for scope in " ".join(values).split()[:MAX_SCOPES]:
        parts = scope.split(":")
        if len(parts) == 3 and all(parts):
            found.append(Access(parts[0], parts[1], frozenset(parts[2].split(","))))
    return found


def allowed(username: str, repository: str, *, staff: bool) -> frozenset[str]:
    """The actions that this person may do on a repository: all on their own; the course's they may pull, and staff push."""
    owner, slash, rest = repository.partition("/")
    if not slash or not rest:
        return frozenset()
    if owner == COURSE:
        return frozenset({"pull", "push"} if staff else {"pull"})
    if owner == username and owner not in RESERVED:
        return frozenset({"pull", "push"})
    return frozenset()


def grant(username: str, asked: list[Access], *, staff: bool) -> list[Access]:
    """What of `asked` this person gets. Things granted nothing are left out."""
    granted = [
        Access(access.type, access.name, access.actions & allowed(username, access.name, staff=staff))
        for access in asked
        if access.type == "repository"
    ]
    return [access for access in granted if access.actions]


def sign(username: str, granted: list[Access], *, key: bytes, certificate: bytes, now: float | None = None) -> str:
    """The token, by the private key whose certificate (both PEM) the registry trusts. Good for five minutes."""
    issued = int(time.time() if now is None else now)
    leaf = x509.load_pem_x509_certificate(certificate)
    claims = {
        "iss": ISSUER,
        "sub": username,
        "aud": SERVICE,
        "iat": issued,
        # Clocks of one machine agree, but the registry rounds.
        "nbf": issued - 10,
        "exp": issued + SECONDS,
        "jti": uuid.uuid4().hex,
        "access": [{"type": access.type, "name": access.name, "actions": sorted(access.actions)} for access in granted],
    }
    chain = [base64.b64encode(leaf.public_bytes(Encoding.DER)).decode()]
    return jwt.encode(claims, key, algorithm="ES256", headers={"x5c": chain})
