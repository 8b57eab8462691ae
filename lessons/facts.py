"""What is true of the students' machines, for the boxes *En tu máquina*, which are shown only where they are true.

A probe of a real machine (sandboxes/probe.py) hands what it saw to `keep`; until one has been seen, what is kept with the
code holds (facts.json). Which facts there are is here, with the conditions that a box may put on them. Refuses to know
how they are found out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.core.cache import cache as store

Facts = Mapping[str, str]
YES, NO = "sí", "no"
KNOWN = {
    "motor": "la versión del motor, como 26.1.5",
    "controlador": "el controlador de almacenamiento, como overlay2",
    "containerd": "sí, si las imágenes se guardan en containerd",
    "antiguo": "sí, si el motor tiene aún el constructor antiguo",
    "cgroup": "la versión de los grupos de control: 1 o 2",
    "ipvs": "sí, si el núcleo reparte conexiones por IPVS",
    "ipv6": "sí, si los puertos se publican también en IPv6",
    "systemd": "sí, si el motor lo lleva systemd",
    "internet": "sí, si se llega a Docker Hub",
    "privilegiado": "sí, si funciona `--privileged`",
    "recursos": "propios; o ajenos, si la memoria de la que habla el motor no es toda de la máquina",
    "memoria": "los MiB que puede gastar la máquina",
    "escritorio": "sí, si el motor es el de Docker Desktop",
    "arquitectura": "la del procesador, como amd64",
    "nucleo": "la versión del núcleo",
}
"""Every fact, and what its value says."""
KEPT = Path(__file__).with_name("facts.json")
_KEY = "machine-facts"
_CONDITION = re.compile(r"([a-z0-9_]+)(>=|!=|<|=)(.+)")
_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True)
class Condition:
    """One of a box's: `cgroup=1`, `motor<29`. `<` and `>=` compare versions, number by number."""

    name: str
    sign: str
    value: str

    def holds(self, facts: Facts) -> bool:
        seen = facts.get(self.name, "")
        match self.sign:
            case "=":
                return seen == self.value
            case "!=":
                return seen != self.value
            case "<":
                return bool(seen) and _version(seen) < _version(self.value)
            case _:
                return bool(seen) and _version(seen) >= _version(self.value)


def condition(word: str) -> Condition | str:
    """The condition that a word says, or what is wrong with it."""
    found = _CONDITION.fullmatch(word)
    if not found:
        return f"«{word}» no es una condición, como «motor<29» o «cgroup=1»."
    if found[1] not in KNOWN:
        return f"no hay ningún dato «{found[1]}» de la máquina; los hay: {', '.join(KNOWN)}."
    if found[2] in ("<", ">=") and not _NUMBERS.fullmatch(found[3]):
        return f"«{word}» compara con «{found[3]}», que no es un número de versión."
    return Condition(found[1], found[2], found[3])


def current() -> dict[str, str]:
    """What is known now of this lab's machines."""
    return {**kept(), **(store.get(_KEY) or {})}


def keep(facts: Facts) -> None:
    """Take what a machine has shown for what is true of all of them."""
    store.set(_KEY, dict(facts), None)


@cache
def kept() -> dict[str, str]:
    """What was true when the code was written: what holds until a machine has been seen."""
    read: dict[str, str] = json.loads(KEPT.read_text())
    return read


def _version(text: str) -> tuple[int, ...]:
    found = _NUMBERS.match(text)
    return tuple(int(number) for number in found[0].split(".")) if found else ()
