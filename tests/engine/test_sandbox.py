"""What a real sandbox is, and what its root cannot do."""

from __future__ import annotations

import json
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import APIError

from host.uncounted import CGROUPS, standing_still
from sandboxes.engine import SEEDED, Flavor, Limits
from tests.conftest import wait_until

pytestmark = pytest.mark.engine


@pytest.fixture
def api(real_lab: Any) -> docker.APIClient:
    return real_lab._api  # type: ignore[no-any-return]


def shell(lab: Any, machine: str, command: str, *, user: str = "root", seconds: float = 60) -> str:
    done = lab.run(machine, ["sh", "-c", command], user=user, seconds=seconds)
    return done.output.decode(errors="replace").strip()  # type: ignore[no-any-return]


def test_sandbox_is_not_privileged_is_remapped_limited_and_alone_on_its_network(api: Any, machine: str, real_lab: Any) -> None:
    found = api.inspect_container(machine)
    host = found["HostConfig"]
    assert host["Privileged"] is False
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (512 << 20, 10**9, 400)
    assert not host["Binds"]
    assert not host["Devices"]
    assert not host["UsernsMode"]
    assert found["Mounts"] == []
    assert list(found["NetworkSettings"]["Networks"]) == [machine]
    inside, outside, count = shell(real_lab, machine, "cat /proc/self/uid_map").split()
    assert (inside, count) == ("0", "65536")
    assert int(outside) >= 100000


