"""Puts a sandbox together: a machine for each node, warm, new or its own from before, named, joined and planted.

Changes no state: that is lifecycle.py, which calls it in turn and answers for what it leaves half done.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

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
    limits = Limits(memory=exercise.lab.memoria, cpus=exercise.lab.cpus, pids=exercise.lab.procesos)
    nodes: dict[str, Machine] = {}
    steps: list[Callable[[], None]] = []
    for position, node in enumerate(exercise.lab.nodos):
        if node in there:
            nodes[node] = there[node]
            steps.append(partial(_wake, nodes[node]))
            continue
        flavor = _flavor(sandbox, exercise, node)
        warm = pool.take(sandbox, flavor=flavor, node=node, position=position, limits=limits)
        nodes[node] = warm or pool.reserve(flavor=flavor, sandbox=sandbox, node=node, position=position)
        if warm is None:
            steps.append(partial(pool.build, nodes[node], limits))
    _side_by_side(steps)
    fresh = {node: machine.name for node, machine in nodes.items() if node not in there}
    Machine.objects.filter(pk__in=[nodes[node].pk for node in fresh]).update(state=Machine.State.TAKEN)
    first = next(iter(nodes.values())).name
    _side_by_side(
        [
            partial(_introduce, machine.name, node, network=first if node in fresh else "")
            for node, machine in nodes.items()
            if node != pool.HOSTNAME
        ]
    )
    if exercise.lab.internet:
        egress.refresh()
    if sandbox.checkpoint is None:
        plant(progress.bind(exercise, sandbox.user, sandbox.attempt), lab_engine(), fresh)


def _side_by_side(steps: list[Callable[[], None]]) -> None:
    """What the engine does for several nodes, at once: three cost hardly more than one. Raises the first one's error, when all
    are over: nothing goes on behind the caller's back. The steps touch no database."""
    if len(steps) < 2:
        for step in steps:
            step()
        return
    with ThreadPoolExecutor(len(steps), thread_name_prefix="node") as threads:
        running = [threads.submit(step) for step in steps]
    for one in running:
        one.result()


def _wake(machine: Machine) -> None:
    lab_engine().start(machine.name)
    lab_engine().wait_ready(machine.name, seconds=settings.ENV.start_timeout)


def _introduce(container: str, node: str, *, network: str) -> None:
    """Give a machine its node's name, and to a new one its place on the network of the first.

    At hand-over: a warm machine serves any node, and a hostname can't be changed from outside. A restart forgets it."""
    if network:
        lab_engine().join(container, network=network, alias=node)
    lab_engine().run(container, ["/usr/local/sbin/lab-name", node])


def _flavor(sandbox: Sandbox, exercise: Exercise, node: str) -> Flavor:
    """The exercise's, or the copy of the node that the sandbox goes back to (a node may have come to the exercise since)."""
    flavor = pool.flavor_of(exercise)
    copies = sandbox.checkpoint.copies if sandbox.checkpoint else {}
    return replace(flavor, images=copies.get(node, flavor.images))
