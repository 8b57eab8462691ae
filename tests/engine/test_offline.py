"""What a classroom without internet can do: install packages in its containers."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.engine


def in_container(lab: Any, machine: str, image: str, command: str) -> Any:
    return lab.run(machine, ["docker", "run", "--rm", image, "sh", "-c", command], seconds=240)


def test_internet_is_closed(real_lab: Any, machine: str) -> None:
    assert in_container(real_lab, machine, "debian:trixie", "getent hosts deb.debian.org").code == 2
    assert real_lab.run(machine, ["curl", "-s", "-m", "5", "http://1.1.1.1/"]).code == 7


def test_apt_installs_what_the_course_needs(real_lab: Any, machine: str) -> None:
    for package, proof in (("git", "git --version"), ("curl", "curl --version"), ("vim", "vim --version")):
        done = in_container(real_lab, machine, "debian:trixie", f"apt-get update && apt-get install -y {package} && {proof}")
        assert done.code == 0, done.output.decode()[-2000:]


def test_pip_installs_what_the_course_needs(real_lab: Any, machine: str) -> None:
    done = in_container(
        real_lab, machine, "python:3.13", "pip install flask redis && python -c 'import flask, redis, markupsafe._speedups'"
    )
    assert done.code == 0, done.output.decode()[-2000:]


def test_a_build_installs_too(real_lab: Any, machine: str) -> None:
    recipe = "FROM debian:trixie\\nRUN apt-get update && apt-get install -y --no-install-recommends git\\n"
    done = real_lab.run(machine, ["sh", "-c", f"printf '{recipe}' | docker build -q -"], seconds=240)
    assert done.code == 0, done.output.decode()[-2000:]


def test_the_package_mirror_lists_no_folder_and_leaves_its_own(real_lab: Any, machine: str) -> None:
    ask = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--path-as-is"]
    for path in ("/", "/debian/pool/", "/../sandbox.tar", "/%2e%2e/sandbox.tar", "/../../../lab/secrets"):
        assert real_lab.run(machine, [*ask, f"http://paquetes.lab{path}"]).output == b"404", path
