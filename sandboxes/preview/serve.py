"""Previews by port: one process that listens on every port of LAB_PREVIEW (`192.168.1.10:8100-8139`).

    python -m sandboxes.preview.serve ADDRESS [CERTIFICATE KEY]

With a name for each preview there is nothing for it to do: the web answers those.
"""

from __future__ import annotations

import os
import socket
import sys


def main(argv: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labsite.settings")
    import django

    django.setup()
    import uvicorn

    from sandboxes.preview.place import place
    from sandboxes.preview.proxy import Previews

    address, *certificate = argv
    where = place()
    if where is None or not where.ports:
        raise SystemExit("LAB_PREVIEW no da ningún intervalo de puertos.")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = [socket.create_server((address, port), family=family, backlog=64) for port in where.ports]
    config = uvicorn.Config(
        Previews(None, place=where),
        lifespan="off",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=1 << 20,
        server_header=False,
        access_log=False,
        timeout_graceful_shutdown=3,
        ssl_certfile=certificate[0] if certificate else None,
        ssl_keyfile=certificate[1] if certificate else None,
    )
    uvicorn.Server(config).run(sockets=listening)


if __name__ == "__main__":
    main(sys.argv[1:])
