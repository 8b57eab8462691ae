"""Previews: where they are served, who gets in, what passes; carried to a real program on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from websockets.asyncio.server import serve

from lessons import catalog
from sandboxes import lifecycle
from sandboxes.models import Sandbox
from sandboxes.preview import headers
from sandboxes.preview.place import Place, Target, parse
from sandboxes.preview.proxy import ENTER, Previews
from tests.conftest import work

LOCAL = Place("http", base="localhost", port=":8000")


def place_of(setting: str, url: str = "http://aula.local:8000") -> Place | None:
    return parse(setting, url=url, origins=[url])


@pytest.mark.parametrize(
    "setting", ["*.aula.local", "aula.local:8100-8139", "*.local:8000", "*.x.aula.local", "disparate", "otro:9-8", "otro:1-2000"]
)
def test_a_place_on_the_platforms_own_name_or_that_makes_no_sense_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="«"):
        place_of(setting)


def test_at_home_previews_need_no_setting_and_elsewhere_they_do() -> None:
    assert place_of("", "http://127.0.0.1:8000") == LOCAL
    assert place_of("") is None
    assert place_of("no", "http://127.0.0.1:8000") is None
    found = place_of("192.168.1.10:8100-8139")
    assert found
    assert found.origin("8101") == "http://192.168.1.10:8101"
    assert not found.embeds


@pytest.mark.parametrize(
    ("host", "slot"),
    [
        ("127.0.0.1:8000", None), ("aula.local", None), (f"{'a' * 26}.localhost:8000", "a" * 26), ("LOCALHOST:8000", ""),
        ("algo.localhost", ""), (f"x.{'a' * 26}.localhost", ""), ("localhost.evil.es", None),
    ],
)  # fmt: skip
def test_only_names_of_previews_go_to_previews(host: str, slot: str | None) -> None:
    assert LOCAL.slot({"headers": [(b"host", host.encode())]}) == slot


def test_inbound_headers_carry_no_cookie_and_say_localhost() -> None:
    sent = [
        (b"host", b"x.localhost:8000"), (b"cookie", b"lab_session=1; vista=2"), (b"x-forwarded-for", b"1.2.3.4"), (b"accept", b"*/*"),
        (b"origin", b"http://x.localhost:8000"), (b"referer", b"http://x.localhost:8000/a"), (b"connection", b"keep-alive, x-odd"),
        (b"x-odd", b"1"),
    ]  # fmt: skip
    assert headers.inbound(sent, origin="http://x.localhost:8000", port=8080) == [
        (b"host", b"localhost:8080"), (b"accept", b"*/*"), (b"origin", b"http://localhost:8080"), (b"referer", b"http://localhost:8080/a"),
    ]  # fmt: skip


def test_outbound_headers_leave_nothing_in_the_browser() -> None:
    sent = [
        (b"Set-Cookie", b"a=1"), (b"Service-Worker-Allowed", b"/"), (b"Strict-Transport-Security", b"max-age=9"), (b"Alt-Svc", b"h3"),
        (b"Clear-Site-Data", b'"*"'), (b"Content-Type", b"text/html"), (b"Cache-Control", b"max-age=9"), (b"X-Frame-Options", b"DENY"),
    ]  # fmt: skip
    names = [name for name, _value in headers.outbound(sent, address="10.1.1.2", port=80, framers="http://aula:8000")]
    assert names == [b"content-type", b"cache-control", b"content-security-policy", b"cross-origin-opener-policy"]


@pytest.mark.parametrize(
    ("said", "passed"),
    [
        (b"http://localhost:8080/a?b=1#c", b"/a?b=1#c"), (b"http://10.1.1.2:8080", b"/"), (b"http://localhost//evil.es/", b"/evil.es/"),
        (b"/a", b"/a"), (b"http://otro:8080/a", b"http://otro:8080/a"), (b"http://localhost:9/a", b"http://localhost:9/a"), (b"http://[", b"http://["),
    ],
)  # fmt: skip
def test_redirections_to_the_program_itself_stay_in_the_preview(said: bytes, passed: bytes) -> None:
    found = headers.outbound([(b"location", said)], address="10.1.1.2", port=8080, framers="x")
    assert dict(found)[b"location"] == passed


# ── who gets in, and what is carried ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sandbox(ana: Any, lab: Any, sent: Any, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A ready sandbox of ana's whose machine's address is loopback, where the test's program listens."""
    monkeypatch.setattr(type(lab), "addresses", lambda _self, _name: ["127.0.0.1"])
    sandbox = lifecycle.start(ana, catalog.course().exercises["docker-intensivo/hello-world/hello-world"])
    work(sent)
    return Sandbox.objects.get(pk=sandbox.pk)


