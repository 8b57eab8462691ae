"""No kind of check passes, breaks or waits for ever because of what a student's machine says."""

from __future__ import annotations

import itertools
import json
import re
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
import yaml
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from lessons import kinds
from lessons.kinds import Status
from sandboxes.engine import EngineError, ExecResult
from sandboxes.engine.student import CannotObserve, StudentEngine
from sandboxes.grading import EVIDENCE_LIMIT, grade
from tests.sandboxes.lying_engine import LyingEngine
from tests.sandboxes.test_grading import ID
from tests.sandboxes.test_kinds_documented import COMMON, section

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


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def packed(times: int) -> bytes:
    packing = zlib.compressobj(wbits=31)
    body = b"".join([*(packing.compress(bytes(1 << 20)) for _ in range(times)), packing.flush()])
    return HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def long(body: bytes) -> list[bytes]:
    return [HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body]


LIES: dict[str, Callable[[], Iterable[bytes]]] = {
    "headers without end": lambda: itertools.chain([HEAD], (b"X-%d: hola\r\n" % number for number in itertools.count())),
    "a header without end": lambda: itertools.chain([HEAD, b"X: "], itertools.repeat(b"hola" * 1000)),
    "goes on to go on": lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "trailers without end": lambda: itertools.chain([CHUNKED, b"2\r\n[]\r\n0\r\n"], itertools.repeat(b"X: hola\r\n" * 1000)),
    "a chunk without end": lambda: itertools.chain([CHUNKED, b"7fffffff\r\n["], itertools.repeat(b" " * 60_000)),
    "chunks without end": lambda: itertools.chain([CHUNKED, b"1\r\n[\r\n"], itertools.repeat(b"1\r\n \r\n" * 1000)),
    "a chunk of nobody knows what": lambda: [CHUNKED, b"-5\r\n[]\r\n0\r\n\r\n"],
    "packed": lambda: [packed(200)],
    "longer than it says": lambda: itertools.chain([HEAD, b"Content-Length: 99999999999\r\n\r\n["], itertools.repeat(b" " * 60_000)),
    "a million keys": lambda: long(b"{" + b",".join(b'"%d":0' % number for number in range(10**6)) + b"}"),
    "a million keys, one in another": lambda: long(b'{"a":' * 10**6 + b"0" + b"}" * 10**6),
    "half a million, one in another": lambda: long(b'{"a":' * (10**6 // 2) + b"0" + b"}" * (10**6 // 2)),
    "many little ones": lambda: long(b"[" + b"{}," * (1 << 20) + b"{}]"),
    "a number of a million digits": lambda: long(b"[" + b"7" * 10**6 + b"]"),
}
COULD_NOT = "contest(ó|a)|tardó demasiado"


GROWS = ("packed", "many little ones")
"""Of these the least would be much once it is read."""


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_of_the_protocol_is_cut_short(lie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lying(LyingEngine):
        def said(self, path: str) -> Iterator[bytes]:
            yield from LIES[lie]()

    monkeypatch.setattr("sandboxes.engine.questions.BYTE_BUDGET", 5 << 20)  # the sooner it is spent
    if lie in GROWS:
        tracemalloc.start()
    try:
        with StudentEngine(Lying(), "lab-x", seconds=20) as engine:
            for look in (lambda: engine.history("web"), engine.tags, lambda: engine.image("web:1"), engine.networks, engine.info):
                with pytest.raises(CannotObserve, match=COULD_NOT):
                    look()
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", sorted(set(LOOKING) - HONEST - {"registry"}))  # that one looks first at what is ours
def test_an_engine_that_drips_is_not_waited_for(name: str) -> None:
    over = threading.Event()

    class Dripping(HostileEngine):
        def said(self, _path: str) -> Iterator[bytes]:
            while not over.wait(0.02):
                yield b"H"

        def run(self, name: str, argv: list[str], *, user: str = "root", seconds: float = 20) -> ExecResult:
            over.wait()  # a command that is never over
            raise EngineError("it took too long")

    began = time.monotonic()
    try:
        found = judged(name, Dripping(b"", None), seconds=0.5)
        assert Status.UNKNOWN in found
        assert set(found) <= {Status.UNKNOWN, Status.PENDING}
        assert time.monotonic() - began < 15, "what it drips puts its end off"
    finally:
        over.set()


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=8)  # fmt: skip


def test_an_engine_leads_nobody_to_another_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as host:
        host.settimeout(0.5)
        elsewhere = f"http://127.0.0.1:{host.getsockname()[1]}/images/json".encode()
        with StudentEngine(LyingEngine(lambda _path: (307, elsewhere)), "lab-x", seconds=5) as engine:
            for look in (engine.tags, engine.containers, engine.events, engine.info):
                with pytest.raises(CannotObserve):
                    look()
        with pytest.raises(TimeoutError):
            host.accept()


def test_who_hangs_is_waited_for_once() -> None:
    asked = []

    def answer(path: str) -> tuple[int, bytes]:
        asked.append(path)
        return 200, b"not JSON"

    with StudentEngine(LyingEngine(answer), "lab-x", seconds=5) as engine:
        for _ in range(3):
            with pytest.raises(CannotObserve):
                engine.containers()
    assert len(asked) == 1


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


WORDS = st.sampled_from(["", "web", "running", "exited", "1", "sh", "/d", "docker", "«%(x)s» %s {{x}}"]) | st.text(max_size=6)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {str: WORDS, int: st.integers(-3, 10**6), bool: st.booleans(), float: st.floats(0, 9), Any: JSON}


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Whatever a field may hold."""
    inside, found = get_args(annotation), get_origin(annotation) or annotation
    if found in PLAIN:
        return PLAIN[found]
    if found is type(None):
        return st.none()
    if found is Literal:
        return st.sampled_from(inside)
    if found is list:
        return st.lists(values(inside[0]), max_size=3)
    if found is tuple:
        return st.tuples(*map(values, inside))
    if found is dict:
        return st.dictionaries(values(inside[0]), values(inside[1]), max_size=3)
    if found in (Union, UnionType):
        return st.one_of([values(kind) for kind in inside])
    if found is Annotated:
        return values(inside[0])
    assert issubclass(found, BaseModel), f"no way to draw a {annotation}"
    fields = {name: values(field.annotation) for name, field in found.model_fields.items()}
    return st.fixed_dictionaries(fields)


@pytest.mark.parametrize("name", kinds.names())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_evidence_is_judged_by_any_check_and_what_passes_can_be_kept(name: str, data: st.DataObject) -> None:
    kind = kinds.get(name)
    try:
        evidence = kind.evidence.model_validate(data.draw(values(kind.evidence)))
        fields = {
            field.alias or key: values(field.annotation) for key, field in kind.spec.model_fields.items() if key not in (*COMMON, "de")
        }
        drawn = data.draw(st.lists(st.sampled_from(sorted(fields)), unique=True, max_size=4)) if fields else []
        changed = {key: data.draw(fields[key]) for key in drawn}
        spec = kinds.parse({**data.draw(st.sampled_from(examples(name))), **changed})
    except ValidationError:
        reject()
    try:
        verdict = kind.judge(spec, evidence)
    except kinds.NotEnoughEvidence:
        return
    except ValidationError:
        assert hasattr(spec, kinds.PARTS), "only what was seen of a part is read again"
        return
    assert verdict.status != Status.FAILED or verdict.observed
    if verdict.status == Status.PASSED and isinstance(kind, kinds.Captures):
        assert set(kind.captured(spec, evidence)) <= set(kind.captures)
