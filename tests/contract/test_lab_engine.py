"""The same tests on the fake lab engine and on the real one, so that the double does not lie."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from sandboxes.engine import EngineError, Flavor, LabEngine, Limits, NoSuchContainer, PlantedFile
from tests.sandboxes.fake_engine import FakeLabEngine

LIMITS = Limits(memory=512, cpus=1, pids=300)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.engine)])
def engine(request: pytest.FixtureRequest) -> LabEngine:
    if request.param == "fake":
        return FakeLabEngine()
    return request.getfixturevalue("real_lab")  # type: ignore[no-any-return]


@pytest.fixture
def name(engine: LabEngine) -> Iterator[str]:
    name = f"lab-contrato-{uuid.uuid4().hex[:8]}"
    yield name
    engine.remove(name)


def make(engine: LabEngine, name: str, **more: Any) -> None:
    engine.create(name, hostname="lab", labels={"lab.purpose": "contract", "lab.machine": "0"}, limits=LIMITS, flavor=Flavor(), **more)


def state(engine: LabEngine, name: str) -> str | None:
    return next((container.state for container in engine.containers() if container.name == name), None)


def test_machine_goes_from_created_to_running_paused_and_exited(engine: LabEngine, name: str) -> None:
    make(engine, name)
    seen = [state(engine, name)]
    for step in (engine.start, engine.pause, engine.unpause, engine.stop, engine.start):
        step(name)
        seen.append(state(engine, name))
    assert seen == ["created", "running", "paused", "running", "exited", "running"]


def test_created_machine_has_its_labels_and_a_network_of_its_own(engine: LabEngine, name: str) -> None:
    make(engine, name)
    container = next(found for found in engine.containers() if found.name == name)
    assert container.labels["lab.purpose"] == "contract"
    assert "lab.id" in container.labels
    assert name in engine.networks()


def test_removing_takes_container_and_network_and_twice_is_fine(engine: LabEngine, name: str) -> None:
    make(engine, name)
    engine.start(name)
    engine.remove(name)
    assert state(engine, name) is None
    assert name not in engine.networks()
    engine.remove(name)


def test_a_missing_machine_is_no_such_container(engine: LabEngine, name: str) -> None:
    for step in (engine.start, engine.stop, engine.pause, engine.unpause, engine.usage):
        with pytest.raises(NoSuchContainer):
            step(name)


def test_a_name_cannot_be_taken_twice(engine: LabEngine, name: str) -> None:
    make(engine, name)
    with pytest.raises(EngineError):
        make(engine, name)


def test_stopping_a_stopped_machine_is_fine(engine: LabEngine, name: str) -> None:
    make(engine, name)
    engine.start(name)
    engine.stop(name)
    engine.stop(name)
    assert state(engine, name) == "exited"


def test_unpausing_what_runs_is_an_error(engine: LabEngine, name: str) -> None:
    make(engine, name)
    engine.start(name)
    with pytest.raises(EngineError):
        engine.unpause(name)


def test_limits_change_while_running(engine: LabEngine, name: str) -> None:
    make(engine, name)
    engine.start(name)
    engine.set_limits(name, Limits(memory=768, cpus=0.5, pids=200))
    assert engine.usage(name) is not None


def test_joining_moves_a_machine_to_anothers_network(engine: LabEngine, name: str) -> None:
    other = f"{name}-b"
    try:
        for each in (name, other):
            make(engine, each)
            engine.start(each)
        engine.join(other, network=name, alias="servidor")
        assert other not in engine.networks()
        assert name in engine.networks()
    finally:
        engine.remove(other)


def test_starting_or_stopping_a_paused_machine_wakes_it_first(engine: LabEngine, name: str) -> None:
    make(engine, name)
    engine.start(name)
    engine.pause(name)
    engine.start(name)
    assert state(engine, name) == "running"
    engine.pause(name)
    engine.stop(name)
    assert state(engine, name) == "exited"


def test_security_options_are_plain_names_and_ids_are_remapped(engine: LabEngine) -> None:
    assert {"seccomp", "userns"} <= engine.security_options()


def test_the_engine_asks_this_labs_gate_and_no_other(engine: LabEngine) -> None:
    assert engine.gates() == {f"docker-intensivo-{settings.ENV.name}"}


def test_a_copy_of_a_machine_is_a_machine_like_it_until_it_is_removed(engine: LabEngine, name: str) -> None:
    copy, twin = uuid.uuid4().hex, f"{name}-b"
    make(engine, name)
    engine.start(name)
    engine.wait_ready(name, seconds=60)
    engine.run(name, ["sh", "-c", "docker volume create recuerdo; echo aqui >/root/nota"])
    assert engine.written(name) > 0
    engine.commit(name, copy)
    assert copy in engine.checkpoints()
    try:
        engine.create(twin, hostname="lab", labels={"lab.purpose": "contract"}, limits=LIMITS, flavor=Flavor(images=copy))
        engine.start(twin)
        engine.wait_ready(twin, seconds=60)
        assert engine.run(twin, ["sh", "-c", "docker volume ls -q; cat /root/nota"]).output in (b"", b"recuerdo\naqui\n")
        with pytest.raises(EngineError):
            engine.remove_checkpoint(copy)
    finally:
        engine.remove(twin)
        engine.remove_checkpoint(copy)
    assert copy not in engine.checkpoints()
    engine.remove_checkpoint(copy)


def test_files_are_read_from_outside(engine: LabEngine, name: str) -> None:
    make(engine, name)
    docker = engine.digest(name, "/usr/bin/docker")
    assert docker
    assert docker == engine.digest(name, "/usr/bin/docker") != engine.digest(name, "/usr/sbin/dockerd")
    assert engine.digest(name, "/usr/local/bin/docker") == ""


def test_planted_files_belong_to_the_student(engine: LabEngine, name: str) -> None:
    make(engine, name)
    engine.start(name)
    engine.put_files(name, "/home/alumno", [PlantedFile("a/b/hola.sh", b"echo hola\n", 0o755)], owner=1000)
    if not isinstance(engine, FakeLabEngine):
        done = engine.run(name, ["su", "-", "alumno", "-c", "a/b/hola.sh && touch a/x a/b/y && stat -c %U:%a a a/b/hola.sh"])
        assert done.output.decode().split() == ["hola", "alumno:755", "alumno:755"]
