"""The gate against odd requests: paths, bodies and verbs that the platform never sends."""

from __future__ import annotations

import json

import pytest

from host.gate_policy import refuse
from tests.host.test_gate_policy import (
    CONNECT,
    CREATE,
    EXEC,
    MADE_EXEC,
    NAME,
    NETWORK,
    TEMPLATE,
    UPDATE,
    Body,
    ask,
    create_body,
    network_body,
)


@pytest.mark.parametrize(
    ("method", "uri"),
    [
        ("POST", "/v1.41/build"),
        ("POST", "/v1.41/session"),
        ("POST", "/grpc"),
        ("POST", "/v1.41/images/create?fromImage=debian"),
        ("POST", "/v1.41/images/load"),
        ("POST", "/v1.41/images/x/tag"),
        ("POST", "/v1.41/images/x/push"),
        ("POST", "/v1.41/images/prune"),
        ("DELETE", "/v1.41/images/docker-intensivo/sandbox"),
        ("GET", "/v1.41/images/x/get"),
        ("POST", "/v1.41/commit?container=x"),
        ("POST", "/v1.41/plugins/pull"),
        ("GET", "/v1.41/plugins"),
        ("POST", "/v1.41/swarm/init"),
        ("GET", "/v1.41/swarm"),
        ("POST", "/v1.41/services/create"),
        ("POST", "/v1.41/volumes/create"),
        ("GET", "/v1.41/volumes"),
        ("POST", "/v1.41/containers/prune"),
        ("POST", f"/v1.41/containers/{NAME}/attach"),
        ("GET", f"/v1.41/containers/{NAME}/export"),
        ("POST", "/v1.41/networks/prune"),
        ("POST", "/v1.41/auth"),
        ("DELETE", f"/v1.41/containers/{NAME}?link=1"),
        ("DELETE", "/v1.41/containers/json/x"),
        ("PATCH", f"/v1.41/containers/{NAME}/json"),
        ("OPTIONS", "/_ping"),
        ("POST", "/v1.41/exec/short/start"),
        ("get", "/_ping"),
    ],
)
def test_what_is_no_verb_of_the_platform_is_refused(method: str, uri: str) -> None:
    assert ask(method, uri, {"a": 1})
    assert ask(method, uri)


@pytest.mark.parametrize(
    "path",
    [
        "/v1.41/containers/%2e%2e/json",
        f"/v1.41/containers/{NAME}%2fjson",
        "/v1.41/containers/../images/json",
        f"/v1.41/containers//{NAME}/json",
        "/v1.41//containers/json",
        "/v1.41/images/x/../y/json",
        "/v1.41/images//x/json",
        f"/v1.41/containers/{NAME}/json/",
        "/v1.41/containers/-x/json",
        "/v1.41/containers/a b/json",
        "/v1.41/containers/x/json\n",
        "v1.41/containers/json",
        "/v1.41",
        "/v1.41/v1.41/info",
        "",
        "//x/v1.41/info",
        "/v1.41/in\tfo",
        "/v1.41/info#/x",
    ],
)
def test_odd_paths_are_refused(path: str) -> None:
    assert ask("GET", path)


@pytest.mark.parametrize(
    "version",
    [
        "/v2.0",
        "/v1",
        "/v1.x",
        "/v1.411",
        "/V1.41",
        "/v0.1",
        "/v1.41.1",
        "/v1.12",
        "/v1.23",
    ],
)
def test_unknown_versions_of_the_api_are_refused(version: str) -> None:
    assert ask("POST", f"{version}/containers/{NAME}/start")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"Image=x", b"{}{}", b"NaN", create_body()["Image"].encode()]
)
@pytest.mark.parametrize("uri", [CREATE, NETWORK, MADE_EXEC, UPDATE, CONNECT, f"/v1.41/exec/{EXEC}/start"])
def test_bodies_that_cannot_be_read_are_refused(uri: str, body: bytes) -> None:
    assert refuse("POST", uri, body, TEMPLATE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"HostConfig":', '"HostConfig":{"Privileged":true},"HostConfig":'),
        ('"HostConfig":', '"hostconfig":null,"HostConfig":'),
        ('"PidsLimit":', '"pidslimit":0,"PidsLimit":'),
        ('"lab.id":', '"lab.id":"tests","lab.id":'),
        ('"HostConfig":', '"Ho\u017ftConfig":null,"HostConfig":'),
        ('"PidsLimit":', '"Pid\u017fLimit":null,"PidsLimit":'),
    ],
)
def test_keys_that_come_twice_in_any_case_are_refused(old: str, new: str) -> None:
    body = json.dumps(create_body(), separators=(",", ":"))
    assert old in body
    assert refuse("POST", CREATE, body.replace(old, new, 1).encode(), TEMPLATE)


ODD_TYPES: list[Body] = [
    {"Image": []},
    {"HostConfig": []},
    {"HostConfig": {"OomScoreAdj": None}},
    {"HostConfig": {"RestartPolicy": None}},
    {"HostConfig": {"RestartPolicy": "no"}},
    {"HostConfig": {"SecurityOpt": [["x"]]}},
    {"HostConfig": {"SecurityOpt": "apparmor=unconfined"}},
    {"HostConfig": {"StorageOpt": {"size": ["3G"]}}},
    {"HostConfig": {"StorageOpt": ["size"]}},
    {"HostConfig": {"Memory": True, "NanoCpus": [1]}},
    {"NetworkingConfig": {"EndpointsConfig": ["x"]}},
    {"Labels": ["lab.id"]},
]


