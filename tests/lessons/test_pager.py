"""From page to page of a list."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.core.paginator import Paginator
from django.template.loader import render_to_string
from django.test import RequestFactory


def pager(number: int, *, of: int) -> str:
    request = RequestFactory().get("/x/", {"usuario": "ana & co", "pagina": number})
    request.user = AnonymousUser()
    return render_to_string("pager.html", {"page": Paginator(range(of * 10), 10).page(number)}, request)


def test_the_rest_of_the_address_stays() -> None:
    html = pager(2, of=3)
    assert 'href="?usuario=ana+%26+co&amp;pagina=1"' in html
    assert 'href="?usuario=ana+%26+co&amp;pagina=3"' in html


def test_there_is_no_way_beyond_the_ends_nor_a_pager_for_one_page() -> None:
    assert "pagina=0" not in pager(1, of=2)
    assert "pagina=3" not in pager(2, of=2)
    assert "pager" not in pager(1, of=1)