@pytest.fixture
def door(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Previews:
    from sandboxes.preview import views

    monkeypatch.setattr(views, "place", lambda: LOCAL)
    return Previews(None, place=LOCAL)


@asynccontextmanager
async def program(answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]) -> AsyncIterator[int]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def ask(
    door: Previews, host: str, path: str = "/", *more: tuple[bytes, bytes], query: str = "", body: bytes = b"", method: str = "GET"
) -> Any:
    communicator = ApplicationCommunicator(
        door,
        {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
         "headers": [(b"host", host.encode()), *more], "server": ("127.0.0.1", 8000)},
    )  # fmt: skip
    await communicator.send_input({"type": "http.request", "body": body, "more_body": False})
    return communicator


async def answered(communicator: Any) -> tuple[int, dict[bytes, bytes], bytes]:
    start = await communicator.receive_output(5)
    body = b""
    while True:
        part = await communicator.receive_output(5)
        body += part["body"]
        if not part.get("more_body"):
            await communicator.wait(5)
            return start["status"], dict(start["headers"]), body


async def enter(client: Any, door: Previews, sandbox: Sandbox, port: int) -> tuple[str, tuple[bytes, bytes]]:
    """By the platform's button: the preview's host and its cookie."""
    response = await sync_to_async(client.post)(f"/laboratorio/{sandbox.pk}/lab/{port}/")
    url = urlsplit(response.json()["url"])
    status, found, _body = await answered(await ask(door, url.netloc, url.path, query=url.query))
    assert status == 303
    cookie = found[b"set-cookie"]
    assert b"HttpOnly; Secure; SameSite=None; Partitioned" in cookie
    assert b"Domain" not in cookie
    return url.netloc, (b"cookie", cookie.split(b";")[0])


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A program that says what it was asked, and tries to leave a cookie."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().splitlines() if line.startswith(b"content-length")), 0)
    said = head + (await reader.readexactly(length) if length else b"")
    writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: mala=1\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(said) + said)
    await writer.drain()
    writer.close()


@pytest.mark.django_db(transaction=True)
async def test_the_owner_gets_in_and_the_program_sees_no_cookie(client: Any, ana: Any, sandbox: Sandbox, door: Previews) -> None:
    await sync_to_async(client.force_login)(ana)
    async with program(greet) as port:
        host, cookie = await enter(client, door, sandbox, port)
        status, found, body = await answered(
            await ask(door, host, "/a%20b", cookie, (b"content-length", b"4"), query="c=1", body=b"hola", method="POST")
        )
    assert status == 200
    assert body.startswith(b"POST /a%20b?c=1 HTTP/1.1\r\n")
    assert body.endswith(b"\r\n\r\nhola")
    assert b"cookie" not in body.lower()
    assert f"host: localhost:{port}".encode() in body.lower()
    assert b"set-cookie" not in found
    assert found[b"content-security-policy"] == b"frame-ancestors http://testserver"


@pytest.mark.django_db(transaction=True)
async def test_nobody_else_gets_in(client: Any, ana: Any, bruno: Any, sandbox: Sandbox, door: Previews) -> None:
    await sync_to_async(client.force_login)(ana)
    async with program(greet) as port:
        host, cookie = await enter(client, door, sandbox, port)
        other = f"{LOCAL.label(Target(str(sandbox.pk), 'lab', port + 1), key='tests')}.localhost:8000"
        assert (await answered(await ask(door, host)))[0] == 403
        assert (await answered(await ask(door, host, "/", (b"cookie", b"__Host-vista=adivinada"))))[0] == 403
        assert (await answered(await ask(door, other, "/", cookie)))[0] == 403
        assert (await answered(await ask(door, host, "/sw.js", cookie, (b"service-worker", b"script"))))[0] == 403
        assert (await answered(await ask(door, host, "/", cookie)))[0] == 200
        await sync_to_async(client.force_login)(bruno)
        response = await sync_to_async(client.post)(f"/laboratorio/{sandbox.pk}/lab/{port}/")
        assert response.status_code == 404


