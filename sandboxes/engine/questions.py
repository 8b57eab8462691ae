"""Questions to a student's engine, asked by docker-py through the one way of inside.py.

The engine belongs to the student, who may forge, hang or flood it. Whatever it says has a deadline, a budget of bytes
and a bound of values, and what cannot be had or understood ends in CannotObserve. What is asked of it: student.py.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException, NotFound

from sandboxes.engine import EngineError, ExecResult, LabEngine
from sandboxes.engine.facts import NOT_UNDERSTOOD, TOO_MUCH, CannotObserve
from sandboxes.engine.inside import Budget, Inside
from sandboxes.engine.tunnel import TunnelAdapter

BYTE_BUDGET = 16 << 20
"""What one check run may read from a student's engine, in all."""
VALUES = 200_000
"""Values of one answer."""
BASE = "http://student:80"
API = "1.41"
ABSENT = object()
"""The answer of who was asked for what is not there."""


class Questions:
    """One check run's connection; a context manager, for several threads. Answers are remembered: each question is asked once."""

    def __init__(self, lab: LabEngine, container: str, *, seconds: float) -> None:
        self._budget = Budget(BYTE_BUDGET, time.monotonic() + seconds)
        self._inside = Inside(lab, container, self._budget)
        self._known: dict[tuple[str, ...], Any] = {}
        self._asking: dict[tuple[str, ...], threading.Lock] = {}

    def __enter__(self) -> Self:
        self._api: Any = _Api(BASE, version=API, timeout=20)
        self._api.trust_env = False  # neither proxies nor .netrc, which it would look for at each question
        self._api.adapters.clear()  # the way in is the only one there is
        self._api.mount(BASE, TunnelAdapter(self._inside, self._budget))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._api.close()
        self._inside.close()

    def run(self, argv: list[str], *, user: str = "root", seconds: float = 20) -> tuple[int, bytes]:
        """Run a command in the sandbox itself: exit code (124 if it took too long) and output, both streams."""
        # su takes two seconds to end its shell; killed before, it would hide that time was up.
        limit = ["timeout", "-k", "4", f"{seconds:.0f}", *argv]
        done: ExecResult = self._ask(("run", user, *argv), lambda: self._inside.run(limit, user=user, seconds=seconds + 6))
        return done.code, done.output

    def _ask(self, key: tuple[str, ...], question: Callable[[], Any]) -> Any:
        """What the question brought, now or when it was first asked under this key; raises CannotObserve, each time anew."""
        with self._asking.setdefault(key, threading.Lock()):
            if key not in self._known:
                try:
                    with _untrusted():
                        self._known[key] = question()
                except CannotObserve as error:
                    self._known[key] = error  # who hangs is not waited for again
            found = self._known[key]
            if isinstance(found, CannotObserve):
                raise CannotObserve(str(found))
            return found

    def _ask_for(self, key: tuple[str, ...], question: Callable[[], Any]) -> Any:
        """As `_ask`; ABSENT if the engine says that there is no such thing."""
        return self._ask(key, lambda: _if_there(question))


class _Api(docker.APIClient):
    def _result(self, response: requests.Response, json: bool = False, binary: bool = False) -> Any:
        """As docker-py, but for JSON of more values than any engine has to tell: each takes a hundred times its bytes in memory."""
        if json and response.content.count(b",") > VALUES:
            raise CannotObserve(TOO_MUCH)
        return super()._result(response, json, binary)  # type: ignore[misc]  # docker's stubs leave it out

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere: the engine may say that its answer is at another address, of this host's say."""


def _if_there(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except NotFound:
        return ABSENT


@contextmanager
def _untrusted() -> Iterator[None]:
    try:
        yield
    except CannotObserve:
        raise
    except requests.JSONDecodeError as error:
        raise CannotObserve(NOT_UNDERSTOOD) from error
    except NotFound:
        raise CannotObserve("algo cambió en el motor mientras se comprobaba; vuelve a intentarlo") from None
    except APIError as error:
        raise CannotObserve(f"el motor contestó con un error: {str(error.explanation or error)[:200]}") from error
    except (EngineError, DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise CannotObserve("tu motor de Docker no contesta; mira si está en marcha") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, json.JSONDecodeError) as error:
        raise CannotObserve(NOT_UNDERSTOOD) from error
