"""The terminal's websocket: who may open it, and the relay of bytes between the page and the shell's holder.

Bytes never cross the channel layer, JSON or a thread. One task pumps engine → page and waits while the page
has more than a window unacknowledged; page → engine goes straight through. The shell lives in the sandbox and
outlives this consumer. Who visits another's sandbox is let in as guest.py says.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings
from django.db import DatabaseError
from redis.exceptions import RedisError

from sandboxes import activity
from sandboxes.engine import EngineError
from sandboxes.models import Machine
from sandboxes.recording import tape
from sandboxes.terminal import admission, line, protocol
from sandboxes.terminal.guest import Guest, start_shell
from sandboxes.terminal.pace import Pace
from sandboxes.terminal.protocol import CODES
from sandboxes.terminal.window import Window

log = structlog.get_logger()

TOUCH_EVERY = 10
"""Seconds between two notes of life, however much is typed."""
OPEN_WITHIN = 20
"""Seconds a page has to say its size."""


class TerminalConsumer(AsyncConsumer):
    """One page's terminal on one shell of one node. Its owner's touches no ORM after connecting."""

    _pump: asyncio.Task[None] | None = None
    _channel: line.Channel | None = None
    _sandbox: UUID | None = None
    _opening: asyncio.TimerHandle | None = None
    _waiting: asyncio.Task[None] | None = None
    _asking: asyncio.Task[None] | None = None
    _counted: int | None = None
    _guest: Guest | None = None
    """Of a visitor; None of the owner."""
    _tape: tape.Tape | None = None
    """What records it, if it is recorded."""

    async def dispatch(self, message: dict[str, Any]) -> None:
        # AsyncConsumer hops to the one thread that all consumers share for each message; keystrokes must not.
        if message["type"] == "websocket.receive":
            await self.websocket_receive(message)
        else:
            await super().dispatch(message)

    async def websocket_connect(self, _message: dict[str, Any]) -> None:
        self._window = Window(protocol.ACK_WINDOW)
        self._attached = asyncio.Event()
        self._last_touch = 0.0
        self._pace = Pace(settings.ENV.terminal_rate, now=time.monotonic())
        self._groups: list[str] = []
        # Accepted before it is refused: a page learns the close code only of a socket that opened.
        await self.send({"type": "websocket.accept"})
        self._admitted, self._ready = asyncio.Event(), asyncio.Event()
        arguments = self.scope["url_route"]["kwargs"]
        self._name, self._node = arguments["name"], arguments["node"]
        user = self.scope["user"]
        if not user.is_authenticated:
            await self._close("no-session")
            return
        self._user = user.pk
        if not admission.count_in(user.pk):
            await self._close("too-many")
            return
        self._counted = user.pk
        self._sandbox = arguments["sandbox"]
        self._size = bytes(4)
        # Before it is looked for: from here on nothing that happens to it is missed.
        for group in (f"user-{user.pk}", f"sandbox-{self._sandbox}", f"recording-{user.pk}"):
            await self.channel_layer.group_add(group, self.channel_name)
            self._groups.append(group)
        # The page says its size first; a page that says nothing is no terminal.
        self._opening = asyncio.get_running_loop().call_later(OPEN_WITHIN, lambda: asyncio.ensure_future(self._close("protocol")))
        found = await admission.find_machine(user.pk, self._sandbox, self._node)
        if found in admission.MAY_COME and self.scope.get("query_string") == b"espera":
            self._waiting = asyncio.create_task(self._wait(self._sandbox))
        else:
            await self._admit(found)

    async def _wait(self, sandbox: UUID) -> None:
        try:
            await self._admit(await admission.await_machine(self._user, sandbox, self._node, self._ready))
        except DatabaseError as error:
            log.warning("a terminal could not wait for its sandbox", error=repr(error))
            await self._close("early")

    async def _admit(self, found: Machine | str) -> None:
        """Let the page in to what was found, or say why not."""
        if self._sandbox is None:
            return  # it has left meanwhile
        if not isinstance(found, Machine):
            await self._close(found)
            return
        self._container, self._machine = found.name, found
        if found.sandbox and found.sandbox.user_id != self._user:
            await self._visit(found.sandbox.pk)
        if self._sandbox is not None:
            self._admitted.set()

    async def _visit(self, sandbox: UUID) -> None:
        """Hear of this visit and of shells that begin, and look once more: it may have ended meanwhile."""
        self._guest = Guest(self._user, sandbox)
        for group in self._guest.groups:
            await self.channel_layer.group_add(group, self.channel_name)
            self._groups.append(group)
        await self.visit_changed({})
        if self._sandbox is not None:
            self._asking = asyncio.create_task(self._end_with_visit(self._guest))

    async def _end_with_visit(self, guest: Guest) -> None:
        await guest.until_unwelcome()
        await self._close("visit-over")

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        if self._sandbox is None:
            return
        if not self._pace.allows(time.monotonic()):
            await self._close("too-fast")
            return
        try:
            said = protocol.parse(message.get("bytes") or b"")
        except protocol.ProtocolError as error:
            await self._close(error.code)
            return
        match said.kind:
            case protocol.ACK:
                self._window.acknowledged(int.from_bytes(said.payload, "big"))
            case protocol.PING:
                await self._say(protocol.PONG)
            case protocol.OPEN | protocol.NUMBERED:
                if self._pump is None and self._opening:
                    self._opening.cancel()
                    self._size = said.payload[:4]
                    self._pump = asyncio.create_task(self._relay(said))
            case _ if self._pump is not None and self._admitted.is_set():
                await self._pass_on(said)

    async def _pass_on(self, said: protocol.Message) -> None:
        """To the holder; what comes while it is being attached waits for it."""
        await self._attached.wait()
        if self._channel is None or (self._guest and not self._guest.may_send(said.kind)):
            return
        await self._channel.send(said.kind, said.payload)
        if said.kind == protocol.INPUT:
            await self._note_life()
        elif said.kind == protocol.SIZE:
            self._size = said.payload
            if self._tape:
                self._tape.resize(said.payload)

    async def websocket_disconnect(self, _message: dict[str, Any]) -> None:
        await self._leave()
        raise StopConsumer

    async def terminal_ready(self, _event: dict[str, Any]) -> None:
        """From the channel layer: the sandbox that somebody may be waiting for is ready."""
        self._ready.set()

    async def terminal_close(self, event: dict[str, Any]) -> None:
        """From the channel layer: the sandbox ended, or the user logged out."""
        await self._close_with(int(event["code"]))

    async def visit_changed(self, _event: dict[str, Any]) -> None:
        """From the channel layer: what this visitor may do has changed, or it is over."""
        if self._guest and not await self._guest.is_welcome() and self._sandbox is not None:
            await self._close("visit-over")

    async def shell_opened(self, event: dict[str, Any]) -> None:
        """From the channel layer: somebody has opened a shell of the sandbox that is visited."""
        if self._guest and event["shell"] == [self._node, self._name] and event["by"] != self.channel_name:
            self._guest.stir()

    async def recording_choice(self, event: dict[str, Any]) -> None:
        """From the channel layer: the student wants to be recorded, or no longer."""
        if bool(self._tape) != bool(event["refused"]):
            return  # as it is already
        former, self._tape = self._tape, None
        if former:
            await former.close()
        elif self._sandbox and self._attached.is_set():
            self._tape = await self._record()

    async def _record(self) -> tape.Tape | None:
        """Of the owner alone: what a visitor sees is on the owner's."""
        return None if self._guest else await tape.begin(self._user, self._machine, self._name, self._size)

    async def _say(self, frame: bytes) -> None:
        self._window.sent(len(frame))
        await self.send({"type": "websocket.send", "bytes": frame})

    async def _relay(self, opening: protocol.Message) -> None:
        """Attach to the shell and carry its bytes to the page until either ends."""
        await self._admitted.wait()
        try:
            if self._guest:
                watch, start = partial(self._watch, opening.payload[:4]), partial(self._start_shell, opening.payload[:4])
                last = await self._guest.look_on(watch, start, partial(self._say, protocol.AWAITED))
                await self._close("bye" if last else "engine")
                return
            channel = await self._attach(opening.kind, opening.payload)
            # While the holder is being reached; nothing is read before.
            self._tape = await self._record()
            self._attached.set()
            await self._tell_opened()
            await self._close("bye" if await self._carry(channel) else "engine")
        except TimeoutError:
            await self._close("stalled")
        except (EngineError, OSError) as error:
            log.warning("a terminal lost its shell", container=self._container, error=repr(error))
            await self._close("engine")

    async def _watch(self, size: bytes) -> bytes:
        """Carry the shell to a visitor's page, until its last word."""
        channel = await self._attach(protocol.WATCH, size)
        self._attached.set()
        last = await self._carry(channel)
        self._channel = None
        channel.close()
        return last

    async def _start_shell(self, size: bytes) -> None:
        await start_shell(self._container, size + self._name.encode())
        await self._tell_opened()

    async def _attach(self, kind: bytes, payload: bytes) -> line.Channel:
        channel = self._channel = await line.open_channel(self._container)
        await channel.send(kind, payload + self._name.encode())
        return channel

    async def _carry(self, channel: line.Channel) -> bytes:
        """Until the shell's last word, which is returned; b"" if the line was lost. That there is none is for the page to hear as such."""
        while (frame := await channel.next()) is not None:
            if self._tape:
                self._tape.frame(frame)
            if frame == protocol.NO_SHELL:
                return frame
            await self._window.room()
            await self._say(frame)
            if frame[:1] in protocol.LAST:
                return frame
        return b""

    async def _tell_opened(self) -> None:
        """To visitors who wait for this shell. The line is theirs too: what they ask now comes after what has opened it."""
        said = {"type": "shell.opened", "shell": [self._node, self._name], "by": self.channel_name}
        try:
            await self.channel_layer.group_send(f"shells-{self._sandbox}", said)
        except RedisError as error:  # their sockets fall with it, and come back
            log.warning("nobody hears that a shell has begun", error=str(error))

    async def _note_life(self) -> None:
        now = time.monotonic()
        if now - self._last_touch > TOUCH_EVERY:
            self._last_touch = now
            await activity.atouch(self._sandbox)

    async def _close(self, why: str) -> None:
        await self._close_with(CODES[why])

    async def _close_with(self, code: int) -> None:
        await self._leave()
        await self.send({"type": "websocket.close", "code": code})

    async def _leave(self) -> None:
        """Let go of everything; the shell stays. Safe to call twice."""
        self._sandbox = None
        self._attached.set()
        if self._opening:
            self._opening.cancel()
        if self._counted is not None:
            admission.count_out(self._counted)
            self._counted = None
        for task in (self._waiting, self._asking, self._pump):
            if task and task is not asyncio.current_task():
                task.cancel()
        if self._channel:
            self._channel.close()
            self._channel = None
        former, self._tape = self._tape, None
        if former:
            await former.close()
        groups, self._groups = self._groups, []
        for group in groups:
            await self.channel_layer.group_discard(group, self.channel_name)
