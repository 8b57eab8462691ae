"""Who leaves descriptors under way is found, however many it has open besides."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from host import descriptors

USER = 1_000_000 + 40_000
"""Of no sandbox's root: nobody's lab is disturbed."""
SEND = f"""
import array, os, resource, socket, sys
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
os.setresuid({USER}, {USER}, {USER})
pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(5)]
for there, here in pairs:
    there.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * int(sys.argv[1])))])
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def small_limit() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors.MOST, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def sender(each: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", SEND, str(each)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    return process


def test_past_the_limit_nobody_of_that_user_sends_one_more_and_after_it_they_may_again(small_limit: None) -> None:
    with sender(50):
        assert not descriptors.refused(USER)
        with sender(200) as greedy:
            assert descriptors.refused(USER)
            assert descriptors.held(iter([greedy.pid])) == 1000
            assert not descriptors.refused(USER + 1)
            greedy.kill()
        assert not descriptors.refused(USER)


def test_who_has_more_than_can_be_looked_at_holds_the_most(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(descriptors, "LOOKED", 10)
    for pid, many, says in ((1, 3, "scm_fds:\t700\n"), (2, 11, "pos:\t0\n")):
        (tmp_path / f"{pid}" / "fdinfo").mkdir(parents=True)
        for number in range(many):
            (tmp_path / f"{pid}" / "fdinfo" / f"{number}").write_text(says)
    assert descriptors.held(iter([1, 3]), tmp_path) == 2100
    assert descriptors.held(iter([2]), tmp_path) > descriptors.LOOKED


def test_whoever_holds_the_most_is_the_culprit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(descriptors, "CGROUPS", tmp_path)
    monkeypatch.setattr(descriptors, "members", lambda group: iter([int(group.name)]))
    counts = {"1": 0, "2": 3, "3": 900}
    monkeypatch.setattr(descriptors, "group_of", lambda _namespace, name: Path(name))
    monkeypatch.setattr(descriptors, "held", lambda pids: counts[str(next(pids))])
    for name in counts:
        (tmp_path / "pids" / "docker-intensivo-x" / name).mkdir(parents=True)
    assert descriptors.culprit("docker-intensivo-x") == "3"
    counts.update({"3": 0, "2": 0})
    assert descriptors.culprit("docker-intensivo-x") is None
