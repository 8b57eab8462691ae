"""The engines of a sandbox's nodes, as graders see them: which there are, and one view (student.py) of each, for one check run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial

from sandboxes.engine import LabEngine
from sandboxes.engine.facts import CannotObserve
from sandboxes.engine.student import Past, StudentEngine


class Nodes:
    """The engines of a sandbox's nodes, each opened when it is first asked for; a context manager."""

    def __init__(
        self,
        lab: LabEngine,
        containers: Mapping[str, str],
        *,
        seconds: float,
        past: Callable[[str], Past] = lambda _node: Past(),
        missed: Callable[[str], list[str]] = lambda _node: [],
    ) -> None:
        """`containers`: node → container name, the first node first. `past`: what the collector knows of a node; `missed`,
        what the image mirror does."""
        self._lab, self._seconds, self._past, self._missed = lab, seconds, past, missed
        self._containers = dict(containers)
        self._engines: dict[str, StudentEngine] = {}
        self._stack = ExitStack()
        self._opening = threading.Lock()

    def __enter__(self) -> Nodes:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def engine(self, node: str = "") -> StudentEngine:
        node = node or next(iter(self._containers))
        if node not in self._containers:
            raise CannotObserve(f"el laboratorio no tiene ningún nodo «{node}»")
        with self._opening:
            if node not in self._engines:
                past, missed = partial(self._past, node), partial(self._missed, node)
                engine = StudentEngine(self._lab, self._containers[node], seconds=self._seconds, past=past, missed=missed)
                self._engines[node] = self._stack.enter_context(engine)
            return self._engines[node]
