"""Access to the terminal and its relay, with a scripted holder behind the fake engine."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from channels.routing import URLRouter

from lessons import catalog
from sandboxes import lifecycle
from sandboxes.engine.stream import Demultiplexer
from sandboxes.models import Sandbox
from sandboxes.routing import websocket_urlpatterns
from sandboxes.terminal import admission, protocol
from sandboxes.terminal.origin import ExactOrigin
from sandboxes.terminal.protocol import FrameReader, ProtocolError, encode, encode_size, parse
from tests.conftest import work
from tests.sockets import PageSocket

pytestmark = pytest.mark.django_db(transaction=True)
SIZE = encode_size(80, 24)


framed = partial(encode, channel=0)
"""As it is said between us and the holder by the first terminal on a line."""


def multiplexed(payload: bytes) -> bytes:
    """As the engine sends standard output."""
    return b"\x01\0\0\0" + len(payload).to_bytes(4, "big") + payload


@pytest.fixture
def sandbox(ana: Any, lab: Any, sent: Any) -> Sandbox:
    sandbox = lifecycle.start(ana, catalog.course().exercises["docker-intensivo/hello-world/hello-world"])
    work(sent)
    return Sandbox.objects.get(pk=sandbox.pk)


def connect(user: Any, sandbox: Any, node: str = "lab", name: str = "principal") -> PageSocket:
    application = URLRouter(websocket_urlpatterns)
    communicator = PageSocket(application, f"/ws/terminal/{sandbox}/{node}/{name}/")
    communicator.scope["user"] = user
    return communicator


async def close_code(communicator: PageSocket) -> int:
    connected, _ = await communicator.connect()
    assert connected
    message = await communicator.receive_output(2)
    assert message["type"] == "websocket.close"
    return int(message["code"])


async def opened(user: Any, sandbox: Sandbox, lab: Any) -> tuple[PageSocket, asyncio.StreamReader, Any]:
    communicator = connect(user, sandbox.pk)
    await communicator.connect()
    await communicator.send_to(bytes_data=b"O" + SIZE)
    return communicator, *await reached(lab)


async def reached(lab: Any, *, before: int = 0) -> tuple[asyncio.StreamReader, Any]:
    """The stream to a holder once it has been asked for something: it says nothing before, and would say it to nobody."""
    while len(lab.streams) == before or not lab.streams[-1][1].written:
        await asyncio.sleep(0.01)
    reader, writer = lab.streams[-1]
    return reader, writer


async def test_owner_gets_output_and_input_reaches_the_shell(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    page, holder, writer = await opened(ana, sandbox, lab)
    holder.feed_data(multiplexed(framed(b"R", b"antes") + framed(b"L")))
    assert await page.receive_from() == b"Rantes"
    assert await page.receive_from() == b"L"
    await page.send_to(bytes_data=b"Ils\n")
    holder.feed_data(multiplexed(framed(b"D", b"fich")))
    assert await page.receive_from() == b"Dfich"
    wanted = framed(b"O", SIZE + b"principal") + framed(b"I", b"ls\n")
    while len(writer.written) < len(wanted):
        await asyncio.sleep(0.01)
    assert writer.written == wanted
    await page.disconnect()
    assert writer.written == wanted + framed(b"Q")
    assert not writer.closed


async def test_characters_split_between_frames_arrive_whole(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    page, holder, _ = await opened(ana, sandbox, lab)
    stream = multiplexed(framed(b"D", "ñandú".encode())[:7]) + multiplexed(framed(b"D", "ñandú".encode())[7:])
    for byte in stream:
        holder.feed_data(bytes([byte]))
        await asyncio.sleep(0)
    assert await page.receive_from() == b"D" + "ñandú".encode()
    await page.disconnect()


async def test_output_waits_for_acknowledgements(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    page, holder, _ = await opened(ana, sandbox, lab)
    piece = b"x" * 32768
    for _ in range(20):
        holder.feed_data(multiplexed(framed(b"D", piece)))
    received = 0
    while received <= protocol.ACK_WINDOW:
        received += len(await page.receive_from())
    assert await page.receive_nothing(0.2)
    await page.send_to(bytes_data=b"A" + received.to_bytes(4, "big"))
    assert len(await page.receive_from()) == 32769
    await page.disconnect()


@pytest.mark.parametrize("message", [b"Z", b"O", b"N" + SIZE, b"I", b"S\0\1\0\1", b"Xx"])
async def test_nonsense_closes_the_socket(ana: Any, sandbox: Sandbox, lab: Any, message: bytes) -> None:
    page = connect(ana, sandbox.pk)
    await page.connect()
    await page.send_to(bytes_data=message)
    assert (await page.receive_output(2))["code"] == 4400


async def test_input_that_is_too_long_is_refused_as_such(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    page = connect(ana, sandbox.pk)
    await page.connect()
    await page.send_to(bytes_data=b"I" + b"x" * 65537)
    assert (await page.receive_output(2))["code"] == 4413


async def test_a_page_that_talks_too_fast_is_refused_as_such(ana: Any, sandbox: Sandbox, lab: Any, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"terminal_rate": 50})
    page, _, _ = await opened(ana, sandbox, lab)
    for _ in range(150):
        await page.send_to(bytes_data=b"A\0\0\0\0")
    assert (await page.receive_output(2))["code"] == 4428


async def test_numbered_opening_reaches_the_holder_with_the_shell_it_is_for(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    page = connect(ana, sandbox.pk, name="t2")
    await page.connect()
    numbers = bytes(range(24))
    await page.send_to(bytes_data=b"N" + SIZE + numbers)
    _, writer = await reached(lab)
    wanted = framed(b"N", SIZE + numbers + b"t2")
    while len(writer.written) < len(wanted):
        await asyncio.sleep(0.01)
    assert writer.written == wanted
    await page.disconnect()


async def test_input_that_comes_before_the_shell_is_attached_waits_for_it(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    page = connect(ana, sandbox.pk)
    await page.connect()
    await page.send_to(bytes_data=b"O" + SIZE)
    await page.send_to(bytes_data=b"Ils\n")
    wanted = framed(b"O", SIZE + b"principal") + framed(b"I", b"ls\n")
    while not lab.streams or len(lab.streams[-1][1].written) < len(wanted):
        await asyncio.sleep(0.01)
    assert lab.streams[-1][1].written == wanted
    await page.disconnect()


async def test_a_page_that_asks_whether_we_are_there_is_answered_before_any_shell(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    page = connect(ana, sandbox.pk)
    await page.connect()
    await page.send_to(bytes_data=b"P")
    assert await page.receive_from() == b"P"
    await page.disconnect()


async def test_another_user_is_refused(bruno: Any, sandbox: Sandbox) -> None:
    assert await close_code(connect(bruno, sandbox.pk)) == 4403


async def test_no_session_is_refused(sandbox: Sandbox) -> None:
    from django.contrib.auth.models import AnonymousUser

    assert await close_code(connect(AnonymousUser(), sandbox.pk)) == 4401


async def test_unknown_sandbox_and_node_are_refused(ana: Any, sandbox: Sandbox) -> None:
    assert await close_code(connect(ana, "00000000-0000-0000-0000-000000000000")) == 4404
    assert await close_code(connect(ana, sandbox.pk, node="otro")) == 4404


@pytest.mark.parametrize("address", ["/", "/ws/nada/", "/ws/terminal/x/lab/principal/", "/ws/laboratorio/../"])
async def test_a_socket_to_nowhere_is_refused_as_such(address: str) -> None:
    assert await close_code(PageSocket(URLRouter(websocket_urlpatterns), address)) == 4404


async def test_ended_sandbox_is_refused_and_closes_open_terminals(ana: Any, sandbox: Sandbox, lab: Any, sent: Any) -> None:
    page, _, _ = await opened(ana, sandbox, lab)
    await sync_to_async(lifecycle.stop)(sandbox, reason="")
    assert (await page.receive_output(2))["code"] == 4410
    assert await close_code(connect(ana, sandbox.pk)) == 4410


async def test_logging_out_closes_the_terminals(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    from django.test import Client

    page, _, _ = await opened(ana, sandbox, lab)
    client = Client()
    await sync_to_async(client.force_login)(ana)
    await sync_to_async(client.post)("/cuenta/logout/")
    assert (await page.receive_output(2))["code"] == 4401


async def test_deactivating_somebody_closes_their_terminals(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    page, _, _ = await opened(ana, sandbox, lab)
    ana.is_active = False
    await sync_to_async(ana.save)()
    assert (await page.receive_output(2))["code"] == 4401


async def test_too_many_terminals_are_refused(ana: Any, sandbox: Sandbox, lab: Any, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"terminals_max": 1})
    page, _, _ = await opened(ana, sandbox, lab)
    assert await close_code(connect(ana, sandbox.pk)) == 4429
    await page.disconnect()
    again, _, _ = await opened(ana, sandbox, lab)
    await again.disconnect()


async def test_shell_that_ends_closes_normally(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    page, holder, _ = await opened(ana, sandbox, lab)
    holder.feed_data(multiplexed(framed(b"E", b"\0\0\0\0")))
    assert await page.receive_from() == b"E\0\0\0\0"
    assert (await page.receive_output(2))["code"] == 1000


async def test_lost_engine_asks_the_page_to_come_back(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    page, holder, _ = await opened(ana, sandbox, lab)
    holder.feed_eof()
    assert (await page.receive_output(2))["code"] == 4502


async def test_idle_socket_outlives_redis_default_timeout(ana: Any, sandbox: Sandbox, lab: Any) -> None:
    page, _, _ = await opened(ana, sandbox, lab)
    assert await page.receive_nothing(6)
    await get_channel_layer().group_send(f"sandbox-{sandbox.pk}", {"type": "terminal.close", "code": 4410})
    assert (await page.receive_output(2))["code"] == 4410


@pytest.mark.parametrize(
    ("origin", "admitted"),
    [
        ("http://testserver", True),
        ("http://testserver:80", False),
        ("https://testserver", False),
        ("http://testserver:8001", False),
        ("http://testserver.evil.example", False),
        ("null", False),
        (None, False),
    ],
)
async def test_origins_are_compared_by_scheme_host_and_port(
    ana: Any, sandbox: Sandbox, lab: Any, origin: str | None, admitted: bool
) -> None:
    application = ExactOrigin(URLRouter(websocket_urlpatterns), origins=["http://testserver"])
    headers = [(b"origin", origin.encode())] if origin else []
    page = PageSocket(application, f"/ws/terminal/{sandbox.pk}/lab/principal/", headers=headers)
    page.scope["user"] = ana
    if admitted:
        await page.connect()
        assert await page.receive_nothing(0.1)
        await page.disconnect()
    else:
        assert await close_code(page) == 4403


def test_frames_survive_any_cut() -> None:
    stream = encode(b"D", b"uno", channel=7) + framed(b"L") + encode(b"D", b"dos" * 100, channel=9)
    for cut in range(len(stream)):
        reader = FrameReader()
        assert reader.feed(stream[:cut]) + reader.feed(stream[cut:]) == [(7, b"Duno"), (0, b"L"), (9, b"D" + b"dos" * 100)]


def test_standard_error_is_not_taken_for_output() -> None:
    frames = Demultiplexer()
    assert frames.feed(b"\x02\0\0\0\0\0\0\x03err" + multiplexed(b"out")) == b"out"


def test_holder_frames_have_a_limit() -> None:
    with pytest.raises(ProtocolError):
        FrameReader().feed(b"D\0\0\xff\xff\xff\xff")


def test_page_messages_are_checked() -> None:
    assert parse(b"S" + encode_size(132, 43)).payload == encode_size(132, 43)
    for wrong in (b"S" + encode_size(1, 24), b"A\0", b"Z1234"):
        with pytest.raises(ProtocolError):
            parse(wrong)


HELLO = "docker-intensivo/hello-world/hello-world"
PROPOSED = UUID("5b0e7a52-0d5e-4a8a-9a41-2f7b8a1c0d11")


def waiting(user: Any, sandbox: Any, node: str = "lab") -> PageSocket:
    communicator = PageSocket(URLRouter(websocket_urlpatterns), f"/ws/terminal/{sandbox}/{node}/principal/?espera")
    communicator.scope["user"] = user
    return communicator


async def start_as(user: Any, sent: Any) -> None:
    def click() -> None:
        lifecycle.start(user, catalog.course().exercises[HELLO], proposed=PROPOSED)
        work(sent)

    await sync_to_async(click)()


async def test_a_page_that_comes_before_its_sandbox_gets_its_shell_when_it_is_ready(ana: Any, lab: Any, sent: Any) -> None:
    page = waiting(ana, PROPOSED)
    await page.connect()
    await page.send_to(bytes_data=b"O" + SIZE)
    await page.send_to(bytes_data=b"S" + SIZE)
    assert await page.receive_nothing(0.1)
    assert not lab.streams
    await start_as(ana, sent)
    holder, _ = await reached(lab)
    holder.feed_data(multiplexed(framed(b"L")))
    assert await page.receive_from() == b"L"
    await page.disconnect()


async def test_who_waits_is_let_in_though_nobody_says_that_it_is_ready(
    ana: Any, lab: Any, sent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "LOOK_AGAIN", 0.05)
    monkeypatch.setattr(lifecycle, "_tell_terminals", lambda *_: None)
    page = waiting(ana, PROPOSED)
    await page.connect()
    await page.send_to(bytes_data=b"O" + SIZE)
    assert await page.receive_nothing(0.1)
    await start_as(ana, sent)
    while not lab.streams:
        await asyncio.sleep(0.01)
    await page.disconnect()


async def test_who_waits_for_the_sandbox_of_another_is_refused_when_it_comes(ana: Any, bruno: Any, lab: Any, sent: Any) -> None:
    page = waiting(bruno, PROPOSED)
    await page.connect()
    await page.send_to(bytes_data=b"O" + SIZE)
    assert await page.receive_nothing(0.1)
    await start_as(ana, sent)
    assert (await page.receive_output(2))["code"] == 4403
    assert not lab.streams


async def test_who_waits_for_a_node_that_there_is_not_is_refused(ana: Any, lab: Any, sent: Any) -> None:
    page = waiting(ana, PROPOSED, node="otro")
    await page.connect()
    assert await page.receive_nothing(0.1)
    await start_as(ana, sent)
    assert (await page.receive_output(2))["code"] == 4404


async def test_who_does_not_say_that_it_waits_is_told_to_come_later(ana: Any, lab: Any, sent: Any) -> None:
    await sync_to_async(lifecycle.start)(ana, catalog.course().exercises[HELLO])
    sandbox = await Sandbox.objects.aget(user=ana)
    assert sandbox.state == "requested"
    assert await close_code(connect(ana, sandbox.pk)) == 4425


async def test_waiting_ends(ana: Any, lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "WAIT", 0.1)
    assert await close_code(waiting(ana, PROPOSED)) == 4425


async def test_a_start_that_fails_or_is_stopped_closes_who_waits(ana: Any, lab: Any, sent: Any) -> None:
    page = waiting(ana, PROPOSED)
    await page.connect()
    lab.broken.add("start")
    await start_as(ana, sent)
    assert (await page.receive_output(2))["code"] == 4410
