"""Carries previews: HTTP with its streams, and websockets, between a browser and a port of its owner's sandbox.

An ASGI application in front of the platform's: what is asked of a preview's host name never gets to Django. It
connects only to the address that the lab engine gives for the owner's machine, and asks the database anew at each
request whether it may; what is long under way ends when the user logs out or the sandbox stops.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import httpx
import structlog
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings

from sandboxes import activity
from sandboxes.engine import EngineError, lab_engine
from sandboxes.models import Machine
from sandboxes.preview import grants, headers, pages, sockets
from sandboxes.preview.grants import Grant
from sandboxes.preview.place import Place

log = structlog.get_logger()
Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

ENTER = "/.laboratorio/entrar"
"""Where a ticket becomes a cookie, at the preview's own origin."""
MOST = 64
"""Requests under way at once in one preview."""
LONG = 1.0
"""Seconds after which a request listens for its end."""
ADDRESS_SECONDS = 30
TOUCH_SECONDS = 10
_TIMEOUT = {"connect": 5.0, "write": 60.0, "read": None, "pool": 5.0}


class _ClientGone(Exception):
    """The browser went away in the middle of what it was sending."""


class Previews:
    """`application` behind the previews of `place`; with `application` None, nothing else is served."""

    def __init__(self, application: Application | None, *, place: Place | None) -> None:
        self._application = application
        self._place = place
        self._transport: httpx.AsyncHTTPTransport | None = None
        self._addresses: dict[str, tuple[float, Any, str]] = {}
        self._under_way: Counter[str] = Counter()
        self._touched: dict[str, float] = {}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        slot = self._place.slot(scope) if self._place and scope["type"] in ("http", "websocket") else None
        if slot is None:
            if self._application:
                await self._application(scope, receive, send)
            elif scope["type"] == "http":
                await pages.say(send, 421, "nowhere")
            return
        assert self._place
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send, slot)
        elif scope["path"] == ENTER:
            await self._enter(scope, send, slot)
        else:
            await self._http(scope, receive, send, slot)

    @property
    def cookie(self) -> str:
        # Cookies know no ports: each slot of a common host has its own.
        return "__Host-vista" if self._place and self._place.trustworthy and self._place.base else "vista"

    def _cookie(self, slot: str) -> str:
        return f"{self.cookie}-{slot}" if slot.isdigit() else self.cookie

    async def _enter(self, scope: dict[str, Any], send: Any, slot: str) -> None:
        assert self._place
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        value = await sync_to_async(grants.redeem)(asked.get("billete", [""])[0], slot) if slot else None
        if value is None:
            await pages.say(send, 403, "stale")
            return
        rules = "; Secure; SameSite=None; Partitioned" if self._place.trustworthy else "; SameSite=Lax"
        path = asked.get("ruta", ["/"])[0]
        # A path of this origin and nothing else: two slashes, or a backslash, would begin another's.
        safe = path if path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable() else "/"
        await pages.redirect(send, safe, cookie=f"{self._cookie(slot)}={value}; Path=/; HttpOnly{rules}")

    async def _admitted(self, scope: dict[str, Any], slot: str) -> tuple[Grant, Machine] | None:
        value = headers.cookie(scope["headers"], self._cookie(slot))
        return await database_sync_to_async(grants.admit)(value, slot) if slot and value else None

    async def _http(self, scope: dict[str, Any], receive: Any, send: Any, slot: str) -> None:
        admitted = await self._admitted(scope, slot)
        if admitted is None:
            await pages.say(send, 403, "closed")
            return
        # A worker would outlive the sandbox in the browser, and answer in its place.
        if any(name == b"service-worker" for name, _value in scope["headers"]):
            await pages.say(send, 403, "worker")
            return
        grant, machine = admitted
        if self._under_way[slot] >= MOST:
            await pages.say(send, 503, "busy")
            return
        async with self._counted(slot):
            exchange = _Exchange(scope, receive, send, framers=" ".join(settings.ENV.origins))
            try:
                address = await self._address(machine)
                await self._until_closed(
                    grant, slot, scope, exchange.carry(self._pool(), address, grant, self._origin(slot)), exchange.gone()
                )
            except (EngineError, httpx.HTTPError, OSError) as error:
                log.info("a preview did not answer", machine=machine.name, port=grant.port, error=str(error)[:200])
                if not exchange.started:
                    await pages.say(send, 502, "silent", port=grant.port)
            except _ClientGone:
                return

    async def _socket(self, scope: dict[str, Any], receive: Any, send: Any, slot: str) -> None:
        await receive()
        sent = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"origin"]
        admitted = await self._admitted(scope, slot) if sent == [self._origin(slot)] else None
        if admitted is None or self._under_way[slot] >= MOST:
            await send({"type": "websocket.close", "code": 4403})
            return
        grant, machine = admitted
        async with self._counted(slot):
            try:
                address = await self._address(machine)
                carried = sockets.carry(scope, receive, send, address=address, port=grant.port, origin=self._origin(slot))
                await self._until_closed(grant, slot, scope, carried)
            except (EngineError, OSError, sockets.Refused):
                await send({"type": "websocket.close", "code": 4502})

    async def _until_closed(self, grant: Grant, slot: str, scope: dict[str, Any], *work: Coroutine[Any, Any, None]) -> None:
        """Do the work until the first of it ends, or until the preview is closed."""
        await self._note_life(grant.sandbox)
        tasks = [asyncio.ensure_future(coroutine) for coroutine in (*work, self._closed(grant, slot, scope))]
        try:
            done, _left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _closed(self, grant: Grant, slot: str, scope: dict[str, Any]) -> None:
        """Returns when the user logs out or the sandbox ends; most requests are over before it begins to listen."""
        await asyncio.sleep(LONG)
        layer = get_channel_layer()
        channel = await layer.new_channel()
        groups = (f"user-{grant.user}", f"sandbox-{grant.sandbox}")
        try:
            for group in groups:
                await layer.group_add(group, channel)
            # It may have been closed while nobody listened.
            if await self._admitted(scope, slot) is None:
                return
            while (await layer.receive(channel)).get("type") != "terminal.close":
                await self._note_life(grant.sandbox)
        finally:
            for group in groups:
                await layer.group_discard(group, channel)

    async def _address(self, machine: Machine) -> str:
        """As the lab engine gives it. Remembered briefly: a machine that is stopped and started again may get another."""
        changed = machine.sandbox.changed if machine.sandbox else None
        known = self._addresses.get(machine.name)
        if known and known[0] > time.monotonic() and known[1] == changed:
            return known[2]
        found = await asyncio.get_running_loop().run_in_executor(None, lab_engine().addresses, machine.name)
        if not found:
            raise EngineError(f"{machine.name} has no address")
        if len(self._addresses) > 500:
            self._addresses.clear()
        self._addresses[machine.name] = (time.monotonic() + ADDRESS_SECONDS, changed, found[0])
        return found[0]

    def _origin(self, slot: str) -> str:
        assert self._place
        return self._place.origin(slot)

    def _pool(self) -> httpx.AsyncHTTPTransport:
        # Made on the loop that uses it. No cookies, no redirections, no proxies: those are a client's, not a transport's.
        if self._transport is None:
            self._transport = httpx.AsyncHTTPTransport(
                trust_env=False, limits=httpx.Limits(max_connections=400, max_keepalive_connections=40, keepalive_expiry=5)
            )
        return self._transport

    @asynccontextmanager
    async def _counted(self, slot: str) -> AsyncIterator[None]:
        self._under_way[slot] += 1
        try:
            yield
        finally:
            self._under_way[slot] -= 1
            if not self._under_way[slot]:
                del self._under_way[slot]

    async def _note_life(self, sandbox: str) -> None:
        now = time.monotonic()
        if now - self._touched.get(sandbox, 0.0) > TOUCH_SECONDS:
            if len(self._touched) > 500:
                self._touched.clear()
            self._touched[sandbox] = now
            await activity.atouch(sandbox)


