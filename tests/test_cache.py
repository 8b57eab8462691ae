"""The cache in Redis holds no program: what somebody wrote there as one is nothing."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from django.core.cache import cache


class Bomb:
    """What a pickle can do when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("value", [0, 7, -1, 1.5, "texto con ñ", {"a": "b"}, ["x", 1, None], True, "7"])
def test_what_is_kept_comes_back_as_it_was(value: object) -> None:
    cache.set("clave", value)
    found = cache.get("clave")
    assert (found, type(found)) == (value, type(value))
    assert cache.get_many(["clave"]) == {"clave": value}


def test_numbers_are_counted_by_redis() -> None:
    assert cache.add("turnos", 1, 60)
    assert cache.incr("turnos") == 2


def test_a_pickle_is_not_run_but_missing(tmp_path: Path) -> None:
    cache.set("clave", 1)
    mark = tmp_path / "entró"
    client = cache._cache.get_client(write=True)  # type: ignore[attr-defined]  # as whoever has reached Redis
    client.set(cache.make_key("clave"), pickle.dumps(Bomb(mark)))
    assert cache.get("clave", "nada") in ("nada", None)
    assert not mark.exists()
