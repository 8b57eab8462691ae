"""The cast, the Redis and the doubles that every test may use."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.postgres import Cluster
from tests.settings import POSTGRES, RUN

PASSWORD = "ballena-azul-9"
_redis: subprocess.Popen[bytes] | None = None
_cluster: Cluster | None = None


def pytest_configure(config: pytest.Config) -> None:
    """A Redis of the tests' own, on a unix socket, and a PostgreSQL if they are about it; they end with them."""
    global _redis, _cluster
    RUN.mkdir(exist_ok=True)
    _redis = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", f"{RUN}/redis.sock", "--save", "", "--dir", str(RUN)], stdout=subprocess.DEVNULL
    )
    wait_until(lambda: (RUN / "redis.sock").exists(), seconds=10)
    if POSTGRES:
        _cluster = Cluster(RUN)
        _cluster.start()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _redis:
        _redis.terminate()
        _redis.wait()
    if _cluster:
        _cluster.stop()
    shutil.rmtree(RUN, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright's event loop stays for the session and asyncio tests can't run under it.

    What an engine or a browser has a part in is tried again once if it fails; the summary shows the first failure all the same.
    """
    if POSTGRES:
        chosen = [item for item in items if _touches_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen
    items.sort(key=lambda item: bool(item.get_closest_marker("browser")))
    for item in items:
        if item.get_closest_marker("browser") or item.get_closest_marker("engine"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session", autouse=POSTGRES)
def no_session_left(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A thread that asked the database keeps its session, and PostgreSQL drops no database that is in use."""
    from django.db import connection

    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _touches_database(item: pytest.Item) -> bool:
    names = set(getattr(item, "fixturenames", ()))
    return bool(item.get_closest_marker("django_db") or names & {"db", "transactional_db"})


def wait_until(condition: Callable[[], Any], *, seconds: float = 10) -> Any:
    """Wait for a condition and return what it gave; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {condition}")
        time.sleep(0.02)
    return found


def _person(name: str, **flags: bool) -> Any:
    from django.contrib.auth import get_user_model

    return get_user_model().objects.create_user(name, password=PASSWORD, **flags)


@pytest.fixture
def ana(db: None) -> Any:
    """A student."""
    return _person("ana")


@pytest.fixture
def bruno(db: None) -> Any:
    """Another student."""
    return _person("bruno")


@pytest.fixture
def carmen(db: None) -> Any:
    """An instructor."""
    return _person("carmen", is_staff=True)


@pytest.fixture
def olga(db: None) -> Any:
    """The operator."""
    return _person("olga", is_staff=True, is_superuser=True)


@pytest.fixture(autouse=True)
def clean_cache() -> Iterator[None]:
    yield
    from django.core.cache import cache

    cache.clear()


@pytest.fixture
def lab() -> Iterator[Any]:
    """A fake lab engine in place of the real one."""
    from sandboxes import engine
    from tests.sandboxes.fake_engine import FakeLabEngine

    fake = FakeLabEngine()
    engine.use(fake)
    yield fake
    engine.use(None)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """The tasks that would go to a worker; `work(sent)` carries them out."""
    from sandboxes import tasks

    box: list[tuple[str, tuple[Any, ...]]] = []
    monkeypatch.setattr(tasks, "enqueue", lambda task, *args, **_options: box.append((task.name.rsplit(".", 1)[-1], args)))
    return box


def work(box: list[tuple[str, tuple[Any, ...]]]) -> None:
    """Be the worker: carry out what was sent, and what that sends."""
    from sandboxes import tasks

    while box:
        name, args = box.pop(0)
        getattr(tasks, name).run(*args)


def real_engine_url() -> str:
    return os.environ.get("LAB_ENGINE_URL", "")


@pytest.fixture(scope="session")
def real_lab() -> Any:
    """The tests' own lab engine, raised by `make test`."""
    if not real_engine_url():
        pytest.fail("no lab engine: run `make test`, which raises one")
    from django.conf import settings

    from sandboxes.engine import EMPTY, SEEDED
    from sandboxes.engine.lab import DockerLabEngine

    return DockerLabEngine(
        settings.ENV.engine_url,
        lab=settings.ENV.name,
        images={EMPTY: settings.ENV.sandbox_image, SEEDED: settings.ENV.seeded_image},
        authority=settings.ENV.ca_cert,
        volumes=settings.ENV.storage != "btrfs",
    )


@pytest.fixture
def machine(real_lab: Any) -> Iterator[str]:
    """A real machine, ready; removed afterwards."""
    from sandboxes.engine import Flavor, Limits

    name = f"lab-prueba-{uuid.uuid4().hex[:8]}"
    try:
        real_lab.create(name, hostname="lab", labels={"lab.purpose": "test"}, limits=Limits(), flavor=Flavor())
        real_lab.start(name)
        real_lab.wait_ready(name, seconds=60)
        yield name
    finally:
        real_lab.remove(name)
