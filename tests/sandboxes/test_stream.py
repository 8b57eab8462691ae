"""Streams of execs: whoever gives up leaves no connection behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sandboxes.engine import EngineError, EngineUnreachable
from sandboxes.engine.stream import open_async_stream


async def serve(path: Path, answer: bytes | None) -> tuple[asyncio.Server, asyncio.Future[bytes]]:
    """An engine that says `answer`, or nothing, and tells when its caller has gone."""
    gone: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer is not None:
            writer.write(answer)
        gone.set_result(await reader.read())
        writer.close()

    return await asyncio.start_unix_server(handle, path), gone


async def test_giving_up_while_the_engine_says_nothing_closes_the_connection(tmp_path: Path) -> None:
    server, gone = await serve(tmp_path / "engine", None)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await open_async_stream(f"unix://{tmp_path}/engine", "abc")
    assert b"/exec/abc/start" in await asyncio.wait_for(gone, 5)
    server.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [(b"HTTP/1.1 404 Not Found\r\n\r\n", EngineError), (b"x" * 300_000, EngineUnreachable)],
    ids=["refused", "endless head"],
)
async def test_an_answer_that_is_no_stream_closes_the_connection(tmp_path: Path, answer: bytes, error: type[Exception]) -> None:
    server, gone = await serve(tmp_path / "engine", answer)
    with pytest.raises(error):
        await open_async_stream(f"unix://{tmp_path}/engine", "abc")
    assert await asyncio.wait_for(gone, 5)
    server.close()
