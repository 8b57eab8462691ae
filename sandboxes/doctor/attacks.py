"""Every attempt of the doctor's, in order: first what could get out, then what could take from the others."""

from __future__ import annotations

from sandboxes.doctor.attempt import Attack
from sandboxes.doctor.escapes import escapes
from sandboxes.doctor.exhaustion import exhaustions
from sandboxes.doctor.network import over_the_network


def attacks() -> tuple[Attack, ...]:
    return (*escapes(), *over_the_network(), *exhaustions())
