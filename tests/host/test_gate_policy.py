"""What the gate admits: the platform's own requests, as docker-py sends them, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import docker
import pytest

from host.gate_policy import MAX_MEMORY, MAX_NANO_CPUS, MAX_PIDS, Template, refuse
from sandboxes.engine import EMPTY, Flavor, Limits
from sandboxes.engine.lab import DockerLabEngine

IMAGE = "docker-intensivo/sandbox:0123456789abcdef"
NAME = "lab-ana-1"
EXEC = "0123456789abcdef" * 4
TEMPLATE = Template(lab="lab", images=frozenset({IMAGE}))
LABELS = {"lab.id": "lab", "lab.sandbox": "1", "lab.purpose": "test"}
API_VERSION = "1.41"
CREATE = f"/v{API_VERSION}/containers/create?name={NAME}"
NETWORK = f"/v{API_VERSION}/networks/create"
MADE_EXEC = f"/v{API_VERSION}/containers/{NAME}/exec"
UPDATE = f"/v{API_VERSION}/containers/{NAME}/update"
CONNECT = f"/v{API_VERSION}/networks/{NAME}/connect"

Body = dict[str, Any]
API = docker.APIClient("http://127.0.0.1:1", version=API_VERSION)


def ask(method: str, uri: str, body: object = None) -> str | None:
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return refuse(method, uri, raw, TEMPLATE)


def create_body() -> Body:
    """The body that sandboxes/engine/lab.py sends to make a sandbox."""
    host = API.create_host_config(
        cap_add=["ALL"],
        security_opt=["apparmor=unconfined"],
        storage_opt={"size": "3G"},
        network_mode=NAME,
        mem_limit=512 << 20,
        memswap_limit=512 << 20,
        nano_cpus=10**9,
        pids_limit=400,
    )
    body = API.create_container_config(image=IMAGE, command=None, hostname="lab", labels=LABELS, host_config=host)
    # As docker-py's post_json does.
    return {key: value for key, value in json.loads(json.dumps(body)).items() if value is not None}


def with_host(**changes: Any) -> Body:
    body = create_body()
    body["HostConfig"] |= changes
    return body


def without(key: str, *, host: bool = False) -> Body:
    body = create_body()
    del (body["HostConfig"] if host else body)[key]
    return body


VOLUME = {"Type": "volume", "Target": "/var/lib/docker"}
WITH_VOLUMES = Template(lab="lab", images=TEMPLATE.images, volumes=True)


def _on_a_volume(**host: Any) -> Body:
    """What sandboxes/engine/lab.py sends where the lab's disk is no btrfs."""
    body = with_host(StorageOpt=None, Mounts=[VOLUME])
    body["HostConfig"] |= host
    return body | {"Labels": LABELS | {"lab.disk": "3G"}}


def _volume(**options: str) -> Body:
    return VOLUME | {"VolumeOptions": {"DriverConfig": {"Name": "local", "Options": options}}}


def test_where_the_disk_is_no_btrfs_a_sandbox_has_its_engines_volume_and_must() -> None:
    def ask_there(body: Body) -> str | None:
        return refuse("POST", CREATE, json.dumps(body).encode(), WITH_VOLUMES)

    assert ask_there(_on_a_volume()) is None
    assert ask("POST", CREATE, with_host(Mounts=[VOLUME])) == "not the mounts of a sandbox"
    assert ask_there(_on_a_volume(Mounts=[])) == "not the mounts of a sandbox"
    assert ask_there(_on_a_volume() | {"Labels": LABELS}) == "a disk size is due"
    assert ask_there(_on_a_volume(StorageOpt={"size": "3G"})) == "a disk size is due"


@pytest.mark.parametrize(
    "mounts",
    [
        [VOLUME, VOLUME],
        [VOLUME | {"Source": "de-otro"}],
        [VOLUME | {"Target": "/etc"}],
        [VOLUME | {"Type": "bind", "Source": "/"}],
        [_volume(size="3G")],
        [_volume(size="3G", type="none", o="bind", device="/")],
        [_volume(size="3G", device="/dev/vda")],
    ],
)
def test_no_other_mount_is_admitted_there(mounts: list[Body]) -> None:
    assert refuse("POST", CREATE, json.dumps(_on_a_volume(Mounts=mounts)).encode(), WITH_VOLUMES)


