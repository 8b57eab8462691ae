"""What a server costs: processor time and memory of its processes, of the lab engine's, and of the machines."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandboxes.engine import lab_engine

_TICK = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> set[int]:
    """A process and all below it."""
    children: dict[int, list[int]] = {}
    for pid in _pids():
        if (fields := _stat(pid)) is not None:
            children.setdefault(int(fields[1]), []).append(pid)
    found, waiting = set(), [root]
    while waiting:
        pid = waiting.pop()
        found.add(pid)
        waiting += children.get(pid, [])
    return found


def engine_processes(lab: str) -> set[int]:
    """dockerd, containerd and their shims of this lab."""
    marks = (f"docker-intensivo/{lab}/", f"docker-intensivo-{lab}")
    return {
        pid for pid in _pids() if (line := _command(pid)) and ("containerd" in line or "dockerd" in line) and any(m in line for m in marks)
    }


def site_process(port: int) -> int:
    """The web server that listens there."""
    for pid in _pids():
        line = _command(pid)
        if "uvicorn labsite.asgi:application" in line and f"--port {port} " in line and not line.startswith("setpriv"):
            return pid
    raise SystemExit(f"no web server of the site listens on port {port}")


def attachments(engine: set[int]) -> set[int]:
    """The `lab-shells attach` of the machines of this engine, as the host sees them."""
    return {pid for pid in _pids() if "lab-shells attach" in _command(pid) and int((_stat(pid) or ["", "0"])[1]) in engine}


def cpu(pids: Iterable[int]) -> float:
    """Seconds of processor, with those of children that ended."""
    total = 0
    for pid in pids:
        if (fields := _stat(pid)) is not None:
            total += sum(int(value) for value in fields[11:15])
    return total / _TICK


def machines_cpu(names: Iterable[str]) -> float:
    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(lambda name: lab_engine().usage(name).cpu, names)) / 1e9


def memory(pids: Iterable[int]) -> int:
    """Bytes, pages that are shared counted once among those who share them."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _stat(pid: int) -> list[str] | None:
    """The fields after the name: state, parent…"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
