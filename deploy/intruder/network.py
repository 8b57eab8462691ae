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


_QUESTIONS = {"TXT": 16, "NULL": 10, "MX": 15, "A": 1}


def tunnel() -> Outcome:
    """Asked of the resolver that the container has: an answer from outside, even that there is no such name, is a way out."""
    with open("/etc/resolv.conf") as file:
        resolver = next((line.split()[1] for line in file if line.startswith("nameserver ")), "127.0.0.11")
    through = []
    for name, number in _QUESTIONS.items():
        labels = b"".join(bytes([len(part)]) + part for part in (b"aW50cnVzbw", b"example", b"com"))
        question = b"\x13\x37\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0" + bytes([number]) + b"\0\1"
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            asked.settimeout(4)
            asked.sendto(question, (resolver, 53))
            code = asked.recv(512)[3] & 0x0F
            if code not in (_SERVFAIL, _REFUSED):
                through.append(f"{name}: {code}")
    return none_of(through, otherwise=f"{len(_QUESTIONS)} preguntas a {resolver}, ninguna sale")


_SERVFAIL, _REFUSED = 2, 5
"""What a resolver answers when it could ask nobody."""


def names() -> Outcome:
    return refused(lambda: socket.getaddrinfo("deb.debian.org", 80))
