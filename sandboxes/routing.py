"""Websocket routes."""

from typing import Any

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.urls import path, re_path

from sandboxes.events.consumer import LiveConsumer
from sandboxes.terminal.consumer import TerminalConsumer
from sandboxes.terminal.protocol import CODES


class Nowhere(AsyncConsumer):
    """Any other address: without it, that would be an error of ours."""

    async def websocket_connect(self, _message: dict[str, Any]) -> None:
        await self.send({"type": "websocket.accept"})
        await self.send({"type": "websocket.close", "code": CODES["not-found"]})

    async def websocket_disconnect(self, _message: dict[str, Any]) -> None:
        raise StopConsumer


websocket_urlpatterns = [
    path("ws/laboratorio/<uuid:sandbox>/", LiveConsumer.as_asgi()),
    path("ws/terminal/<uuid:sandbox>/<slug:node>/<slug:name>/", TerminalConsumer.as_asgi()),
    re_path("", Nowhere.as_asgi()),
]
