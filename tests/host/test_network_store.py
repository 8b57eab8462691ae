"""An engine ended while it removed a network starts again: a real dockerd's store, broken as one was found."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from host.engine import mend_networks

pytestmark = pytest.mark.engine
NAMESPACE = "dint-almacen"


@pytest.fixture(autouse=True)
def namespace() -> Iterator[None]:
    subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
    yield
    subprocess.run(["ip", "netns", "del", NAMESPACE], check=True)


@contextmanager
def dockerd(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    paths = ("--data-root", folder / "data", "--exec-root", folder / "exec", "-p", folder / "pid", "-H", f"unix://{folder}/sock")
    quiet = ("--bridge", "none", "--iptables=false", "--storage-driver", "vfs", "--log-level", "error")
    with (folder / "log").open("ab") as log:
        engine = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{NAMESPACE}", "dockerd", *map(str, paths), *quiet],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield engine
    finally:
        engine.kill()
        engine.wait(timeout=10)
        subprocess.run(["pkill", "-KILL", "-f", f"{folder}/exec/containerd/"])
        # Ended so, it leaves its folder mounted on itself.
        subprocess.run(["umount", "--lazy", folder / "data"], capture_output=True)
        for rest in ("containerd/containerd.pid", "containerd/containerd.sock"):
            (folder / "exec" / rest).unlink(missing_ok=True)


def docker(folder: Path, *words: str) -> str:
    asked = subprocess.run(["docker", "-H", f"unix://{folder}/sock", *words], capture_output=True, text=True)
    return asked.stdout.strip() if asked.returncode == 0 else ""


def answers(folder: Path, engine: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and engine.poll() is None:
        if docker(folder, "version"):
            return True
        time.sleep(0.1)
    return False


def test_an_engine_starts_after_a_network_half_removed_and_keeps_the_others(tmp_path: Path) -> None:
    with dockerd(tmp_path) as engine:
        assert answers(tmp_path, engine)
        for name in ("una", "otra"):
            assert docker(tmp_path, "network", "create", name)
    store = tmp_path / "data" / "network" / "files" / "local-kv.db"
    whole = store.read_bytes()
    start = whole.rindex(b'{"addrSpace":', 0, whole.rindex(b'"name":"una"'))
    end = whole.index(b'"scope":', start)
    broken = whole[start:end].replace(b'"inDelete":false', b'"inDelete":true ').replace(b'"ipamV4Info":', b'"ipamV4Lost":')
    store.write_bytes(whole[:start] + broken + whole[end:])
    with dockerd(tmp_path) as engine:
        assert not answers(tmp_path, engine)
        assert "reservePools" in (tmp_path / "log").read_text()
    mend_networks(store)
    with dockerd(tmp_path) as engine:
        assert answers(tmp_path, engine), (tmp_path / "log").read_text()[-2000:]
        assert docker(tmp_path, "network", "ls", "--format", "{{.Name}}").split() == ["host", "none", "otra"]


def test_a_store_without_such_a_network_is_left_as_it_is(tmp_path: Path) -> None:
    store = tmp_path / "local-kv.db"
    kept = b'\0{"addrSpace":"LocalDefault","inDelete":false,"ipamV4Config":"[]","scope":"local"}\0'
    store.write_bytes(kept)
    before = store.stat().st_mtime_ns
    mend_networks(store)
    assert (store.read_bytes(), store.stat().st_mtime_ns) == (kept, before)
