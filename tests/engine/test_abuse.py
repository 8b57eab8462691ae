"""Ana takes all she can get; Bruno's laboratory goes on answering, and only she is told."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.utils import timezone

from sandboxes import engine
from sandboxes.engine import EngineError, Flavor, Limits
from sandboxes.models import Machine, Sandbox, State
from sandboxes.watch import watch
from tests.conftest import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.django_db]
ANSWERS = 5.0

FORK_BOMB = "perl -e 'while (1) { my $p = fork; last unless defined $p; if (!$p) { sleep 60; exit } } print \"no más: \", $!+0; exit 0'"
GREEDY = "for turn in 1 2; do perl -e 'push @a, \"x\" x 8000000 for 1..400'; echo fin $?; done"
# Stops short of the limit: what is killed leaves nothing to see. Page cache that can be had back does not count.
HOG = """cd /sys/fs/cgroup; [ ! -d memory ] || cd memory; perl -e '
sub value { for (@_) { if (open(my $f, "<", $_)) { return <$f>+0 } } die }
sub used { open(my $f, "<", "memory.stat"); local $/; <$f> =~ /^inactive_file (\\d+)/m or die;
  return value("memory.usage_in_bytes", "memory.current") - $1 }
my $limit = value("memory.limit_in_bytes", "memory.max");
push @a, "x" x 2000000 while used() < 0.97 * $limit && @a < 400;
$| = 1; print scalar(@a); if (fork) { exit } close STDOUT; close STDERR; sleep 60'"""
FILL = "dd if=/dev/zero of=/root/lleno bs=1M count=3000 2>&1"
# The inner engine writes it to a log file that has no limit but the disk.
# Most of it is taken beforehand: what is looked at is the end.
LOG_FLOOD = """fallocate -l 700M /var/tmp/ocupado
docker run -d busybox:1.37 yes 'una línea larga, como las de un programa que se queja sin parar'
while fallocate -l 16M /var/tmp/cabe 2>/dev/null; do rm -f /var/tmp/cabe; sleep 0.2; done; echo lleno"""


@contextmanager
def made(lab: Any) -> Iterator[str]:
    name = f"lab-prueba-{uuid.uuid4().hex[:8]}"
    try:
        # The smallest disk: it fills in seconds.
        lab.create(name, hostname="lab", labels={"lab.purpose": "test"}, limits=Limits(), flavor=Flavor(disk="1G"))
        lab.start(name)
        lab.wait_ready(name, seconds=60)
        yield name
    finally:
        lab.remove(name)


@pytest.fixture(scope="module")
def brunos(real_lab: Any) -> Iterator[str]:
    with made(real_lab) as name:
        yield name


@pytest.fixture
def anas(real_lab: Any) -> Iterator[str]:
    engine.use(real_lab)
    with made(real_lab) as name:
        yield name
    engine.use(None)


def ready_sandbox(user: Any, machine: str) -> Sandbox:
    now = timezone.now()
    sandbox = Sandbox.objects.create(user=user, exercise="x", state=State.READY, ready=now, active=now)
    Machine.objects.create(name=machine, sandbox=sandbox, node="lab", disk="1G", state=Machine.State.TAKEN)
    return sandbox


def slowest_answer_while(lab: Any, offender: str, command: str, neighbour: str) -> tuple[float, str]:
    """Run the offender's command; the slowest `docker ps` of the neighbour meanwhile, and what the offender got."""

    def abuse() -> str:
        try:
            return str(lab.run(offender, ["sh", "-c", command], seconds=180).output.decode(errors="replace"))
        except EngineError as error:
            return str(error)

    slowest, last = 0.0, False
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(abuse)
        while not last:
            last = going.done()
            began = time.monotonic()
            assert lab.run(neighbour, ["docker", "ps"], seconds=20).code == 0
            slowest = max(slowest, time.monotonic() - began)
        return slowest, going.result()


@pytest.mark.parametrize(
    ("command", "outcome", "notice"),
    [
        pytest.param(FORK_BOMB, "no más: 11", "límite de procesos (400)", id="fork-bomb"),
        pytest.param(f"{GREEDY}; {HOG}", "fin 137", "límite de memoria (512 MiB)", id="memory-hog"),
        pytest.param(FILL, "quota", "ha llenado su disco (1G)", id="full-disk"),
        pytest.param(LOG_FLOOD, "lleno", "ha llenado su disco (1G)", id="log-flood"),
    ],
)
def test_abuse_leaves_the_neighbour_alone_and_only_the_offender_is_told(
    real_lab: Any, ana: Any, bruno: Any, anas: str, brunos: str, command: str, outcome: str, notice: str
) -> None:
    hers, his = ready_sandbox(ana, anas), ready_sandbox(bruno, brunos)
    watch()
    slowest, said = slowest_answer_while(real_lab, anas, command, brunos)
    print(f"slowest {slowest:.2f} s; {said[-200:]}; {real_lab.usage(anas)}")
    assert slowest < ANSWERS
    assert outcome in said

    def told() -> str:
        watch(interval=1)
        hers.refresh_from_db()
        return hers.notice

    wait_until(told, seconds=20)
    assert notice in hers.notice
    his.refresh_from_db()
    assert his.notice == ""


BOMB_WITHIN = "docker exec duradero sh -c 'i=0; while [ $i -lt 1000 ]; do sleep 2 & i=$((i+1)); done' 2>&1"


def test_a_bomb_in_a_container_that_is_over_before_the_next_look_is_told_each_time(real_lab: Any, ana: Any, anas: str) -> None:
    hers = ready_sandbox(ana, anas)
    real_lab.run(anas, ["sh", "-c", "docker run -d --init --name duradero busybox:1.37 sleep 3600"], seconds=60)
    watch(interval=1)
    for _ in range(2):
        assert "can't fork" in real_lab.run(anas, ["sh", "-c", BOMB_WITHIN], seconds=60).output.decode(errors="replace")
        wait_until(lambda: real_lab.usage(anas).pids < 100, seconds=60)
        watch(interval=1)
        hers.refresh_from_db()
        assert "límite de procesos (400)" in hers.notice
        Sandbox.objects.update(notice="")
        watch(interval=1)
        hers.refresh_from_db()
        assert hers.notice == "", "once for each"
