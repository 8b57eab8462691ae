"""Puts a sandbox together: a machine for each node, warm, new or its own from before, named, joined and planted.

Changes no state: that is lifecycle.py, which calls it in turn and answers for what it leaves half done.
"""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings

from lessons import progress
from lessons.catalog import Exercise
from sandboxes import egress, pool
from sandboxes.engine import Flavor, Limits, lab_engine
from sandboxes.models import Machine, Sandbox
from sandboxes.planting import plant


def all_at_hand(sandbox: Sandbox, exercise: Exercise | None) -> bool:
    """Whether it takes no longer than a request may: warm machines for all nodes, and nothing to prepare on them."""
    return (
        exercise is not None
        and sandbox.checkpoint is None
        and not exercise.preparation
        and pool.warm_count(pool.flavor_of(exercise)) >= len(exercise.lab.nodos)
    )


def assemble(sandbox: Sandbox, exercise: Exercise) -> None:
    """Have every node of the exercise running; raises EngineError, and leaves what it made to the caller."""
    there = {machine.node: machine for machine in sandbox.machines.all()}
    fresh: dict[str, str] = {}
    first = ""
    for position, node in enumerate(exercise.lab.nodos):
        if machine := there.get(node):
            _wake(machine)
        else:
            machine = _hand_over(sandbox, exercise, node=node, position=position)
            fresh[node] = machine.name
        first = first or machine.name
        # A machine's name and network are given when it is handed over: a warm one serves any node.
        if node != pool.HOSTNAME:
            if node in fresh:
                lab_engine().join(machine.name, network=first, alias=node)
            _name(machine.name, node)  # which a restart forgets
    if exercise.lab.internet:
        egress.refresh()
    if sandbox.checkpoint is None:
        plant(progress.bind(exercise, sandbox.user, sandbox.attempt), lab_engine(), fresh)


def _wake(machine: Machine) -> None:
    lab_engine().start(machine.name)
    lab_engine().wait_ready(machine.name, seconds=settings.ENV.start_timeout)


def _hand_over(sandbox: Sandbox, exercise: Exercise, *, node: str, position: int) -> Machine:
    """A machine that was warm, or else a new one."""
    lab = exercise.lab
    limits = Limits(memory=lab.memoria, cpus=lab.cpus, pids=lab.procesos)
    flavor = _flavor(sandbox, exercise, node)
    machine = pool.take(sandbox, flavor=flavor, node=node, position=position, limits=limits) or pool.make(
        flavor=flavor, limits=limits, sandbox=sandbox, node=node, position=position
    )
    Machine.objects.filter(pk=machine.pk).update(state=Machine.State.TAKEN)
    return machine


def _flavor(sandbox: Sandbox, exercise: Exercise, node: str) -> Flavor:
    """The exercise's, or the copy of the node that the sandbox goes back to (a node may have come to the exercise since)."""
    flavor = pool.flavor_of(exercise)
    copies = sandbox.checkpoint.copies if sandbox.checkpoint else {}
    return replace(flavor, images=copies.get(node, flavor.images))


def _name(container: str, node: str) -> None:
    """Tell a machine its node's name: a hostname can't be changed from outside."""
    lab_engine().run(container, ["/usr/local/sbin/lab-name", node])
