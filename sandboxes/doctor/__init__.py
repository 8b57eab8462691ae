"""The isolation doctor: raises two real sandboxes, attacks from one, and says what held.

`examine` yields findings; `refuse_unsafe` is what keeps the web from opening in public on an unsafe engine.
"""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.utils.translation import gettext as _

from sandboxes.doctor.attacks import LOUD, QUIET, Attack
from sandboxes.engine import EngineError, EngineUnreachable, LabEngine, Limits, lab_engine
from sandboxes.models import DoctorRun

NEIGHBOUR_SECONDS = 5
"""How soon a neighbour must answer while it is attacked."""


@dataclass(frozen=True)
class Finding:
    """One attempt and what came of it."""

    attempt: str
    expected: str
    observed: str
    held: bool


def examine(engine: LabEngine, attacks: tuple[Attack, ...] = QUIET + LOUD) -> Iterator[Finding]:
    """Try every attack from one sandbox beside another; both are removed at the end."""
    with _sandbox(engine) as attacker, _sandbox(engine) as neighbour:
        engine.run(neighbour, ["sh", "-c", "docker run -d -p 8099:80 busybox:1.37 httpd -f"], seconds=60)
        address = engine.run(neighbour, ["hostname", "-i"]).output.decode().split()[0]
        for attack in attacks:
            command = attack.command.replace("{neighbour}", address).replace("{host}", _source_towards(address))
            yield _try(engine, attack, command, attacker, neighbour)


def host_lacks() -> list[str]:
    """What this host cannot offer, and what that touches."""
    lacking = []
    if not Path("/proc/net/ip_vs").exists():
        lacking.append(_("IPVS: en Swarm no hay malla de entrada ni VIP; se usa «--endpoint-mode dnsrr» y «mode=host»."))
    if not Path("/sys/fs/cgroup/cgroup.controllers").exists():
        lacking.append(_("cgroup v2: este núcleo usa v1; los límites funcionan igual."))
    if not Path("/sys/kernel/security/apparmor").exists():
        lacking.append(_("AppArmor: aíslan los espacios de nombres, seccomp y las capacidades."))
    return lacking


def refuse_unsafe() -> None:
    """Raise ImproperlyConfigured if the lab must not be opened to the public: its engine maps no ids, or the
    doctor's last run failed. An engine that does not answer is no reason: it may come up later."""
    if settings.DEBUG:
        return
    try:
        last = DoctorRun.objects.order_by("-when").first()
    except DatabaseError:
        last = None  # not migrated yet
    if last and not last.passed:
        raise ImproperlyConfigured(
            _("El último examen de aislamiento falló: míralo con «manage.py lab_doctor», arréglalo y repítelo antes de abrir.")
        )
    try:
        remapped = lab_engine().remaps_users()
    except EngineUnreachable:
        return
    if not remapped:
        raise ImproperlyConfigured(_("El motor del laboratorio no cambia los identificadores (userns-remap): no se puede abrir así."))


def _try(engine: LabEngine, attack: Attack, command: str, attacker: str, neighbour: str) -> Finding:
    try:
        result = engine.run(attacker, ["sh", "-c", command], seconds=attack.seconds)
    except EngineError as error:
        return Finding(str(attack.name), str(attack.expected), _("no terminó: %(error)s") % {"error": error}, held=False)
    said = result.output.decode(errors="replace").strip().replace("\n", " / ")[-100:]
    observed = _("código %(code)d") % {"code": result.code} + (f": {said}" if said else "")
    held = attack.holds(result)
    if held and attack.then_neighbour:
        began = time.monotonic()
        try:
            held = engine.run(neighbour, ["sh", "-c", attack.then_neighbour], seconds=NEIGHBOUR_SECONDS).code == 0
        except EngineError:
            held = False
        took = time.monotonic() - began
        observed += _("; el vecino respondió en %(seconds).1f s") % {"seconds": took} if held else _("; el vecino no respondió")
    return Finding(str(attack.name), str(attack.expected), observed, held)


@contextmanager
def _sandbox(engine: LabEngine) -> Iterator[str]:
    name = f"lab-examen-{uuid.uuid4().hex[:8]}"
    try:
        engine.create(name, hostname="lab", labels={"lab.purpose": "doctor"}, limits=Limits(), disk="3G")
        engine.start(name)
        engine.wait_ready(name, seconds=60)
        yield name
    finally:
        engine.remove(name)


def _source_towards(address: str) -> str:
    """The host's own address on the way to a sandbox. Sends nothing: a UDP socket only picks its route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        return str(probe.getsockname()[0])
