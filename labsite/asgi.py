"""The ASGI application: Django's pages, and the terminals' websockets behind an exact origin check."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labsite.settings")

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from django.conf import settings

from sandboxes.doctor import refuse_unsafe
from sandboxes.routing import websocket_urlpatterns
from sandboxes.terminal.origin import ExactOrigin

refuse_unsafe()

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": ExactOrigin(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)), origins=settings.ENV.origins),
    }
)
