"""Websocket routes."""

from django.urls import path

from sandboxes.events.consumer import LiveConsumer
from sandboxes.terminal.consumer import TerminalConsumer

websocket_urlpatterns = [
    path("ws/laboratorio/<uuid:sandbox>/", LiveConsumer.as_asgi()),
    path("ws/terminal/<uuid:sandbox>/<slug:node>/<slug:name>/", TerminalConsumer.as_asgi()),
]
