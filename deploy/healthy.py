"""Whether a process of the app answers: `healthy.py web|tokens|worker|previews`. Exit 0 if it does."""

import http.client
import os
import socket
import ssl
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

FRESH = 180
"""Seconds within which a worker has ended some task: its own clock sends one every ten."""


def web() -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=20)
    connection.request("GET", "/cuenta/login/", headers={"Host": urlsplit(os.environ["LAB_URL"]).netloc, "X-Forwarded-Proto": "https"})
    return connection.getresponse().status < 400


def tokens() -> bool:
    # To itself, under a name that its certificate does not have.
    unverified = ssl._create_unverified_context()  # noqa: S323
    connection = http.client.HTTPSConnection("127.0.0.1", 5001, timeout=20, context=unverified)
    connection.request("GET", "/")
    return connection.getresponse().status == 404


def previews() -> bool:
    first = int(os.environ["LAB_PREVIEW"].rpartition(":")[2].split("-")[0])
    socket.create_connection(("127.0.0.1", first), timeout=20).close()
    return True


def worker() -> bool:
    return time.time() - Path(os.environ["LAB_WORKER_READY"]).stat().st_mtime < FRESH


if __name__ == "__main__":
    try:
        sys.exit(0 if {"web": web, "tokens": tokens, "previews": previews, "worker": worker}[sys.argv[1]]() else 1)
    except OSError as error:
        sys.exit(str(error))
