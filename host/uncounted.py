"""Ends the sandbox that makes the kernel take memory which counts for nobody: its networks' neighbours, bridges, connections.

    python -m host.uncounted NAMESPACE ENDINGS        as the `uncounted` service does, as root

A sandbox's root rules network namespaces of its own, and much of what the kernel keeps for those is in nobody's limit (a
hundred thousand neighbours, 49 MB, in a second: seen); nor does the kernel say whose it is. So, when such memory has grown,
those who made the kernel work meanwhile stand still for a moment, one after another: if the growth does too with one of them,
and goes on with it, it is theirs. What is ended is kept, like any sandbox that stopped, and its student is told.

Growth below a few megabytes a second is not seen.
"""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from host import endings
from host.groups import end
from host.instance import Instance
from host.processes import OUR_PYTHON, ours
from host.supervisor import Service

GROWN = 256 << 20
"""Bytes more than the least since the last look, for a look at whose they are."""
LEAST = 2 << 20
"""Bytes more within MOMENT that can be told from what happens anyway."""
EVERY, MOMENT = 1.0, 0.5
"""Seconds between two readings, and those that a suspect stands still."""
SUSPECTS = 5
CGROUPS = Path("/sys/fs/cgroup")


def service(lab: Instance) -> Service:
    return Service(
        name="uncounted",
        argv=ours("host.uncounted", lab.namespace, str(endings.folder(lab))),
        env=OUR_PYTHON,
        ready=lambda: True,
    )


def taken(namespace: str) -> int:
    """Bytes of the kernel's own that cannot be had back, without those in the limits of the lab's sandboxes."""
    return _number("/proc/meminfo", r"SUnreclaim: +(\d+)") * 1024 - _counted(namespace)


def _counted(namespace: str) -> int:
    with suppress(OSError):
        return int((CGROUPS / "memory" / namespace / "memory.kmem.usage_in_bytes").read_text())
    return _number(CGROUPS / namespace / "memory.stat", r"slab_unreclaimable (\d+)")


def _number(file: Path | str, pattern: str) -> int:
    with suppress(OSError):
        if found := re.search(pattern, Path(file).read_text()):
            return int(found[1])
    return 0


def worked(namespace: str) -> dict[str, int]:
    """The kernel's time for each container of the lab, in whatever unit; they are compared alone."""
    found: dict[str, int] = {}
    for group in (*CGROUPS.glob(f"*/{namespace}/*/cpuacct.usage_sys"), *CGROUPS.glob(f"{namespace}/*/cpu.stat")):
        found[group.parent.name] = _number(group, r"(?:system_usec |^)(\d+)")
    return found


@contextmanager
def standing_still(namespace: str, container: str) -> Iterator[None]:
    """Hold all that runs in it; what somebody else holds (a paused one) stays as it is."""
    states = [
        (state, still, moves)
        for pattern, still, moves in (
            (f"*/{namespace}/{container}/freezer.state", "FROZEN", "THAWED"),
            (f"{namespace}/{container}/cgroup.freeze", "1", "0"),
        )
        for state in CGROUPS.glob(pattern)
        if state.read_text().strip() == moves
    ]
    try:
        for state, still, _ in states:
            state.write_text(still)
        yield
    finally:
        for state, _, moves in states:
            with suppress(OSError):
                state.write_text(moves)


def culprit(namespace: str) -> str | None:
    """The container whose work makes it grow, if it grows now."""
    before = worked(namespace)
    grows = _growth(namespace)
    if grows < LEAST:
        return None
    now = worked(namespace)
    suspects = sorted((name for name in now if now[name] > before.get(name, 0)), key=lambda name: before.get(name, 0) - now[name])
    for suspect in suspects[:SUSPECTS]:
        # Twice, and not in step with anything: another lab's watcher may be holding its own just now.
        if all(_hangs_on(namespace, suspect, grows) for _ in range(2)):
            return suspect
    return None


def _hangs_on(namespace: str, suspect: str, grows: int) -> bool:
    """Whether it stands still while they do, and goes on with them."""
    time.sleep(random.uniform(0, MOMENT))  # noqa: S311
    with standing_still(namespace, suspect):
        held = _growth(namespace)
    return held < grows / 4 and _growth(namespace) > grows / 2


def _growth(namespace: str) -> int:
    before = taken(namespace)
    time.sleep(MOMENT)
    return taken(namespace) - before


def watch(namespace: str, told: Path) -> None:
    """For ever."""
    least = taken(namespace)
    while True:
        now = taken(namespace)
        least = min(least, now)
        if now > least + GROWN:
            if found := culprit(namespace):
                print(f"ended {found}: kernel memory that counts for nobody", flush=True)
                endings.note(told, found, endings.Ending.KERNEL)
                end(namespace, found)
            least = taken(namespace)
        time.sleep(EVERY)


if __name__ == "__main__":
    watch(sys.argv[1], Path(sys.argv[2]))
