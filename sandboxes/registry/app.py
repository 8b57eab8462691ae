"""The token listener: an ASGI application with one path, which sandboxes reach at https://registro.lab:5001.

It serves nothing else of the site. uvicorn runs it (host/registry.py).
"""

from __future__ import annotations

import base64
import json
import os
from binascii import Error as NotBase64
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import django
import structlog
from asgiref.sync import sync_to_async

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labsite.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import close_old_connections  # noqa: E402

from sandboxes.registry import quota, tokens  # noqa: E402
from sandboxes.registry.credentials import find_user  # noqa: E402

PATH = "/fichas"
log = structlog.get_logger()


async def application(scope: dict[str, Any], _receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    if scope["type"] != "http":
        return
    headers: list[tuple[bytes, bytes]] = []
    if scope["path"] != PATH:
        status, body = 404, _error("NAME_UNKNOWN", "aquí solo hay fichas")
    elif scope["method"] != "GET":
        # Clients that try OAuth2's POST first go on with GET after this.
        status, body = 405, _error("UNSUPPORTED", "usa GET")
        headers.append((b"allow", b"GET"))
    else:
        status, body = await sync_to_async(_answer_afresh)(scope["query_string"].decode("latin-1"), scope["headers"])
        if status == 401:
            headers.append((b"www-authenticate", b'Basic realm="registro.lab"'))
    encoded = json.dumps(body).encode()
    headers += [(b"content-type", b"application/json"), (b"content-length", str(len(encoded)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": encoded})


def _answer_afresh(query: str, headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, dict[str, Any]]:
    """Answer with a connection that works, and give it back: nobody else does so outside of Django's own requests."""
    close_old_connections()
    try:
        return answer(query, headers)
    finally:
        close_old_connections()


def answer(query: str, headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, dict[str, Any]]:
    """Status and body for a request of a token."""
    asked = parse_qs(query, max_num_fields=50)
    given = _basic(dict(headers).get(b"authorization", b""))
    user = find_user(*given) if given else None
    if user is None:
        return 401, _error("UNAUTHORIZED", "hace falta tu usuario y tu contraseña del registro (están en tu página «Registro»)")
    if asked.get("service", [tokens.SERVICE]) != [tokens.SERVICE]:
        return 400, _error("UNSUPPORTED", "este servicio no es de aquí")
    granted = tokens.grant(user.username, tokens.parse_scopes(asked.get("scope", [])), staff=user.is_staff)
    if full := _refusal(user.username, granted):
        return 403, _error("DENIED", full)
    key, certificate = _signing_pair()
    token = tokens.sign(user.username, granted, key=key, certificate=certificate)
    log.info("a registry token", user=user.username, access=[f"{access.name}:{','.join(sorted(access.actions))}" for access in granted])
    return 200, {
        "token": token,
        "access_token": token,
        "expires_in": tokens.SECONDS,
        "issued_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _refusal(username: str, granted: Iterable[tokens.Access]) -> str:
    """Why this person may not push anything more of theirs; looked at as each push begins."""
    pushes = any("push" in access.actions and access.name.startswith(f"{username}/") for access in granted)
    if not pushes or quota.used(username) < quota.limit():
        return ""
    return f"has llenado tu espacio del registro ({settings.ENV.registry_quota} MB); borra imágenes en tu página «Registro»"


def _basic(header: bytes) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        username, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (NotBase64, UnicodeDecodeError):
        return None
    return (username, password) if colon else None


@cache
def _signing_pair() -> tuple[bytes, bytes]:
    folder = Path(settings.ENV.registry_keys)
    return (folder / "token.key").read_bytes(), (folder / "token.crt").read_bytes()


def _error(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message}], "details": message}
