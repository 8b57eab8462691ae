"""Ends and removes what a lab, or a killed one of its name, left on the host: processes, cgroups, networks, mounts, files.

Safe over nothing at all; what is kept (disk, data, secrets) lies elsewhere and is not touched.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from host import compose_engine, network, routes, storage
from host.instance import Instance
from host.shell import sh, succeeds


def clear(lab: Instance) -> None:
    """End and remove what this lab, or a killed one of its name, left on the host."""
    groups = list(Path("/sys/fs/cgroup").glob(f"**/{lab.namespace}"))
    thaw(groups)
    inside = {pid for group in groups for pid in members(group)}
    if network.exists(lab):
        inside |= {int(pid) for pid in sh("ip", "netns", "pids", lab.namespace, check=False).split()}
    _kill(inside | _of_engine(lab) | _of_compose(lab))
    for group in groups:
        for folder in sorted(group.rglob("*"), key=lambda path: -len(path.parts)):
            if folder.is_dir():
                with suppress(OSError):
                    folder.rmdir()
        with suppress(OSError):
            group.rmdir()
    network.tear_down(lab)
    routes.close(lab)
    compose_engine.forget(lab)
    storage.unmount(lab)
    for line in reversed(sh("findmnt", "-rno", "TARGET", check=False).splitlines()):
        if line.startswith((f"{lab.run}/", str(lab.compose_data))):
            succeeds("umount", "-l", line)
    lab.plugin_socket.unlink(missing_ok=True)
    if lab.run.exists():
        for child in (*lab.run.iterdir(), *(lab.gate_folder.iterdir() if lab.gate_folder.exists() else ())):
            # Containers of Compose hold the last one, and find there what comes back to it.
            if child.name in ("app", "python", lab.gate_folder.name):
                continue
            shutil.rmtree(child, ignore_errors=True) if child.is_dir() else child.unlink(missing_ok=True)


def thaw(groups: Iterable[Path]) -> None:
    """A warm machine is paused, and what is frozen does not die before it thaws."""
    for group in groups:
        for name, thawed in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            for state in group.rglob(name):
                with suppress(OSError):
                    state.write_text(thawed)


def members(group: Path) -> Iterator[int]:
    """The processes of a cgroup and of those below."""
    for procs in group.rglob("cgroup.procs"):
        with suppress(OSError):
            yield from (int(pid) for pid in procs.read_text().split())


def _of_engine(lab: Instance) -> set[int]:
    """The gate, and the keepers of containers, which stay when their engine is killed: they are in no cgroup of the lab's."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            program, *arguments = (folder / "cmdline").read_text(errors="replace").split("\0")
            keeps = Path(program).name.startswith("containerd-shim") and any(word.startswith(f"{lab.run}/") for word in arguments)
            if keeps or str(lab.plugin_socket) in arguments:
                found.add(int(folder.name))
    return found - {os.getpid()}


def _of_compose(lab: Instance) -> set[int]:
    """The first processes of Compose's containers in an engine of ours that was killed with the keepers: all else in one ends with it.

    The next engine would not know of them, and start a second database over the files of the first."""
    found = set()
    for file in lab.rundir("compose-exec").glob("containerd/daemon/*/*/*/init.pid"):
        with suppress(OSError, ValueError):
            pid = int(file.read_text())
            if file.parent.name in Path(f"/proc/{pid}/cgroup").read_text():
                found.add(pid)
    return found


def _kill(pids: Collection[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() and not _is_zombie(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)


def _is_zombie(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    return True