def network_body(**changes: Any) -> Body:
    return {"Name": NAME, "Driver": "bridge", "Options": None, "IPAM": None, "CheckDuplicate": True, "Labels": LABELS, **changes}


class _Recorder(docker.APIClient):  # type: ignore[misc]
    """docker-py without an engine: what it would send goes to the gate, which must admit it."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1", version=API_VERSION)
        self.seen: list[str] = []

    def send(self, request: Any, **_: Any) -> Any:
        import requests

        raw = request.body.encode() if isinstance(request.body, str) else request.body or b""
        uri = request.path_url
        reason = refuse(request.method, uri, raw, TEMPLATE)
        assert reason is None, f"{request.method} {uri} {raw!r}: {reason}"
        self.seen.append(f"{request.method} {uri.split('?')[0].removeprefix(f'/v{API_VERSION}')}")
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = 200, request, request.url
        lists = uri.split("?")[0].endswith(("/containers/json", "/networks"))
        answer._content = b"[]" if lists else json.dumps({"Id": EXEC, "State": {"Paused": False}}).encode()
        return answer


VERBS: list[tuple[Callable[[DockerLabEngine], object], list[str]]] = [
    (
        lambda lab: lab.create(NAME, hostname="lab", labels={"lab.sandbox": "1"}, limits=Limits(), flavor=Flavor()),
        ["POST /networks/create", "POST /containers/create"],
    ),
    (lambda lab: lab.start(NAME), [f"GET /containers/{NAME}/json", f"POST /containers/{NAME}/start"]),
    (lambda lab: lab.stop(NAME), [f"GET /containers/{NAME}/json", f"POST /containers/{NAME}/stop"]),
    (lambda lab: lab.pause(NAME), [f"POST /containers/{NAME}/pause"]),
    (lambda lab: lab.unpause(NAME), [f"POST /containers/{NAME}/unpause"]),
    (lambda lab: lab.set_limits(NAME, Limits(memory=1024, cpus=2, pids=800)), [f"POST /containers/{NAME}/update"]),
    (
        lambda lab: lab.join(NAME, network="lab-ana-0", alias="nodo2"),
        [f"POST /networks/{NAME}/disconnect", "POST /networks/lab-ana-0/connect", f"DELETE /networks/{NAME}"],
    ),
    (lambda lab: lab.remove(NAME), [f"DELETE /containers/{NAME}", f"DELETE /networks/{NAME}"]),
    (lambda lab: lab.containers(), ["GET /containers/json"]),
    (lambda lab: lab.networks(), ["GET /networks"]),
    (lambda lab: lab.usage(NAME), [f"GET /containers/{NAME}/stats"]),
]


@pytest.mark.parametrize(("act", "sent"), VERBS, ids=[re.sub(r"\W+", "-", sent[-1]) for _, sent in VERBS])
def test_what_the_lab_engine_sends_is_admitted(act: Callable[[DockerLabEngine], object], sent: list[str]) -> None:
    lab = DockerLabEngine("http://127.0.0.1:1", lab="lab", images={EMPTY: IMAGE})
    lab._made = recorder = _Recorder()
    act(lab)
    assert recorder.seen == sent


@pytest.mark.parametrize("stdin", [True, False])
def test_commands_in_a_sandbox_are_admitted(stdin: bool) -> None:
    recorder = _Recorder()
    recorder.exec_create(NAME, ["sh", "-c", "true"], user="root", stdin=stdin, stderr=not stdin)
    recorder.exec_inspect(EXEC)
    assert recorder.seen == [f"POST /containers/{NAME}/exec", f"GET /exec/{EXEC}/json"]
    assert ask("POST", f"/v1.41/exec/{EXEC}/start", b'{"Detach":false,"Tty":false}') is None


@pytest.mark.parametrize(
    "uri", ["/_ping", "/v1.41/version", "/info", "/v1.41/images/json", f"/v1.41/images/{IMAGE}/json", "/v1.41/events?since=1"]
)
def test_reading_is_admitted(uri: str) -> None:
    assert ask("GET", uri) is None


@pytest.mark.parametrize("size", ["1G", "3G", "8G"])
def test_every_size_of_disk_is_admitted(size: str) -> None:
    assert ask("POST", CREATE, with_host(StorageOpt={"size": size})) is None


HOST_REFUSALS: dict[str, Body] = {
    "privileged": {"Privileged": True},
    "privileged in another case": {"privileged": True},
    "binds": {"Binds": ["/:/host"]},
    "mounts": {"Mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}]},
    "volumes from": {"VolumesFrom": ["other"]},
    "devices": {"Devices": [{"PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda", "CgroupPermissions": "rwm"}]},
    "device rules": {"DeviceCgroupRules": ["b *:* rwm"]},
    "device requests": {"DeviceRequests": [{"Count": -1}]},
    "host pids": {"PidMode": "host"},
    "host ipc": {"IpcMode": "host"},
    "host uts": {"UTSMode": "host"},
    "host users": {"UsernsMode": "host"},
    "host cgroups": {"CgroupnsMode": "host"},
    "cgroup parent": {"CgroupParent": "/"},
    "runtime": {"Runtime": "runc"},
    "sysctls": {"Sysctls": {"kernel.core_pattern": "|/x"}},
    "init": {"Init": True},
    "init path": {"InitPath": "/bin/sh"},
    "extra hosts": {"ExtraHosts": ["a:1.2.3.4"]},
    "dns": {"Dns": ["8.8.8.8"]},
    "links": {"Links": ["other:other"]},
    "ports": {"PortBindings": {"80/tcp": [{"HostPort": "80"}]}},
    "all ports": {"PublishAllPorts": True},
    "ulimits": {"Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 1}]},
    "no kill on memory": {"OomKillDisable": True},
    "survives others": {"OomScoreAdj": -1},
    "seccomp off": {"SecurityOpt": ["seccomp=unconfined"]},
    "seccomp off among ours": {"SecurityOpt": ["apparmor=unconfined", "seccomp=unconfined"]},
    "new privileges option": {"SecurityOpt": ["no-new-privileges:false"]},
    "one capability": {"CapAdd": ["SYS_ADMIN"]},
    "all and another": {"CapAdd": ["ALL", "SYS_ADMIN"]},
    "host network": {"NetworkMode": "host"},
    "another's network": {"NetworkMode": "container:lab-x"},
    "default network": {"NetworkMode": "default"},
    "bridge network": {"NetworkMode": "bridge"},
    "no network named": {"NetworkMode": ""},
    "no disk size": {"StorageOpt": {}},
    "another disk size": {"StorageOpt": {"size": "100G"}},
    "another disk option": {"StorageOpt": {"size": "3G", "x": "y"}},
    "restarts": {"RestartPolicy": {"Name": "always"}},
    "logs": {"LogConfig": {"Type": "syslog", "Config": {"syslog-address": "tcp://1.2.3.4"}}},
    "too much memory": {"Memory": MAX_MEMORY + 1},
    "memory without bound": {"Memory": -1},
    "no memory limit": {"Memory": 0},
    "swap without bound": {"MemorySwap": -1},
    "too much swap": {"MemorySwap": MAX_MEMORY + 1},
    "too many processors": {"NanoCpus": MAX_NANO_CPUS + 1},
    "too many processes": {"PidsLimit": MAX_PIDS + 1},
    "processes without bound": {"PidsLimit": -1},
    "a limit that is text": {"Memory": "512m"},
    "a limit with decimals": {"Memory": 1.5},
}


@pytest.mark.parametrize("changes", HOST_REFUSALS.values(), ids=HOST_REFUSALS)
def test_sandboxes_of_another_make_are_refused(changes: Body) -> None:
    assert ask("POST", CREATE, with_host(**changes))


BODY_REFUSALS: dict[str, Body] = {
    "foreign image": {"Image": "debian:trixie"},
    "image of another content": {"Image": "docker-intensivo/sandbox:latest"},
    "no labels": {"Labels": None},
    "foreign label": {"Labels": {**LABELS, "lab.id": "tests"}},
    "no lab": {"Labels": {"lab.sandbox": "1"}},
    "foreign label key": {"Labels": {**LABELS, "com.docker.x": "1"}},
    "label that is no text": {"Labels": {**LABELS, "lab.x": 1}},
    "environment": {"Env": ["LD_PRELOAD=/x"]},
    "a command": {"Cmd": ["sh"]},
    "an entrypoint": {"Entrypoint": ["sh"]},
    "a user": {"User": "0"},
    "volumes": {"Volumes": {"/x": {}}},
    "a health check": {"Healthcheck": {"Test": ["CMD", "sh"]}},
    "no hostname": {"Hostname": ""},
    "odd hostname": {"Hostname": "a b"},
    "host config in another case": {"hostconfig": {"Privileged": True}},
    "an address": {"NetworkingConfig": {"EndpointsConfig": {NAME: {"IPAMConfig": {"IPv4Address": "10.124.0.9"}}}}},
    "an endpoint's links": {"NetworkingConfig": {"EndpointsConfig": {NAME: {"Links": ["x"]}}}},
    "an endpoint that is a list": {"NetworkingConfig": {"EndpointsConfig": {NAME: ["x"]}}},
}


@pytest.mark.parametrize("changes", BODY_REFUSALS.values(), ids=BODY_REFUSALS)
def test_containers_of_another_make_are_refused(changes: Body) -> None:
    assert ask("POST", CREATE, create_body() | changes)


@pytest.mark.parametrize("key", ["StorageOpt", "NetworkMode", "Memory", "NanoCpus", "PidsLimit"])
def test_limits_that_are_missing_are_refused(key: str) -> None:
    assert ask("POST", CREATE, without(key, host=True))


@pytest.mark.parametrize("key", ["Image", "Hostname", "Labels", "HostConfig"])
def test_parts_that_are_missing_are_refused(key: str) -> None:
    assert ask("POST", CREATE, without(key))


COPY = "docker-intensivo/checkpoint-lab:" + "0a" * 16
COMMIT = f"/v{API_VERSION}/commit?container={NAME}&repo=docker-intensivo/checkpoint-lab&tag={'0a' * 16}&pause=1"


def test_a_machine_is_copied_made_again_from_its_copy_and_the_copy_removed() -> None:
    assert ask("POST", COMMIT) is None
    assert ask("POST", CREATE, create_body() | {"Image": COPY}) is None
    assert ask("DELETE", f"/v{API_VERSION}/images/{COPY}?force=False&noprune=False") is None


@pytest.mark.parametrize(
    ("method", "uri", "body"),
    [
        ("POST", COMMIT, {"Env": ["A=b"]}),
        ("POST", COMMIT + "&changes=USER+0", None),
        ("POST", COMMIT + "&repo=docker-intensivo/sandbox", None),
        ("POST", COMMIT.replace("checkpoint-lab", "checkpoint-other"), None),
        ("POST", COMMIT.replace("docker-intensivo/checkpoint-lab", "docker-intensivo/sandbox"), None),
        ("POST", COMMIT.replace("0a" * 16, "latest"), None),
        ("POST", COMMIT.replace(NAME, "other"), None),
        ("POST", CREATE, create_body() | {"Image": COPY.replace("-lab", "-other")}),
        ("POST", CREATE, create_body() | {"Image": COPY + "0"}),
        ("DELETE", f"/v{API_VERSION}/images/{IMAGE}", None),
        ("DELETE", f"/v{API_VERSION}/images/{COPY}?force=1", None),
        ("DELETE", f"/v{API_VERSION}/images/{COPY.replace('-lab', '-other')}", None),
    ],
)
def test_copies_are_of_the_labs_machines_as_they_are_and_nothing_else(method: str, uri: str, body: object) -> None:
    assert ask(method, uri, body)
