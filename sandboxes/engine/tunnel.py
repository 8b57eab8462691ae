"""The way into a student's engine: HTTP through `docker system dial-stdio`, under a budget of bytes and time."""

from __future__ import annotations

import io
import socket
import threading
import time
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from sandboxes.engine import LabEngine
from sandboxes.engine.facts import CannotObserve
from sandboxes.engine.stream import Demultiplexer


class Budget:
    """What is left of a check run's time and bytes."""

    def __init__(self, count: int, deadline: float) -> None:
        self._left = count
        self._spending = threading.Lock()
        self._deadline = deadline

    def spend(self, count: int) -> None:
        with self._spending:
            self._left -= count
            spent = self._left < 0
        if spent:
            raise CannotObserve("el motor contestó con demasiados datos")

    def seconds(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise CannotObserve("el motor tardó demasiado en contestar")
        return min(left, 20)


class _TunnelStream(io.RawIOBase):
    """A tunnel's bytes without their frames, under a budget: what http.client reads and writes."""

    def __init__(self, tunnel: socket.socket, budget: Budget) -> None:
        self._socket = tunnel
        self._frames = Demultiplexer()
        self._ready = b""
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            self._socket.settimeout(self._budget.seconds())
            chunk = self._socket.recv(65536)
            if not chunk:
                return 0
            self._budget.spend(len(chunk))
            self._ready = self._frames.feed(chunk)
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    # What http.client and urllib3 ask of a socket.
    def fileno(self) -> int:
        return self._socket.fileno()

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(self._budget.seconds())
        self._socket.sendall(data)

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_Shared(self))

    def settimeout(self, _seconds: float | None) -> None:
        """Time is the budget's."""

    def close(self) -> None:
        self._socket.close()
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
    def __init__(self, lab: LabEngine, container: str, budget: Budget) -> None:
        super().__init__("student")
        self._open = lambda: _TunnelStream(lab.tunnel(container, ["docker", "system", "dial-stdio"]), budget)

    def connect(self) -> None:
        self.sock = self._open()  # type: ignore[no-untyped-call]


class _TunnelPool(urllib3.connectionpool.HTTPConnectionPool):
    def __init__(self, lab: LabEngine, container: str, budget: Budget) -> None:
        super().__init__("student", maxsize=2, retries=False)
        self._make = lambda: _TunnelConnection(lab, container, budget)

    def _new_conn(self) -> _TunnelConnection:
        return self._make()  # type: ignore[no-untyped-call]


class TunnelAdapter(HTTPAdapter):
    """requests' way into the tunnel, as docker-py does for unix sockets."""

    def __init__(self, lab: LabEngine, container: str, budget: Budget) -> None:
        self._pool = _TunnelPool(lab, container, budget)
        super().__init__()

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> Any:
        return self._pool

    def request_url(self, request: requests.PreparedRequest, _proxies: Any) -> str:
        return request.path_url

    def close(self) -> None:
        self._pool.close()
        super().close()