class _Exchange:
    """One request and its answer, as they come and no faster than the other side takes them."""

    def __init__(self, scope: dict[str, Any], receive: Any, send: Any, *, framers: str) -> None:
        self._scope, self._receive, self._send, self._framers = scope, receive, send, framers
        self._sent_all = asyncio.Event()
        self.started = False

    async def carry(self, transport: httpx.AsyncHTTPTransport, address: str, grant: Grant, origin: str) -> None:
        scope = self._scope
        has_body = any(name in (b"content-length", b"transfer-encoding") for name, _value in scope["headers"])
        if not has_body:
            self._sent_all.set()
        target = scope.get("raw_path") or scope["path"].encode()
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        request = httpx.Request(
            scope["method"],
            f"http://{address}:{grant.port}/",
            headers=headers.inbound(scope["headers"], origin=origin, port=grant.port),
            content=self._body() if has_body else None,
            extensions={"target": target, "timeout": _TIMEOUT},
        )
        response = await transport.handle_async_request(request)
        try:
            passed = headers.outbound(response.headers.raw, address=address, port=grant.port, framers=self._framers)
            self.started = True
            await self._send({"type": "http.response.start", "status": response.status_code, "headers": passed})
            assert isinstance(response.stream, httpx.AsyncByteStream)
            async for chunk in response.stream:
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            await self._send({"type": "http.response.body", "body": b""})
        finally:
            await response.aclose()

    async def gone(self) -> None:
        """Returns when the browser has gone, after all it had to send."""
        await self._sent_all.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _body(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise _ClientGone
            more = message.get("more_body", False)
            if message.get("body"):
                yield message["body"]
        self._sent_all.set()
