"""From the container itself: its rights, the kernel, files, secrets, processes."""

import ctypes
import errno
import os
import runpy
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from intruder.outcome import Outcome, none_of, refused

SECRETS = Path("/run/secrets")
GATE = Path("/run/lab/engine.sock")
FOLDERS = (
    *("/", "/etc", "/etc/laboratorio", "/usr/local/bin", "/opt/lab", "/srv/lab", "/srv/lab/labsite", "/srv/curso", "/srv/registro"),
    *("/run", "/run/lab", "/run/secrets", "/dev", "/sys/fs/cgroup", "/proc/sys/kernel"),
)
TMP, SHM = Path("/tmp"), Path("/dev/shm")  # noqa: S108  # the container's own
NOT_OURS_TO_KEEP = ("/proc", "/sys", "/dev", str(TMP))
RECORDINGS = "/srv/grabaciones"
LEVERS = (
    *("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/overcommit_memory", "/proc/sysrq-trigger"),
    *("/sys/kernel/uevent_helper", "/sys/kernel/mm/ksm/run", "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/memory.limit_in_bytes"),
    *("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/devices/devices.allow"),
)
WINDOWS = ("/proc/kcore", "/proc/kmsg", "/dev/kmsg", "/dev/mem", "/proc/keys", "/proc/timer_list", "/sys/firmware/dmi/tables/DMI")
PTRACE_SEIZE = 0x4206
"""Traces without stopping."""
FAMILIES = {"tramas": 17, "cifrado del núcleo": 38, "hipervisor": 40, "Bluetooth": 31, "TIPC": 30, "RDS": 21}


def own_rights() -> Outcome:
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    bare = {name: status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")}
    held = os.getuid() != 0 and all(int(bare[name], 16) == 0 for name in bare if name.startswith("Cap"))
    return (
        held and bare["NoNewPrivs"] == "1" and bare["Seccomp"] == "2",
        f"uid {os.getuid()}, capacidades {bare['CapBnd'].lstrip('0') or 'ninguna'}, "
        f"no_new_privs {bare['NoNewPrivs']}, seccomp {bare['Seccomp']}",
    )


def become_root() -> Outcome:
    return refused(lambda: os.setuid(0))


def kernel_calls() -> Outcome:
    libc = ctypes.CDLL(None, use_errno=True)
    calls = {
        "unshare": lambda: libc.unshare(0x10000000),
        "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
        "mknod": lambda: libc.mknod(b"/tmp/intruso-disco", stat.S_IFBLK | 0o600, os.makedev(8, 0)),
        "ptrace": lambda: libc.ptrace(PTRACE_SEIZE, 1, None, None),
    }
    return none_of([name for name, call in calls.items() if call() == 0], otherwise="todas fallan")


def filtered_calls() -> Outcome:
    """The filter's answer is an errno that no kernel gives to these calls."""
    libc = ctypes.CDLL(None, use_errno=True)
    known = runpy.run_path("/srv/lab/sandboxes/doctor/syscalls.py")
    calls, through = known["refused"](), []
    for name, number in calls.items():
        ctypes.set_errno(0)
        libc.syscall(number, 0, 0, 0, 0, 0)
        if ctypes.get_errno() != known["expected"](name):
            through.append(f"{name} ({errno.errorcode.get(ctypes.get_errno(), '0')})")
    return none_of(through, otherwise=f"{len(calls)} llamadas, ninguna llega")


def odd_sockets() -> Outcome:
    opened = []
    for name, family in FAMILIES.items():
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            with suppress(OSError), socket.socket(family, kind):
                opened.append(name)
    return none_of(sorted(set(opened)), otherwise="ninguno se abre")


def write_anywhere() -> Outcome:
    written = []
    for folder in FOLDERS:
        name = Path(folder) / "intruso"
        with suppress(OSError):
            name.touch()
            written.append(folder)
            name.unlink()
    return none_of(written, otherwise="en ninguna")


def _everything() -> Iterator[Path]:
    for folder, folders, names in os.walk("/"):
        place = Path(folder)
        folders[:] = [name for name in folders if str(place / name) not in NOT_OURS_TO_KEEP]
        yield place
        yield from (place / name for name in names)


def change_anything() -> Outcome:
    """Files and folders, all that there are; links and sockets are no places to write."""
    looked, found = 0, []
    for path in _everything():
        with suppress(OSError):
            kind = path.lstat().st_mode
            if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
                continue
            looked += 1
            if os.access(path, os.W_OK) and not str(path).startswith(RECORDINGS):
                found.append(str(path))
    return none_of(found, otherwise=f"ninguno de {looked}")


def pull_levers() -> Outcome:
    """Opened for writing, and nothing is written."""
    opened = []
    for name in LEVERS:
        with suppress(OSError):
            os.close(os.open(name, os.O_WRONLY))
            opened.append(name)
    return none_of(opened, otherwise="ninguna se abre")


def look_at_the_machine() -> Outcome:
    """Masked files are empty."""
    seen = []
    for name in WINDOWS:
        with suppress(OSError):
            handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                if file.read(1):
                    seen.append(name)
    return none_of(seen, otherwise="nada")


def run_from_memory() -> Outcome:
    ran = []
    for folder in (TMP, SHM):
        program = folder / "intruso.sh"
        with suppress(OSError, subprocess.SubprocessError):
            program.write_text("#!/bin/sh\n")
            program.chmod(0o700)
            subprocess.run([program], check=True)
            ran.append(str(folder))
        program.unlink(missing_ok=True)
    return none_of(ran, otherwise="se rechaza")


def others_secrets() -> Outcome:
    found = sorted(path.name for path in SECRETS.iterdir())
    return found == ["database_password", "redis_password", "secret_key"], ", ".join(found)


def private_keys() -> Outcome:
    found = []
    for path in _everything():
        if not str(path).startswith(("/etc", "/run", "/srv", "/root", "/home", "/usr/local")):
            continue
        with suppress(OSError):
            if stat.S_ISREG(path.lstat().st_mode):
                with path.open("rb") as file:
                    if b"PRIVATE KEY-----" in file.read(4096):
                        found.append(str(path))
    return none_of(found, otherwise="ninguna")


def secrets_in_environment() -> Outcome:
    surroundings = Path("/proc/1/environ").read_bytes() + Path("/proc/1/cmdline").read_bytes()
    return none_of([path.name for path in SECRETS.iterdir() if path.read_bytes().strip() in surroundings], otherwise="ninguno")


def sockets() -> Outcome:
    found = []
    for path in _everything():
        with suppress(OSError):
            if stat.S_ISSOCK(path.lstat().st_mode):
                found.append(str(path))
    return set(found) <= {str(GATE), str(GATE.with_name("egress.sock"))}, ", ".join(sorted(found)) or "ninguno"


def other_processes() -> Outcome:
    """By their names; `runc init` is how Docker begins a look at the container's health, in it."""
    strangers = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            program = (folder / "cmdline").read_text().replace("\0", " ").strip()
            if program and not any(word in program for word in ("python", "uvicorn", "docker-init", "tini", "runc init")):
                strangers.append(program[:40])
    return none_of(strangers, otherwise="solo los suyos")


def disks() -> Outcome:
    return none_of([path.name for path in Path("/dev").iterdir() if stat.S_ISBLK(path.lstat().st_mode)], otherwise="ninguno")
