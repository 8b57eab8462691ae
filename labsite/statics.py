"""Static files, for ASGI. Refuses all else.

WhiteNoise gives Django a file to be streamed, and Django, asked for it asynchronously, reads a synchronous stream whole and
warns at each. Ours are small and stay in the system's cache: they are read whole, as what they are.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile


class Statics(WhiteNoiseMiddleware):
    """WhiteNoise's middleware, whose answers are not streamed."""

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with found.file as file:
                body = file.read()
        answer = HttpResponse(body, status=int(found.status))
        del answer["Content-Type"]  # theirs says it, or needs none
        for name, value in found.headers:
            answer[name] = value
        if body:
            answer["Content-Length"] = str(len(body))  # theirs is of when the site began; a front end may be built since
        return answer
