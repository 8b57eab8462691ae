"""The gate as the engine meets it: Docker's plugin protocol over a unix socket."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host.gate import Gate, _Server
from host.gate_policy import Template


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("engine", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self._path))


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "gate.sock"
    handler = type("TestGate", (Gate,), {"template": Template(lab="lab", images=frozenset({"sandbox:1"}))})
    with _Server(str(path), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield path
        server.shutdown()
        thread.join()


@pytest.fixture
def engine(path: Path) -> Iterator[_Connection]:
    connection = _Connection(path)
    yield connection
    connection.close()


def call(engine: _Connection, name: str, said: object = None, *, chunked: bool = False) -> Any:
    raw = b"" if said is None else json.dumps(said).encode()
    body: Any = iter([raw[:7], raw[7:]]) if chunked else raw
    engine.request("POST", f"/{name}", body, {"Content-Type": "application/json"}, encode_chunked=chunked)
    answer = engine.getresponse()
    assert answer.status == 200
    assert answer.getheader("Content-Type", "").startswith("application/vnd.docker.plugins")
    return json.loads(answer.read())


def asked(method: str, uri: str, body: bytes = b"") -> dict[str, Any]:
    return {"User": "", "RequestMethod": method, "RequestUri": uri, "RequestBody": base64.b64encode(body).decode(), "RequestHeaders": {}}


def test_says_that_it_authorises(engine: _Connection) -> None:
    assert call(engine, "Plugin.Activate") == {"Implements": ["authz"]}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("request_", "allowed"),
    [
        (asked("GET", "/_ping"), True),
        (asked("POST", "/v1.41/networks/create", b'{"Name":"lab-1","Labels":{"lab.id":"lab"}}'), True),
        (asked("POST", "/v1.41/networks/create", b'{"Name":"lab-1","Labels":{"lab.id":"tests"}}'), False),
        (asked("POST", "/v1.41/build"), False),
    ],
)
def test_answers_what_the_policy_says(engine: _Connection, request_: dict[str, Any], allowed: bool, chunked: bool) -> None:
    answer = call(engine, "AuthZPlugin.AuthZReq", request_, chunked=chunked)
    assert answer["Allow"] is allowed
    assert bool(answer["Msg"]) is not allowed


def test_refusals_are_written_to_its_log(engine: _Connection, capfd: pytest.CaptureFixture[str]) -> None:
    answer = call(engine, "AuthZPlugin.AuthZReq", asked("POST", "/v1.41/swarm/init"))
    assert f"refused: POST /v1.41/swarm/init: {answer['Msg']}" in capfd.readouterr().out


def test_a_request_without_body_is_judged(engine: _Connection) -> None:
    assert call(engine, "AuthZPlugin.AuthZReq", {"RequestMethod": "GET", "RequestUri": "/info"}) == {"Allow": True, "Msg": ""}


def test_answers_of_the_engine_pass(engine: _Connection) -> None:
    assert call(engine, "AuthZPlugin.AuthZRes", asked("GET", "/_ping")) == {"Allow": True}


def test_unknown_calls_are_errors_and_allow_nothing(engine: _Connection) -> None:
    answer = call(engine, "AuthZPlugin.Other")
    assert "Allow" not in answer
    assert "Other" in answer["Err"]


def test_one_connection_serves_many_requests(engine: _Connection) -> None:
    """A body that is not read to its end would be taken for the next request."""
    for chunked in (True, False, True, True):
        assert call(engine, "AuthZPlugin.AuthZReq", asked("GET", "/_ping"), chunked=chunked)["Allow"] is True


def test_many_connections_are_served_at_once(path: Path, engine: _Connection) -> None:
    engine.connect()
    other = _Connection(path)
    try:
        assert call(other, "Plugin.Activate") == {"Implements": ["authz"]}
    finally:
        other.close()


@pytest.mark.parametrize(
    "raw",
    [
        b'{"RequestMethod":"GET"}',
        b"{",
        json.dumps(asked("POST", "/v1.41/containers/create", b'{"Image":[]}')).encode(),
        json.dumps({**asked("GET", "/_ping"), "RequestBody": "x"}).encode(),
    ],
)
def test_what_it_cannot_read_is_never_allowed(engine: _Connection, raw: bytes) -> None:
    engine.request("POST", "/AuthZPlugin.AuthZReq", raw)
    try:
        answer = json.loads(engine.getresponse().read())
    except (http.client.HTTPException, ConnectionError):
        answer = {"Allow": None}  # the engine takes a closed connection for a refusal
    assert not answer.get("Allow")
