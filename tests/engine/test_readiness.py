"""The site refuses an engine that has not the gate of its lab: whoever used it would be root of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host.shell import succeeds
from host.supervisor import Service, Supervisor
from labsite.environment import load
from tests.conftest import real_engine_url

pytestmark = pytest.mark.engine
ROOT = Path(__file__).resolve().parents[2]
Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[str]:
    """An ordinary engine, as any machine may have: without a gate."""
    url = f"unix://{tmp_path}/docker.sock"
    supervisor = Supervisor(tmp_path / "logs")
    words = ("--data-root", f"{tmp_path}/data", "--exec-root", f"{tmp_path}/exec", "-p", f"{tmp_path}/pid", "--storage-driver", "vfs")
    apart = ("--bridge", "none", "--iptables=false", "--ip-masq=false", "--ip-forward=false")
    try:
        supervisor.start(
            Service(
                name="bare",
                argv=("dockerd", "-H", url, *words, *apart),
                ready=lambda: succeeds("docker", "-H", url, "version"),
                start_seconds=60,
            )
        )
        yield url
    finally:
        supervisor.stop_all()


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts the site, or rather an echo in its stead, with a database of its own."""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "labsite.settings", "LAB_DATABASE_URL": f"sqlite:///{tmp_path}/lab.sqlite3"}

    def run(**given: str) -> subprocess.CompletedProcess[str]:
        words = (sys.executable, "-m", "labsite.readiness", "echo", "arrancó")
        return subprocess.run(words, cwd=ROOT, env={**env, **given}, capture_output=True, text=True, timeout=60)

    subprocess.run((sys.executable, "manage.py", "migrate", "-v", "0"), cwd=ROOT, env=env, check=True, timeout=120)
    return run


def test_the_site_starts_with_its_own_gate_and_with_no_other(start: Start, bare: str) -> None:
    own = start(LAB_ENGINE_URL=real_engine_url())
    assert (own.returncode, own.stdout) == (0, "arrancó\n"), own.stderr
    name = load().name
    for done, gates in ((start(LAB_NAME="otro"), f"docker-intensivo-{name}"), (start(LAB_ENGINE_URL=bare), "ninguna")):
        assert (done.returncode, done.stdout) == (1, "")
        said = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
        assert len(said) == 1, done.stderr
        assert "no tiene la puerta de este laboratorio" in said[0]
        assert f"tiene {gates}" in said[0]
