"""What a page's failure looks like. Where the database is away for a moment it says so and asks again by itself."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

RETRY_SECONDS = 5


def failed(request: HttpRequest) -> HttpResponse:
    """The site's handler500, which Django calls while it handles the exception."""
    if not isinstance(sys.exception(), OperationalError | InterfaceError):
        return server_error(request)
    asked = request.method == "GET"  # what was sent is not sent twice
    answer = HttpResponse(render_to_string("503.html", {"asked": asked}), status=503, headers={"Retry-After": str(RETRY_SECONDS)})
    if asked:
        answer["Refresh"] = str(RETRY_SECONDS)
    return answer
