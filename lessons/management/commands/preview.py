"""Serve a course from its folder while it is being written."""

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connection


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log_message(self, *_: Any) -> None:
        pass


class Command(BaseCommand):
    help = "Enseña un curso desde su carpeta: la página se carga sola al guardar, y los fallos salen en su sitio."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("carpeta", type=Path)
        parser.add_argument("--puerto", type=int, default=8090)

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["carpeta"].resolve()
        if not (folder / "curso.yaml").is_file():
            raise CommandError(f"En {folder} no hay ningún curso: empieza con «new_lesson».")
        with tempfile.TemporaryDirectory() as kept:
            prepare(folder, database=Path(kept) / "vista-previa.sqlite3")
            call_command("migrate", verbosity=0)
            try:
                server = ThreadedWSGIServer(("127.0.0.1", options["puerto"]), Quiet)
            except OSError as error:
                raise CommandError(f"El puerto {options['puerto']} no está libre ({error.strerror}): elige otro con --puerto.") from error
            server.set_app(WSGIHandler())
            self.stdout.write(f"Vista previa en http://127.0.0.1:{server.server_port}/ · se para con Ctrl-C")
            self.stdout.flush()
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                server.server_close()


def prepare(folder: Path, *, database: Path) -> None:
    """Settings of a preview, in this process only."""
    settings.ENV = settings.ENV.model_copy(update={"course_dir": str(folder)})
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    # Checks have made the connections that were configured before.
    caches.settings = caches.configure_settings(None)
    after = settings.MIDDLEWARE.index("django.contrib.messages.middleware.MessageMiddleware") + 1
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:after], "lessons.preview.Preview", *settings.MIDDLEWARE[after:]]
    connection.settings_dict["NAME"] = str(database)
    connection.close()
