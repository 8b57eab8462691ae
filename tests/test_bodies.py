"""A request's body is counted as it comes; what is too large is answered and never kept."""

from __future__ import annotations

from typing import Any

import pytest

from labsite.bodies import BodyLimit


async def ask(limit: int, pieces: list[bytes], headers: list[tuple[bytes, bytes]] | None = None) -> tuple[list[Any], list[bytes]]:
    """What is answered, and what the application got."""
    got: list[bytes] = []
    said: list[Any] = []
    waiting = [{"type": "http.request", "body": piece, "more_body": at < len(pieces) - 1} for at, piece in enumerate(pieces)]

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            got.append(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        said.append(message)

    await BodyLimit(application, limit=limit)({"type": "http", "headers": headers or []}, receive, send)
    return said, got


async def test_what_fits_passes_whole() -> None:
    said, got = await ask(6, [b"abc", b"def"])
    assert (said[0]["status"], got) == (200, [b"abc", b"def"])


@pytest.mark.parametrize("headers", [None, [(b"content-length", b"3")], [(b"content-length", b"nada")]])
async def test_what_comes_is_counted_whatever_was_declared(headers: list[tuple[bytes, bytes]] | None) -> None:
    said, got = await ask(5, [b"abc", b"def"], headers)
    assert (said[0]["status"], got) == (413, [b"abc"])


async def test_what_declares_too_much_is_not_read() -> None:
    said, got = await ask(5, [b"abc"], [(b"content-length", b"6")])
    assert (said[0]["status"], got) == (413, [])
