"""The namespace above a sandbox's: what it allows, whoever asks below it. Needs root, as the runtime does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from host.instance import ROOT
from sandboxes.doctor.exhaustion import CEILINGS
from sandboxes.doctor.syscalls import OTHERS as CALLS
from tests.conftest import wait_until

RUNTIME = ROOT / "host" / "runtime"
MAPPING = [{"containerID": 0, "hostID": 1_000_000, "size": 65536}]


def become(bundle: Path, config: dict[str, Any], *command: str) -> str:
    """What `command` says in runc's place, with the bundle's config.json as `create.py` leaves it."""
    (bundle / "config.json").write_text(json.dumps(config))
    done = subprocess.run(
        ["python3", "-IS", str(RUNTIME / "create.py"), str(bundle), "/the/hook", *command], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def sandbox_config() -> dict[str, Any]:
    return {"linux": {"namespaces": [{"type": "mount"}, {"type": "user"}], "uidMappings": MAPPING, "gidMappings": MAPPING}}


def joined(bundle: Path, script: str) -> str:
    """What a script says as the root of the sandbox's namespace, joined by its path as runc's children do."""
    return become(
        bundle,
        sandbox_config(),
        "sh",
        "-c",
        f"""ns=$(grep -o '/proc/[0-9]*/ns/user' {bundle}/config.json); nsenter --user=$ns sh -c "$1" """,
        "sh",
        script,
    )


def test_the_hook_is_added_and_the_command_becomes_this_process(tmp_path: Path) -> None:
    pid = become(tmp_path, {"hooks": {"createRuntime": [{"path": "/theirs"}]}}, "sh", "-c", "echo $PPID")
    assert pid.strip().isdigit()
    assert json.loads((tmp_path / "config.json").read_text())["hooks"]["createRuntime"] == [{"path": "/theirs"}, {"path": "/the/hook"}]


def test_a_container_without_a_mapping_is_left_alone(tmp_path: Path) -> None:
    become(tmp_path, {"linux": {"namespaces": [{"type": "user"}]}}, "true")
    assert json.loads((tmp_path / "config.json").read_text())["linux"]["namespaces"] == [{"type": "user"}]


def test_the_namespace_has_the_sandboxs_mapping(tmp_path: Path) -> None:
    assert joined(tmp_path, "id -u; cat /proc/self/uid_map").split() == ["0", "0", "1000000", "65536"]


def test_nobody_below_takes_more_than_the_ceiling_whoever_they_become(tmp_path: Path) -> None:
    script = f"""perl -e '$n = 0; syscall({CALLS["prctl"]}, 28, 4, 0, 0, 0);
for my $user (0, 1) {{ syscall({CALLS["setresuid"]}, $user, $user, $user);
  for (1 .. 2000) {{ last if syscall({CALLS["unshare"]}, 0x4000000) < 0; open(my $f, "<", "/proc/self/ns/uts"); push @f, $f; $n++ }} }}
print $n'"""
    assert 500 < int(joined(tmp_path, script)) <= CEILINGS["namespaces"]


def test_the_ceiling_cannot_be_raised_from_below(tmp_path: Path) -> None:
    said = joined(
        tmp_path,
        "echo 100000 >/proc/sys/user/max_inotify_instances; "
        f"perl -e '$n = 0; $n++ while $n < 9000 && syscall({CALLS['inotify_init1']}, 0) >= 0; print $n'",
    )
    assert 0 < int(said) <= CEILINGS["inotify"]


def test_timers_and_waiting_signals_have_a_ceiling(tmp_path: Path) -> None:
    call = CALLS["timer_create"]
    said = joined(
        tmp_path, f"""perl -e '$n = 0; while ($n < 20000) {{ $t = pack("q", 0); last if syscall({call}, 0, 0, $t) < 0; $n++ }} print $n'"""
    )
    assert 4000 < int(said) <= CEILINGS["signals"]


TAKE_QUEUES = f"""unshare --ipc perl -e '$n = 0; while ($n < 200) {{ $name = "prueba$$-$n";
  last if syscall({CALLS["mq_open"]}, $name, 0102, 0600, 0) < 0; syscall({CALLS["mq_unlink"]}, $name); $n++ }}
$| = 1; print "$n\\n"; <STDIN>'"""


def test_message_queues_of_one_are_not_taken_from_another(tmp_path: Path) -> None:
    for bundle in ("una", "otra"):
        (tmp_path / bundle).mkdir()
    (tmp_path / "una" / "config.json").write_text(json.dumps(sandbox_config()))
    enter = f"nsenter --user=$(grep -o '/proc/[0-9]*/ns/user' {tmp_path}/una/config.json) {TAKE_QUEUES}"
    greedy = subprocess.Popen(
        ["python3", "-IS", str(RUNTIME / "create.py"), str(tmp_path / "una"), "/the/hook", "sh", "-c", enter],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert greedy.stdin
    assert greedy.stdout
    with greedy:
        taken = int(greedy.stdout.readline())
        assert 0 < taken <= 3
        assert int(joined(tmp_path / "otra", f"{TAKE_QUEUES} </dev/null")) == taken
        greedy.stdin.close()


def test_nobody_stays_behind(tmp_path: Path) -> None:
    joined(tmp_path, "true")
    namespace = Path(json.loads((tmp_path / "config.json").read_text())["linux"]["namespaces"][1]["path"])
    wait_until(lambda: not namespace.parent.parent.exists(), seconds=5)


def test_the_doctor_expects_the_same_ceilings() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "from create import *; print(json.dumps([CEILINGS, LIMITS[resource.RLIMIT_SIGPENDING]]))",
        ],
        cwd=RUNTIME,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    ceilings, signals = json.loads(said)
    assert max(most for name, most in ceilings.items() if name.endswith("_namespaces")) == CEILINGS["namespaces"]
    assert (signals, ceilings["inotify_instances"], ceilings["inotify_watches"]) == (
        CEILINGS["signals"],
        CEILINGS["inotify"],
        CEILINGS["watches"],
    )
