"""From the networks that the web is on."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from intruder.outcome import Outcome, none_of, refused


def _connects(address: str, port: int) -> str | None:
    with suppress(OSError), socket.create_connection((address, port), timeout=3):
        return f"{address}:{port}"
    return None


def unreachable(*places: tuple[str, int]) -> Outcome:
    with ThreadPoolExecutor(32) as pool:
        reached = [place for place in pool.map(lambda place: _connects(*place), places) if place]
    return none_of([f"llega a {place}" for place in reached], otherwise=f"nada de {len(places)}")


def names() -> Outcome:
    return refused(lambda: socket.getaddrinfo("deb.debian.org", 80))