@pytest.mark.django_db(transaction=True)
async def test_a_ticket_is_good_once(client: Any, ana: Any, sandbox: Sandbox, door: Previews) -> None:
    await sync_to_async(client.force_login)(ana)
    response = await sync_to_async(client.get)(f"/laboratorio/{sandbox.pk}/lab/8080/?ruta=//evil.es")
    url = urlsplit(response.headers["Location"])
    assert url.path == ENTER
    status, found, _body = await answered(await ask(door, url.netloc, url.path, query=url.query))
    assert (status, found[b"location"]) == (303, b"/")
    assert (await answered(await ask(door, url.netloc, url.path, query=url.query)))[0] == 403
    assert parse_qs(url.query)["billete"][0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", ["logout", "stop"])
async def test_leaving_closes_it_what_is_under_way_too(
    client: Any, ana: Any, sandbox: Sandbox, door: Previews, sent: Any, end: str
) -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await reader.read()
        writer.close()

    await sync_to_async(client.force_login)(ana)
    async with program(trickle) as port:
        host, cookie = await enter(client, door, sandbox, port)
        stream = await ask(door, host, "/", cookie)
        assert (await stream.receive_output(5))["status"] == 200
        assert (await stream.receive_output(5))["body"] == b"data: 1\n\n"
        await asyncio.sleep(1.3)  # until it listens for its end: proxy.LONG
        if end == "logout":
            await sync_to_async(client.post)("/cuenta/logout/")
        else:
            await sync_to_async(lifecycle.stop)(sandbox, reason="")
        await stream.wait(5)
        assert (await answered(await ask(door, host, "/", cookie)))[0] == 403


@pytest.mark.django_db(transaction=True)
async def test_a_silent_port_is_explained_and_asked_again(client: Any, ana: Any, sandbox: Sandbox, door: Previews) -> None:
    await sync_to_async(client.force_login)(ana)
    async with program(greet) as port:
        pass
    host, cookie = await enter(client, door, sandbox, port)
    status, found, body = await answered(await ask(door, host, "/", cookie))
    assert (status, found[b"refresh"]) == (502, b"2")
    assert "todavía no contesta nadie" in body.decode()


@pytest.mark.django_db(transaction=True)
async def test_websockets_are_carried_from_the_previews_own_page_alone(client: Any, ana: Any, sandbox: Sandbox, door: Previews) -> None:
    async def echo(socket: Any) -> None:
        assert "cookie" not in {name.lower() for name in socket.request.headers}
        async for message in socket:
            await socket.send(message)

    await sync_to_async(client.force_login)(ana)
    async with serve(echo, "127.0.0.1", 0, subprotocols=["saludo"]) as server:
        port = server.sockets[0].getsockname()[1]
        host, cookie = await enter(client, door, sandbox, port)

        async def open_socket(origin: bytes) -> ApplicationCommunicator:
            found = [(b"host", host.encode()), cookie, (b"origin", origin), (b"sec-websocket-key", b"x")]
            scope = {
                "type": "websocket",
                "path": "/ws",
                "raw_path": b"/ws",
                "query_string": b"",
                "headers": found,
                "subprotocols": ["saludo"],
            }
            communicator = ApplicationCommunicator(door, {**scope, "server": ("127.0.0.1", 8000)})
            await communicator.send_input({"type": "websocket.connect"})
            return communicator

        ours = await open_socket(f"http://{host}".encode())
        assert await ours.receive_output(5) == {"type": "websocket.accept", "subprotocol": "saludo"}
        await ours.send_input({"type": "websocket.receive", "text": "hola"})
        assert (await ours.receive_output(5))["text"] == "hola"
        await ours.send_input({"type": "websocket.receive", "bytes": b"\x00\x01"})
        assert (await ours.receive_output(5))["bytes"] == b"\x00\x01"
        await ours.send_input({"type": "websocket.disconnect", "code": 1000})
        await ours.wait(5)
        theirs = await open_socket(b"http://testserver")
        assert await theirs.receive_output(5) == {"type": "websocket.close", "code": 4403}
        await theirs.wait(5)
