"""Compresses pages and figures on their way out. Refuses all else: what is downloaded, streamed or static goes as it is.

Django masks the CSRF token anew in each answer and pads the compressed answer's length, so that what a page repeats of a
request tells nothing of its secrets.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressPages(GZipMiddleware):
    """Django's middleware, for HTML and drawings alone."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not response.get("Content-Type", "").startswith(("text/html", "image/svg+xml")):
            return response
        return super().process_response(request, response)
