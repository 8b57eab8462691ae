"""What the terminals ask the site to keep: how a user likes them."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST
from pydantic import ValidationError

from sandboxes import visits
from sandboxes.terminal import preferences


@require_POST
@login_required
def keep_preferences(request: HttpRequest) -> HttpResponse:
    if len(request.body) > preferences.SIZE_MAX:
        return HttpResponse(status=413)
    try:
        assert not request.user.is_anonymous
        preferences.write(request.user, request.body)
        visits.rearranged(request.user.pk)
    except ValidationError:
        return HttpResponse(status=400)
    return HttpResponse(status=204)
