"""HTTP to a student's engine, as docker-py asks it, over connections that inside.py carries."""

from __future__ import annotations

import io
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from sandboxes.engine.facts import NOT_UNDERSTOOD, TOO_MUCH, CannotObserve
from sandboxes.engine.inside import Budget, Channel, Inside

MOST = 8
"""Connections that are kept for another question."""
LONGEST = 4 << 20
"""Bytes of one answer: what an engine with hundreds of containers says of them all is shorter."""


class _TunnelStream(io.RawIOBase):
    """A connection's bytes, until a budget's deadline: what http.client reads and writes."""

    def __init__(self, channel: Channel, budget: Budget) -> None:
        self._channel = channel
        self._ready = b""
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._ready = self._ready or self._channel.read(self._budget.seconds())
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    @property
    def idle(self) -> bool:
        """Whether it can take another question."""
        return not self._ready and self._channel.silent

    # What http.client and urllib3 ask of a socket.
    def sendall(self, data: bytes) -> None:
        self._channel.send(data)

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_Shared(self))

    def settimeout(self, _seconds: float | None) -> None:
        """Time is the budget's."""

    def close(self) -> None:
        self._channel.close()
        super().close()


class _Shared(io.RawIOBase):
    """Reads from the tunnel without owning it: http.client closes its file after each answer."""

    def __init__(self, stream: _TunnelStream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._stream.readinto(buffer)


class _TunnelConnection(urllib3.connection.HTTPConnection):
    def __init__(self, inside: Inside, budget: Budget) -> None:
        super().__init__("student")
        self._inside, self._budget = inside, budget

    def connect(self) -> None:
        self.sock = _TunnelStream(self._inside.dial(), self._budget)

    @property
    def is_connected(self) -> bool:
        return isinstance(self.sock, _TunnelStream) and self.sock.idle


class _TunnelPool(urllib3.connectionpool.HTTPConnectionPool):
    def __init__(self, inside: Inside, budget: Budget) -> None:
        super().__init__("student", maxsize=MOST, retries=False)
        self._inside, self._budget = inside, budget

    def _new_conn(self) -> _TunnelConnection:
        return _TunnelConnection(self._inside, self._budget)


class TunnelAdapter(HTTPAdapter):
    """requests' way into the tunnel, as docker-py does for unix sockets."""

    def __init__(self, inside: Inside, budget: Budget) -> None:
        self._pool = _TunnelPool(inside, budget)
        super().__init__()

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> Any:
        return self._pool

    def build_response(self, request: requests.PreparedRequest, answer: Any) -> requests.Response:
        """The answer, whole. No engine packs its answers: what a small one unpacks to nobody has paid for."""
        if answer.headers.get("Content-Encoding"):
            raise CannotObserve(NOT_UNDERSTOOD)
        found = super().build_response(request, answer)
        found._content = answer.read(LONGEST + 1, decode_content=False)
        if len(found.content) > LONGEST:
            raise CannotObserve(TOO_MUCH)
        return found

    def request_url(self, request: requests.PreparedRequest, _proxies: Any) -> str:
        return request.path_url

    def close(self) -> None:
        self._pool.close()
        super().close()
