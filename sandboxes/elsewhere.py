"""A check that fails in one of several nodes: which it was about, and whether what it asks is so in another.

To do the right thing in the wrong machine is what happens first to who has two. Looked at only then, and only where to pass
means that something is there: that something is not, is so in any machine that nobody has touched.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from django.utils.translation import gettext as _

from lessons import kinds
from lessons.kinds import Spec, Status, Verdict
from sandboxes.engine.student import CannotObserve

KINDS = frozenset({"image", "layers", "container", "link", "volume", "network", "logs", "process", "event"})
WHOLES = frozenset({"all", "any"})
"""And these, if their parts are all of those."""
KEY = "elsewhere"
"""Where kept evidence has the node in which it is so."""


def find(spec: Spec, nodes: Sequence[str], engine_of: Callable[[str], Any]) -> str:
    """The first other node in which a check would pass; empty for none. `nodes` has the one that is looked at by default first."""
    if len(nodes) < 2 or not _of_things(spec):
        return ""
    kind = kinds.get(spec.tipo)
    for node in nodes:
        if node == (spec.nodo or nodes[0]):
            continue
        try:
            seen = kind.evidence.model_validate(kinds.look(spec, engine_of(node)))
        except CannotObserve:
            continue
        if kind.judge(spec, seen).status == Status.PASSED:
            return node
    return ""


def _of_things(spec: Spec) -> bool:
    if spec.tipo in WHOLES:
        return all(_of_things(part) for part in getattr(spec, kinds.PARTS))
    return spec.tipo in KINDS


def told(verdict: Verdict, spec: Spec, other: str) -> Verdict:
    """The verdict of a check that failed, with the node it is about, if it names one, and the other one in which it is so."""
    if verdict.status != Status.FAILED:
        return verdict
    observed = _("en «%(node)s», %(said)s") % {"node": spec.nodo, "said": verdict.observed} if spec.nodo else verdict.observed
    wrong = _("En «%(node)s» sí es así: mira en qué máquina estás.") % {"node": other} if other else ""
    return dataclasses.replace(verdict, observed=observed, hint=f"{wrong} {verdict.hint}".strip())