@pytest.mark.parametrize("changes", ODD_TYPES, ids=str)
def test_values_of_odd_types_are_judged_without_breaking(changes: Body) -> None:
    body = create_body()
    for key, value in changes.items():
        body[key] = body[key] | value if isinstance(value, dict) and key in body else value
    harmless = changes in ({"HostConfig": {"OomScoreAdj": None}}, {"HostConfig": {"RestartPolicy": None}})
    assert (ask("POST", CREATE, body) is None) == harmless


def test_a_body_nested_without_end_is_refused() -> None:
    assert refuse("POST", CREATE, b'{"a":' * 100_000, TEMPLATE)


@pytest.mark.parametrize("key", ["MaskedPaths", "ReadonlyPaths"])
def test_unmasking_the_systems_paths_is_refused(key: str) -> None:
    """Empty is not absent: an empty list is what `systempaths=unconfined` sends."""
    body = create_body()
    body["HostConfig"][key] = []
    assert ask("POST", CREATE, body)


@pytest.mark.parametrize("verb", ["start", "stop", "kill", "pause", "unpause", "wait"])
@pytest.mark.parametrize("body", [b'{"Privileged":true}', b'{"Binds":["/:/host"]}', b"x"])
def test_verbs_of_life_take_no_body(verb: str, body: bytes) -> None:
    assert refuse("POST", f"/v1.41/containers/{NAME}/{verb}", body, TEMPLATE)
    assert refuse("POST", f"/v1.41/containers/{NAME}/{verb}", b"", TEMPLATE) is None


@pytest.mark.parametrize(
    "body",
    [
        {"Cmd": ["sh"], "Privileged": True},
        {"Cmd": ["sh"], "privileged": True},
        {"Cmd": ["sh"], "DetachKeys": "ctrl-p"},
        {"Cmd": []},
        {"Cmd": "sh"},
        {},
    ],
)
def test_commands_with_privilege_are_refused(body: Body) -> None:
    assert ask("POST", MADE_EXEC, body)


@pytest.mark.parametrize("body", [{"Detach": True, "Privileged": True}, {"Detach": 1}, {"tty": True}])
def test_starting_a_command_takes_only_its_two_words(body: Body) -> None:
    assert ask("POST", f"/v1.41/exec/{EXEC}/start", body)


@pytest.mark.parametrize(
    "changes",
    [
        {"Driver": "macvlan"},
        {"Driver": "host"},
        {"Driver": "Bridge"},
        {"Options": {"com.docker.network.bridge.name": "docker0"}},
        {"IPAM": {"Config": [{"Subnet": "10.0.0.0/8"}]}},
        {"EnableIPv6": True},
        {"Attachable": True},
        {"Internal": True},
        {"ConfigFrom": {"Network": "x"}},
        {"Name": "bridge"},
        {"Name": None},
        {"Labels": None},
        {"Labels": {"lab.id": "tests"}},
        {"options": {"a": "b"}},
    ],
)
def test_networks_of_another_make_are_refused(changes: Body) -> None:
    assert ask("POST", NETWORK, network_body()) is None
    assert ask("POST", NETWORK, network_body(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"Memory": 0},
        {"Memory": -1},
        {"MemorySwap": -1},
        {"PidsLimit": 0},
        {"PidsLimit": -1},
        {"NanoCpus": 9 * 10**9},
        {"RestartPolicy": {"Name": "always"}},
        {"Devices": [{"PathOnHost": "/dev/sda"}]},
        {"CpusetCpus": "0"},
        {"CgroupParent": "/"},
        {"memory": 1 << 40},
        {"CpuQuota": -1},
    ],
)
def test_updates_beyond_the_limits_are_refused(changes: Body) -> None:
    assert ask("POST", UPDATE, {"NanoCpus": 10**9}) is None
    assert ask("POST", UPDATE, {"NanoCpus": 10**9} | changes)


@pytest.mark.parametrize(
    "endpoint",
    [
        {"IPAMConfig": {"IPv4Address": "10.124.0.9"}},
        {"Links": ["other"]},
        {"MacAddress": "02:42:00:00:00:01"},
        {"DriverOpts": {"a": "b"}},
        {"aliases": ["registro.lab"]},
        {"Aliases": "x"},
    ],
)
def test_joining_a_network_takes_only_aliases(endpoint: Body) -> None:
    assert ask("POST", CONNECT, {"Container": NAME, "EndpointConfig": {"Aliases": ["nodo2"]}}) is None
    assert ask("POST", CONNECT, {"Container": NAME, "EndpointConfig": endpoint})


@pytest.mark.parametrize("network", ["bridge", "host"])
def test_joining_the_engines_own_networks_is_refused(network: str) -> None:
    assert ask("POST", f"/v1.41/networks/{network}/connect", {"Container": NAME})
