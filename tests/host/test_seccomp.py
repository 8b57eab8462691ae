"""The seccomp profiles, judged rule by rule as libseccomp would."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host import seccomp

PROFILE, CONFINED = seccomp.profile(), seccomp.confined()
ALLOW, ERRNO = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"
HIGH = 0xABCD << 32
"""Bits of a 64-bit register that the kernel does not read in a 32-bit argument."""
AF_INET, AF_UNIX, AF_NETLINK = 2, 1, 16


def _matches(rule: dict[str, Any], args: tuple[int, ...]) -> bool:
    """Whether every condition of a rule holds; libseccomp compares all 64 bits of an argument."""
    for condition in rule["args"]:
        given, value, second = args[condition["index"]], condition["value"], condition["valueTwo"]
        match condition["op"]:
            case "SCMP_CMP_EQ":
                holds = given == value
            case "SCMP_CMP_NE":
                holds = given != value
            case "SCMP_CMP_MASKED_EQ":
                holds = given & value == second
            case unknown:
                raise AssertionError(f"teach this test about {unknown}")
        if not holds:
            return False
    return True


def rules_for(name: str, *args: int, profile: dict[str, Any] = PROFILE) -> Iterator[dict[str, Any]]:
    return (rule for rule in profile["syscalls"] if name in rule["names"] and _matches(rule, args))


def verdicts(name: str, *args: int, profile: dict[str, Any] = PROFILE) -> set[tuple[str, int | None]]:
    """What the rules that match a call say: their actions and errnos."""
    return {(rule["action"], rule.get("errnoRet")) for rule in rules_for(name, *args, profile=profile)}


REFUSED = [call for calls in seccomp.REFUSED.values() for call in calls]


@pytest.mark.parametrize("name", REFUSED)
def test_refused_calls_have_one_answer_and_it_is_ours(name: str) -> None:
    assert verdicts(name, 0, 0, 0) == {(ERRNO, seccomp.EREMCHG)}


@pytest.mark.parametrize("name", ["add_key", "keyctl", "request_key"])
def test_keyrings_do_not_exist(name: str) -> None:
    assert verdicts(name, 0, 0) == {(ERRNO, seccomp.ENOSYS)}


def test_what_nobody_listed_is_refused() -> None:
    assert PROFILE["defaultAction"] == ERRNO
    assert verdicts("no_such_call") == set()


@pytest.mark.parametrize("name", ["clone", "clone3", "unshare", "setns", "mount", "umount2", "pivot_root", "execve", "seccomp", "bind"])
def test_what_an_engine_needs_is_allowed(name: str) -> None:
    assert verdicts(name, 0, 0, 0) == {(ALLOW, None)}


BTRFS = {"subvolume": 0x5000940E, "snapshot": 0x50009401, "quota": 0xC0109428, "clone": 0x40049409, "destroy": 0x5000940F, "bare": 0x9400}


@pytest.mark.parametrize("high", [0, HIGH], ids=["", "high bits set"])
@pytest.mark.parametrize("command", BTRFS.values(), ids=BTRFS)
def test_ioctls_of_btrfs_are_refused(command: int, high: int) -> None:
    assert verdicts("ioctl", 3, command | high, 0) == {(ERRNO, seccomp.ENOTTY)}


def test_every_number_of_the_btrfs_type_is_refused() -> None:
    answers = [verdicts("ioctl", 3, 0xC0009400 | number, 0) for number in range(256)]
    assert answers == [{(ERRNO, seccomp.ENOTTY)}] * 256


ORDINARY = {
    "TCGETS": 0x5401,
    "TIOCGWINSZ": 0x5413,
    "TIOCSPTLCK": 0x40045431,
    "FIONREAD": 0x541B,
    "SIOCGIFCONF": 0x8912,
    "LOOP_CTL_GET_FREE": 0x4C82,
    "TUNSETIFF": 0x400454CA,
}


@pytest.mark.parametrize("high", [0, HIGH], ids=["", "high bits set"])
@pytest.mark.parametrize("command", ORDINARY.values(), ids=ORDINARY)
def test_other_ioctls_are_allowed(command: int, high: int) -> None:
    assert verdicts("ioctl", 3, command | high, 0) == {(ALLOW, None)}


def test_ioctl_types_are_split_in_two_without_rest() -> None:
    refused = {type_ for type_ in range(256) if (ALLOW, None) not in verdicts("ioctl", 0, type_ << 8, 0)}
    assert refused == {seccomp.BTRFS_IOCTL_TYPE}


@pytest.mark.parametrize("family", [AF_UNIX, AF_INET, seccomp.AF_INET6, AF_NETLINK])
def test_ordinary_sockets_are_allowed(family: int) -> None:
    assert verdicts("socket", family, 1, 0) == {(ALLOW, None)}


AF_PACKET, AF_TIPC, AF_ALG, AF_VSOCK = 17, 30, 38, 40


@pytest.mark.parametrize("high", [0, HIGH], ids=["", "high bits set"])
@pytest.mark.parametrize("call", ["socket", "socketpair"])
@pytest.mark.parametrize("family", [AF_PACKET, AF_TIPC, AF_ALG, AF_VSOCK])
def test_sockets_of_other_families_are_refused(call: str, family: int, high: int) -> None:
    assert verdicts(call, family | high, 1, 0) == set()


def test_pairs_are_of_this_machine() -> None:
    assert verdicts("socketpair", AF_UNIX, 1, 0) == {(ALLOW, None)}
    assert verdicts("socketpair", AF_INET, 1, 0) == set()


@pytest.mark.parametrize(("persona", "allowed"), [(0, True), (0xFFFFFFFF, True), (0x0008, True), (0x0040000, False), (0x0200000, False)])
def test_only_harmless_personalities_are_allowed(persona: int, allowed: bool) -> None:
    assert ((ALLOW, None) in verdicts("personality", persona)) == allowed


def test_no_call_is_listed_twice_without_conditions() -> None:
    names = [name for rule in PROFILE["syscalls"] if not rule["args"] for name in rule["names"]]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("name", ["ioctl", "socket", "socketpair", "personality"])
def test_calls_with_conditions_have_no_rule_without_them(name: str) -> None:
    assert all(rule["args"] for rule in PROFILE["syscalls"] if name in rule["names"])


CLONE_NEWUSER, CLONE_NEWNS, CLONE_THREAD_FLAGS, SIGCHLD = 0x1000_0000, 0x2_0000, 0x3D0F00, 17


@pytest.mark.parametrize("name", ["unshare", "setns", "mount", "move_mount", "pivot_root", "mknod", "ptrace", "process_vm_readv", "chroot"])
def test_the_sites_containers_are_no_engines(name: str) -> None:
    assert verdicts(name, 0, 0, 0, profile=CONFINED) == set()


@pytest.mark.parametrize(
    ("flags", "allowed"), [(SIGCHLD, True), (CLONE_THREAD_FLAGS, True), (CLONE_NEWUSER | SIGCHLD, False), (CLONE_NEWNS | HIGH, False)]
)
def test_the_sites_containers_clone_into_no_other_namespace(flags: int, allowed: bool) -> None:
    assert verdicts("clone", flags, profile=CONFINED) == ({(ALLOW, None)} if allowed else set())
    assert verdicts("clone3", profile=CONFINED) == {(ERRNO, seccomp.ENOSYS)}


def test_the_sites_containers_may_nothing_that_sandboxes_may_not() -> None:
    names = {name for rule in CONFINED["syscalls"] if rule["action"] == ALLOW for name in rule["names"]}
    assert names < {name for rule in PROFILE["syscalls"] if rule["action"] == ALLOW for name in rule["names"]}
    assert all(verdicts(name, 0, 0, 0, profile=CONFINED) == {(ERRNO, seccomp.EREMCHG)} for name in REFUSED)
    assert verdicts("socket", AF_VSOCK, 1, 0, profile=CONFINED) == set()


def test_only_this_machines_architecture_is_admitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert seccomp.profile()["architectures"] == ["SCMP_ARCH_AARCH64"]


def test_the_file_is_what_docker_reads(tmp_path: Path) -> None:
    seccomp.write(tmp_path / "seccomp.json")
    assert json.loads((tmp_path / "seccomp.json").read_text()) == PROFILE
