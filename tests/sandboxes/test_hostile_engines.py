"""No kind of check passes, breaks or waits for ever because of what a student's machine says."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lessons import kinds
from lessons.kinds import Status
from sandboxes.engine import EngineError, ExecResult
from sandboxes.engine.student import StudentEngine
from sandboxes.grading import EVIDENCE_LIMIT, grade
from tests.sandboxes.test_grading import ID, LyingEngine
from tests.sandboxes.test_kinds_documented import section

LOOKING = [name for name in kinds.names() if not isinstance(kinds.get(name), kinds.Answered)]


class HostileEngine(LyingEngine):
    """A machine that answers everything with the same: what its engine is asked, and every command."""

    def __init__(self, body: bytes, output: bytes | None, *, code: int = 0) -> None:
        super().__init__(lambda _path: (200, body))
        self.output, self.code = output, code

    def run(self, name: str, argv: list[str], *, user: str = "root", seconds: float = 20) -> ExecResult:
        if self.output is None:
            raise EngineError("it took too long")
        return ExecResult(self.code, self.output)


def examples(name: str) -> list[dict[str, Any]]:
    """Those of its documentation."""
    found = re.findall(r"```yaml\n(.*?)```", section(name), re.DOTALL)
    return [raw for block in found for raw in yaml.safe_load(block) if raw["tipo"] == name]


def judged(name: str, engine: HostileEngine, *, seconds: float = 5) -> list[Status]:
    specs = [kinds.parse({**raw, "requiere": [], "nodo": ""}) for raw in examples(name)]
    with StudentEngine(engine, "lab-x", seconds=seconds) as student:
        verdicts, evidence = grade(specs, lambda _node: student)
    assert len(json.dumps(evidence)) <= EVIDENCE_LIMIT * len(specs)
    return [verdict.status for _id, verdict in verdicts]


ROW = {"Id": "c" * 64, "Names": ["/web"], "Image": "a", "State": "running"}
BODIES = {
    "nothing": b"",
    "text": b"hola",
    "null": b"null",
    "number": b"7",
    "binary": bytes(range(256)),
    "deep": b"[" * 100_000,
    "deep object": b'{"a":' * 50_000,
    "wrong types": b'{"Id": [], "Names": 3, "Config": "x", "Volumes": "x", "Swarm": 7}',
    "list of wrong types": b'[{"Id": {}, "RepoTags": 3, "Names": null}]',
    "contradiction": json.dumps([ROW]).encode(),
    "image alone": json.dumps({"Id": ID, "RepoTags": ["otra:1"]}).encode(),
    "many": json.dumps([ROW] * 600).encode(),
}
OUTPUTS = {"nothing": b"", "binary": bytes(range(256)) * 8, "lab alone": b"lab", "lab many": b"lab " * 5000, "marks": b"lab\n\x1e" * 9,
           "too long": None, "deep": b"{" * 50_000}  # fmt: skip
# A command is what it says; a `not` of what can't be is.
HONEST = {"command", "not"}


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
@pytest.mark.parametrize("name", LOOKING)
def test_what_an_engine_says_passes_nothing(name: str, body: bytes) -> None:
    assert Status.PASSED not in judged(name, HostileEngine(body, b"")) or name in HONEST


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=list(OUTPUTS))
@pytest.mark.parametrize("name", LOOKING)
def test_what_a_command_says_passes_nothing(name: str, output: bytes | None) -> None:
    assert Status.PASSED not in judged(name, HostileEngine(b"[]", output)) or name in HONEST


@pytest.mark.parametrize("name", sorted(set(LOOKING) - HONEST))
def test_an_engine_that_never_answers_is_not_waited_for(name: str) -> None:
    over = threading.Event()
    engine = HostileEngine(b"", None)
    engine.answer = lambda _path: (200, b"[]") if over.wait(60) else (500, b"")
    try:
        assert set(judged(name, engine, seconds=0.3)) <= {Status.UNKNOWN, Status.FAILED, Status.PENDING}
    finally:
        over.set()


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=8)  # fmt: skip


@pytest.mark.parametrize("name", kinds.names())
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_specification_is_read_or_refused(name: str, data: st.DataObject) -> None:
    fields = sorted(field.alias or key for key, field in kinds.get(name).spec.model_fields.items())
    raw = {"id": "x", "titulo": "x", **data.draw(st.dictionaries(st.sampled_from([*fields, "otro"]), JSON, max_size=5)), "tipo": name}
    try:
        spec = kinds.parse(raw)
    except (ValidationError, KeyError):
        return
    assert spec.tipo == name
