"""The ASGI application: Django's pages, the websockets behind an exact origin check, and previews in front of both."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Thread

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labsite.settings")

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from django.conf import settings
from django.db import connections

from labsite.bodies import BodyLimit
from lessons import search
from sandboxes.doctor import refuse_unsafe
from sandboxes.engine import EngineError
from sandboxes.preview.place import place
from sandboxes.preview.proxy import Previews
from sandboxes.routing import websocket_urlpatterns
from sandboxes.terminal.origin import ExactOrigin


def _refuse_unsafe() -> None:
    try:
        with suppress(EngineError):  # the pages stay up without it
            refuse_unsafe()
    finally:
        connections.close_all()


if not settings.DEBUG:
    # uvicorn imports this module on its event loop, where the ORM refuses to work.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_refuse_unsafe).result()

platform = ProtocolTypeRouter(
    {
        "http": BodyLimit(django_application, limit=(settings.ENV.transfer_max + 1) << 20),
        "websocket": ExactOrigin(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)), origins=settings.ENV.origins),
    }
)
application = Previews(platform, place=place())
# While the first visitors log in: it renders every text of the course, which is kept. An interpreter that ends waits for it.
Thread(target=search.warm, name="search").start()
