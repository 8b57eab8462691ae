"""The few pages that a preview's origin says itself, in the platform's looks and without a script."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.template.loader import render_to_string

RETRY = 2
"""Seconds after which a page about a program that does not answer yet asks again."""


async def say(send: Any, status: int, why: str, **context: Any) -> None:
    """A page that says why; `why` is a case of templates/sandboxes/preview/said.html."""
    platform = settings.ENV.origins[0]
    body = await sync_to_async(render_to_string)("sandboxes/preview/said.html", {"why": why, "platform": platform, **context})
    policy = (
        f"default-src 'none'; style-src {platform}; frame-ancestors {' '.join(settings.ENV.origins)}; base-uri 'none'; form-action 'none'"
    )
    found = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", policy.encode()),
        (b"referrer-policy", b"no-referrer"),
    ]
    if why == "silent":
        found.append((b"refresh", str(RETRY).encode()))
    await send({"type": "http.response.start", "status": status, "headers": found})
    await send({"type": "http.response.body", "body": body.encode()})


async def redirect(send: Any, path: str, *, cookie: str) -> None:
    found = [
        (b"location", path.encode("ascii", "replace")),
        (b"set-cookie", cookie.encode()),
        (b"cache-control", b"no-store"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-length", b"0"),
    ]
    await send({"type": "http.response.start", "status": 303, "headers": found})
    await send({"type": "http.response.body", "body": b""})
