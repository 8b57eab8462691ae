"""No page is left out of the accessibility tests and the pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver

from bench.places import NO_PAGE, PLACES, TOGETHER


def names(resolver: Any) -> Iterator[str]:
    for each in resolver.url_patterns:
        if getattr(each, "namespace", None) == "admin":
            yield "admin"
        elif hasattr(each, "url_patterns"):
            yield from names(each)
        else:
            yield each.name


def test_every_url_is_a_page_that_is_looked_at_or_no_page() -> None:
    assert sorted(set(names(get_resolver()))) == sorted({*PLACES, *NO_PAGE, *TOGETHER})
