"""Ends and removes what a lab, or a killed one of its name, left on the host: processes, cgroups, networks, mounts, files.

Safe over nothing at all; what is kept (disk, data, secrets) lies elsewhere and is not touched.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

from host import network, routes, storage
from host.instance import Instance
from host.shell import sh, succeeds


def clear(lab: Instance) -> None:
    """End and remove what this lab, or a killed one of its name, left on the host."""
    for group in Path("/sys/fs/cgroup").glob(f"**/{lab.namespace}"):
        for procs in group.rglob("cgroup.procs"):
            with suppress(OSError):
                _kill([int(pid) for pid in procs.read_text().split()])
    if network.exists(lab):
        _kill([int(pid) for pid in sh("ip", "netns", "pids", lab.namespace, check=False).split()])
    for group in Path("/sys/fs/cgroup").glob(f"**/{lab.namespace}"):
        for folder in sorted(group.rglob("*"), key=lambda path: -len(path.parts)):
            if folder.is_dir():
                with suppress(OSError):
                    folder.rmdir()
        with suppress(OSError):
            group.rmdir()
    network.tear_down(lab)
    routes.close(lab)
    storage.unmount(lab)
    for line in reversed(sh("findmnt", "-rno", "TARGET", check=False).splitlines()):
        if line.startswith(f"{lab.run}/"):
            succeeds("umount", "-l", line)
    lab.plugin_socket.unlink(missing_ok=True)
    if lab.run.exists():
        for child in (*lab.run.iterdir(), *(lab.gate_folder.iterdir() if lab.gate_folder.exists() else ())):
            # Containers of Compose hold the last one, and find there what comes back to it.
            if child.name in ("app", "python", lab.gate_folder.name):
                continue
            shutil.rmtree(child, ignore_errors=True) if child.is_dir() else child.unlink(missing_ok=True)


def _kill(pids: list[int]) -> None:
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
