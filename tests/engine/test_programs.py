"""A student's root replaces the programs that answer for the engine; the lab engine sees it from outside."""

from __future__ import annotations

from typing import Any

import pytest

from sandboxes import engine, programs

pytestmark = pytest.mark.engine


@pytest.fixture
def lab(real_lab: Any) -> Any:
    engine.use(real_lab)
    yield real_lab
    engine.use(None)


def test_a_replaced_docker_is_seen_whatever_it_says_of_itself(lab: Any, machine: str) -> None:
    assert programs.altered(machine, node="lab") == []
    disguise = (
        "cd /usr/bin && cp -p docker /tmp/d && printf '#!/bin/sh\\nexec /tmp/d \"$@\"\\n' >docker && touch -r /tmp/d docker"
        " && truncate -s $(stat -c %s /tmp/d) docker && ln -s /bin/true /usr/local/bin/dockerd && docker ps"
    )
    assert lab.run(machine, ["sh", "-c", disguise]).code == 0
    notes = programs.altered(machine, node="lab")
    assert [note.split(", ")[1].split(" ")[0] for note in notes] == ["/usr/bin/docker", "/usr/local/bin/dockerd"]
