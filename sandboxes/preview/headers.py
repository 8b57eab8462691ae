"""What may pass between a browser and a student's program, header by header. Pure.

Inbound: no cookie at all, nothing about proxies, and the program is told that it is `localhost` on its own port, which
is what it expects. Outbound: nothing that would outlive the page (cookies, service workers, HSTS, caches), and who may
frame it is added.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

Headers = list[tuple[bytes, bytes]]

_HOP = {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer", b"upgrade"}
_FROM_BROWSER = _HOP | {b"host", b"cookie", b"cookie2", b"forwarded", b"via", b"expect", b"transfer-encoding"}
_FROM_PROGRAM = _HOP | {
    *(b"set-cookie", b"set-cookie2", b"service-worker-allowed", b"strict-transport-security", b"public-key-pins", b"alt-svc"),
    *(b"clear-site-data", b"nel", b"report-to", b"reporting-endpoints", b"x-frame-options", b"cache-control", b"transfer-encoding"),
    *(b"cross-origin-opener-policy", b"origin-agent-cluster", b"accept-ch", b"critical-ch", b"supports-loading-mode", b"speculation-rules"),
}
_SOCKET = re.compile(rb"sec-websocket-.*")
_OWN = ("localhost", "127.0.0.1", "[::1]", "0.0.0.0")  # names of a program's own, to be recognised


def cookie(headers: Iterable[tuple[bytes, bytes]], name: str) -> str:
    """A cookie's value; "" if it is not there."""
    for key, value in headers:
        if key == b"cookie":
            for pair in value.decode("latin-1").split(";"):
                found, equals, content = pair.strip().partition("=")
                if equals and found == name:
                    return content
    return ""


def inbound(headers: Iterable[tuple[bytes, bytes]], *, origin: str, port: int, websocket: bool = False) -> Headers:
    """What the program gets. `origin` is the preview's: as Origin and Referer it becomes the program's own."""
    own = f"http://localhost:{port}".encode()
    public = origin.encode()
    kept = []
    for name, value in headers:
        if name in _FROM_BROWSER or name.startswith(b"x-forwarded") or name == b"x-real-ip" or (websocket and _SOCKET.fullmatch(name)):
            continue
        if name in (b"origin", b"referer") and (value == public or value.startswith(public + b"/")):
            value = own + value[len(public) :]
        kept.append((name, value))
    named = {token.strip() for name, value in headers if name == b"connection" for token in value.lower().split(b",")}
    return [(b"host", f"localhost:{port}".encode()), *((name, value) for name, value in kept if name not in named)]


def outbound(headers: Iterable[tuple[bytes, bytes]], *, address: str, port: int, framers: str) -> Headers:
    """What the browser gets. `framers` is who may frame it."""
    pairs = [(name.lower(), value) for name, value in headers]
    named = {token.strip() for name, value in pairs if name == b"connection" for token in value.lower().split(b",")}
    kept = [
        (name, _at_home(value, address=address, port=port) if name == b"location" else value)
        for name, value in pairs
        if name not in _FROM_PROGRAM and name not in named
    ]
    return [
        *kept,
        (b"cache-control", b"no-store"),
        (b"content-security-policy", f"frame-ancestors {framers}".encode()),
        (b"cross-origin-opener-policy", b"same-origin"),
    ]


def _at_home(location: bytes, *, address: str, port: int) -> bytes:
    """A redirection to what the program takes for itself stays at the preview's origin."""
    try:
        parts = urlsplit(location.decode("latin-1"))
        theirs = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return location
    if parts.scheme not in ("http", "https") or theirs not in (port, 80) or (parts.netloc.partition(":")[0] not in (*_OWN, address)):
        return location
    rest = (parts.path or "/") + (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
    # Two slashes would begin another host's address.
    return ("/" + rest.lstrip("/")).encode("latin-1")
