"""Websocket routes."""

from django.urls import path

from sandboxes.terminal.consumer import TerminalConsumer

websocket_urlpatterns = [
    path("ws/terminal/<uuid:sandbox>/<slug:node>/<slug:name>/", TerminalConsumer.as_asgi()),
]
