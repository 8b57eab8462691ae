"""Asks a real machine what is true of it, for the boxes *En tu máquina* of the lessons (lessons/facts.py).

It changes nothing in the machine, and works in one that somebody uses. What it asks is one script, whose answers are
read by `read`, which is pure. Refuses to decide which box is shown.
"""

from __future__ import annotations

import json
import os

import structlog
from django.conf import settings
from django.core.cache import cache

from lessons import facts
from lessons.facts import NO, YES
from sandboxes.engine import EngineError, lab_engine

log = structlog.get_logger()

SECONDS = 30
SCRIPT = r"""
docker info --format 'info {{json .}}'
# No engine without the legacy builder reads a Dockerfile by this way; what it reads here is none.
folder=$(mktemp -d) && echo LAB >"$folder/Dockerfile" &&
    echo "antiguo $(tar -C "$folder" -c Dockerfile | curl -s --unix-socket /run/docker.sock \
        --data-binary @- -H 'Content-Type: application/x-tar' 'http://motor/build?version=1')"
rm -rf "$folder"
echo "limite $(cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null | head -n 1)"
echo "ipvs $(ls /proc/net/ip_vs 2>/dev/null)"
echo "ipv6 $(cat /proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null)"
echo "systemd $(ls -d /run/systemd/system 2>/dev/null)"
echo "usuarios $(head -n 1 /proc/self/uid_map)"
echo "internet $(getent hosts registry-1.docker.io)"
"""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_SEEN = "machine-facts-of"
_WHOLE = "4294967295"
"""How many users an unmapped namespace has."""


def learn(machine: str) -> None:
    """Keep what is true of this lab's machines, unless one like it has been asked already. A probe that fails waits for the next."""
    of = f"{settings.ENV.sandbox_image} {os.uname().release}"
    if cache.get(_SEEN) == of:
        return
    try:
        facts.keep(probe(machine))
    except EngineError as error:
        log.warning("a machine could not be probed", machine=machine, error=str(error))
        return
    cache.set(_SEEN, of, None)


def probe(machine: str) -> dict[str, str]:
    """Every fact of a running machine; raises EngineError."""
    done = lab_engine().run(machine, ["sh", "-c", SCRIPT], seconds=SECONDS)
    try:
        return read(done.output.decode(errors="replace"))
    except (KeyError, ValueError) as error:
        raise EngineError(f"the probe of {machine} answered what it should not: {error}") from error


def read(answers: str) -> dict[str, str]:
    """The facts in the script's answers; raises KeyError or ValueError if they are not those of an engine."""
    told = dict(line.partition(" ")[::2] for line in answers.splitlines() if " " in line)
    info = json.loads(told["info"])
    limit = int(told["limite"]) if told["limite"].isdigit() else info["MemTotal"]
    store = dict(pair for pair in info.get("DriverStatus") or [] if len(pair) == 2)
    return {
        "motor": info["ServerVersion"].partition("+")[0],
        "controlador": info["Driver"],
        "containerd": _yes("containerd.snapshotter" in store.get("driver-type", "")),
        "antiguo": _yes("unknown instruction" in told["antiguo"]),
        "cgroup": info["CgroupVersion"],
        "ipvs": _yes(told["ipvs"]),
        "ipv6": _yes(told["ipv6"].strip() == "0"),
        "systemd": _yes(told["systemd"]),
        "internet": _yes(told["internet"]),
        "privilegiado": _yes(told["usuarios"].split()[-1:] == [_WHOLE]),
        "recursos": "ajenos" if info["MemTotal"] > limit else "propios",
        "memoria": str(min(limit, info["MemTotal"]) >> 20),
        "escritorio": _yes("Docker Desktop" in info["OperatingSystem"]),
        "arquitectura": _ARCHITECTURES.get(info["Architecture"], info["Architecture"]),
        "nucleo": info["KernelVersion"],
    }


def _yes(found: object) -> str:
    return YES if found else NO