@pytest.mark.parametrize(
    "change",
    [
        {"Privileged": True},
        {"Binds": ["/:/host"]},
        {"PidMode": "host"},
        {"UsernsMode": "host"},
        {"NetworkMode": "host"},
        {"SecurityOpt": ["seccomp=unconfined"]},
        {"Devices": [{"PathOnHost": "/dev/vda", "PathInContainer": "/dev/vda", "CgroupPermissions": "rwm"}]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_gate_refuses_bodies_outside_the_template(api: Any, real_lab: Any, change: dict[str, Any]) -> None:
    body = {
        "Image": real_lab._images["vacio"],
        "Hostname": "lab",
        "Labels": {"lab.id": real_lab._lab},
        "HostConfig": {
            "CapAdd": ["ALL"],
            "SecurityOpt": ["apparmor=unconfined"],
            "StorageOpt": {"size": "3G"},
            "NetworkMode": "lab-x",
            "Memory": 1 << 29,
            "MemorySwap": 1 << 29,
            "NanoCpus": 10**9,
            "PidsLimit": 300,
            **change,
        },
    }
    answer = api.post(f"{api.base_url}/v1.41/containers/create?name=lab-malo", json=body)
    assert answer.status_code == 403
    assert "authorization denied" in answer.text


def test_gate_refuses_other_verbs(api: Any) -> None:
    for ask in (lambda: api.pull("busybox"), lambda: api.create_volume("x"), lambda: api.prune_containers(), lambda: api.init_swarm()):
        with pytest.raises(APIError, match="authorization denied"):
            ask()


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("mknod /tmp/disco b 254 0 && head -c1 /tmp/disco", "Operation not permitted"),
        ("mount -t ext4 /dev/vda /mnt", ""),
        ("echo x > /proc/sys/kernel/core_pattern", "Permission denied"),
        ("echo b > /proc/sysrq-trigger", "cannot create"),
        ("dmesg", "Error number 78"),
        (
            "cd /sys/fs/cgroup && if [ -d memory ]; then echo 99999999999 > memory/memory.limit_in_bytes; else echo max > memory.max; fi",
            "denied",
        ),
    ],
)
def test_escape_is_refused(real_lab: Any, machine: str, command: str, wanted: str) -> None:
    done = real_lab.run(machine, ["sh", "-c", command])
    assert done.code != 0
    if wanted == "Error number 78":
        assert "read kernel buffer failed" in done.output.decode()
    else:
        assert wanted in done.output.decode()


def test_host_processes_are_not_seen(real_lab: Any, machine: str) -> None:
    assert "systemd" not in shell(real_lab, machine, "ps ax -o comm")
    assert int(shell(real_lab, machine, "ls -d /proc/[0-9]* | wc -l")) < 30


def test_inner_limits_hold(real_lab: Any, machine: str) -> None:
    shell(real_lab, machine, "docker run --name gordo -m 20m debian:trixie sh -c 'head -c 200m /dev/zero | tail'")
    state = json.loads(shell(real_lab, machine, "docker inspect --format '{{json .State}}' gordo"))
    assert (state["OOMKilled"], state["ExitCode"]) == (True, 137)


def test_disk_is_limited_and_the_host_does_not_notice(real_lab: Any, machine: str) -> None:
    said = shell(real_lab, machine, "dd if=/dev/zero of=/grande bs=1M count=5000 2>&1; rm -f /grande", seconds=120)
    assert "quota" in said.lower() or "No space left" in said


def test_nested_subvolume_that_would_escape_the_quota_is_refused(real_lab: Any, machine: str) -> None:
    code = (
        'perl -e \'sysopen(D,"/root",0); my $a=pack("qZ4088",0,"sub"); my $r=ioctl(D,0x5000940e,$a); print $r ? "made" : "errno ".($!+0);\''
    )
    assert shell(real_lab, machine, code) == "errno 25"


def test_keyrings_are_closed(real_lab: Any, machine: str) -> None:
    assert shell(real_lab, machine, "perl -e 'my $r=syscall(250,0,-3,1); print $r<0 ? $!+0 : \"open\"'") == "38"


def test_sandboxes_reach_neither_the_host_nor_each_other_nor_metadata(real_lab: Any, machine: str) -> None:
    import uuid

    other = f"lab-prueba-{uuid.uuid4().hex[:8]}"
    try:
        real_lab.create(other, hostname="lab", labels={}, limits=Limits(), flavor=Flavor())
        real_lab.start(other)
        address = shell(real_lab, other, "hostname -i")
        host = (
            subprocess.run(["ip", "route", "get", address], capture_output=True, text=True, check=True).stdout.split("src ")[1].split()[0]
        )
        for target in (address, host, "169.254.169.254", "1.1.1.1", "10.0.0.1"):
            assert real_lab.run(machine, ["ping", "-c1", "-W1", target]).code != 0, target
            assert real_lab.run(machine, ["curl", "-s", "-m", "2", f"http://{target}:8000"]).code == 7, f"{target} must be refused at once"
    finally:
        real_lab.remove(other)


def test_names_of_the_lab_resolve_and_others_fail_at_once(real_lab: Any, machine: str) -> None:
    assert shell(real_lab, machine, "getent hosts espejo.lab").startswith("10.122.0.1")
    assert "exit 2" in shell(real_lab, machine, "timeout 2 getent hosts registry-1.docker.io; echo exit $?")


def test_published_port_is_reached_from_the_host(real_lab: Any, machine: str) -> None:
    ran = shell(real_lab, machine, "docker run -d --name web -p 8080:80 busybox:1.37 sh -c 'echo hola >/index.html; httpd -f -h /' 2>&1")
    address = shell(real_lab, machine, "hostname -i")
    said = subprocess.run(
        ["curl", "-sSf", "-m", "10", "--retry", "60", "--retry-delay", "1", "--retry-all-errors", f"http://{address}:8080/"],
        capture_output=True,
        text=True,
        check=False,
    )
    state = said.stdout == "hola\n" or shell(real_lab, machine, "docker ps -a; docker logs web; ip -br address; iptables -t nat -S")
    assert state is True, f"{ran}\n{said.stderr[-500:]}\n{state}"


def test_student_is_in_group_docker_and_has_sudo(real_lab: Any, machine: str) -> None:
    said = shell(real_lab, machine, "su - alumno -c 'id -nG; sudo id -u; docker version --format {{.Server.Version}}'").split("\n")
    assert "docker" in said[0]
    assert said[1] == "0"
    assert said[2][0].isdigit()


def test_ping_works_for_non_root_after_a_pull(real_lab: Any, machine: str) -> None:
    said = shell(real_lab, machine, "docker run --rm curso/contador:1.0 ping -c1 127.0.0.1")
    assert "1 received" in said


def test_history_of_a_course_image_looks_as_it_should(real_lab: Any, machine: str) -> None:
    shell(real_lab, machine, "docker pull -q busybox:1.37")
    assert "Imported from" not in shell(real_lab, machine, "docker history busybox:1.37")


def test_finished_containers_leave_no_zombies(real_lab: Any, machine: str) -> None:
    shell(real_lab, machine, "for i in 1 2 3; do docker run --rm busybox:1.37 true; done")
    assert "Z" not in shell(real_lab, machine, "ps ax -o stat=")


def test_stopped_machine_keeps_its_containers(real_lab: Any, machine: str) -> None:
    shell(real_lab, machine, "docker run --name recuerdo busybox:1.37 echo hola; echo nota > /home/alumno/nota")
    real_lab.stop(machine)
    real_lab.start(machine)
    real_lab.wait_ready(machine, seconds=60)
    assert "recuerdo" in shell(real_lab, machine, "docker ps -a --format '{{.Names}}'")
    assert shell(real_lab, machine, "cat /home/alumno/nota") == "nota"


def test_a_seeded_machine_has_the_course_images_at_no_cost_of_disk(real_lab: Any) -> None:
    from host import images

    name = f"lab-prueba-{uuid.uuid4().hex[:8]}"
    try:
        real_lab.create(name, hostname="lab", labels={"lab.purpose": "test"}, limits=Limits(), flavor=Flavor(disk="1G", images=SEEDED))
        real_lab.start(name)
        real_lab.wait_ready(name, seconds=60)
        listed = real_lab.run(name, ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"]).output.decode().split()
        assert sorted(listed) == sorted(images.course_images())
        # In a disk of 1 GB there is room for as much again: what the image brings counts for nobody.
        said = real_lab.run(name, ["docker", "run", "--rm", "busybox:1.37", "echo", "hola"], seconds=180)
        assert said.output == b"hola\n"
        wrote = real_lab.run(name, ["dd", "if=/dev/zero", "of=/lleno", "bs=1M", "count=700"], seconds=180)
        assert wrote.code == 0, wrote.output
    finally:
        real_lab.remove(name)


def test_a_student_stops_and_starts_the_engine_as_on_a_real_machine(real_lab: Any, machine: str) -> None:
    def alumno(command: str, *, code: int = 0) -> str:
        done = real_lab.run(machine, ["su", "-", "alumno", "-c", command], user="root", seconds=60)
        said = str(done.output.decode(errors="replace"))
        assert done.code == code, said
        return said

    assert alumno("sudo service docker status") == "Docker is running.\n"
    assert "sudo service docker stop" in alumno("/usr/sbin/service docker stop", code=1)
    assert alumno("sudo service docker stop && ! docker ps 2>/dev/null") == "Stopping Docker: docker\n"
    assert alumno("sudo service docker status", code=3) == "Docker is not running.\n"
    broken = "cd /etc/docker && sudo cp daemon.json /tmp/good.json && echo '{' | sudo tee daemon.json >/dev/null"
    assert "daemon.json" in alumno(f"{broken} && sudo service docker start", code=1)
    mended = "sudo cp /tmp/good.json /etc/docker/daemon.json"
    assert alumno(f"{mended} && sudo service docker start && docker ps -q") == "Starting Docker: docker\n"
    assert alumno("sudo service docker restart && docker run --rm busybox:1.37 echo hola 2>/dev/null").endswith("hola\n")
    alumno("sudo pkill -9 dockerd; sudo service docker start && docker ps -q")
    assert "sudo service docker restart" in alumno("sudo systemctl restart docker", code=1)


def test_an_engine_that_was_ended_while_it_removed_a_network_comes_back(real_lab: Any, machine: str) -> None:
    """Its store is broken as one was found: tests/host/test_network_store.py shows that such an engine ends by itself."""
    shell(real_lab, machine, "docker network create una; docker network create otra; pkill -KILL dockerd; sleep 0.3")
    shell(real_lab, machine, f"perl -0777 -pi -e '{HALF_REMOVED}' /var/lib/docker/network/files/local-kv.db")
    assert shell(real_lab, machine, "grep -c '\"inDelete\":true ' /var/lib/docker/network/files/local-kv.db") != "0"
    real_lab.stop(machine)
    real_lab.start(machine)
    real_lab.wait_ready(machine, seconds=60)
    assert shell(real_lab, machine, "docker network ls --format '{{.Name}}'").split() == ["bridge", "host", "none", "otra"]


HALF_REMOVED = (
    r's/(\{"addrSpace":(?:(?!\{"addrSpace":).)*?"name":"una".*?"scope":)/'
    r'$1 =~ s{"inDelete":false}{"inDelete":true }r =~ s{"ipamV4Info":}{"ipamV4Lost":}r/gse'
)


def processes_of(container: str) -> int:
    found = 0
    for groups in Path("/proc").glob("[0-9]*/cgroup"):
        with suppress(OSError):
            found += container in groups.read_text()
    return found


FREEZE = """cd /sys/fs/cgroup; if [ -d freezer ]; then cd freezer; file=freezer.state still=FROZEN; else file=cgroup.freeze still=1; fi
mkdir -p hielo/hondo; for pid in 1 $(pgrep dockerd) $(pgrep -x containerd); do echo $pid >hielo/hondo/cgroup.procs; done
echo $still >hielo/$file; cat hielo/$file"""


def test_who_freezes_a_machine_from_within_cannot_keep_it_from_being_removed(real_lab: Any) -> None:
    name = f"lab-prueba-{uuid.uuid4().hex[:8]}"
    real_lab.create(name, hostname="lab", labels={"lab.purpose": "test"}, limits=Limits(), flavor=Flavor())
    try:
        real_lab.start(name)
        real_lab.wait_ready(name, seconds=60)
        assert shell(real_lab, name, FREEZE) in ("FROZEN", "1")
    finally:
        real_lab.remove(name)
    assert name not in {container.name for container in real_lab.containers()}


def test_who_enters_while_a_watcher_holds_the_sandbox_waits_and_is_not_refused(api: Any, machine: str, real_lab: Any) -> None:
    container = api.inspect_container(machine)["Id"]
    [namespace] = {group.parent.name for pattern in (f"*/*/{container}", f"*/{container}") for group in CGROUPS.glob(pattern)}
    with ThreadPoolExecutor(1) as pool:
        with standing_still(namespace, container):
            there = processes_of(container)
            enters = pool.submit(shell, real_lab, machine, "echo dentro")
            wait_until(lambda: processes_of(container) > there or enters.done(), seconds=20)
            assert not enters.done()
        assert enters.result(timeout=20) == "dentro"
