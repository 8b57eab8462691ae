"""The page where a student finds how to log in to the class registry."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from sandboxes.registry import credentials, tokens


@require_http_methods(["GET", "POST"])
@never_cache
@login_required
def registry(request: HttpRequest) -> HttpResponse:
    """Show the credentials; POST makes a new password."""
    assert request.user.is_authenticated
    if request.method == "POST":
        credentials.renew(request.user)
        messages.success(request, _("Tienes una contraseña nueva; la anterior ya no sirve."))
        return redirect("registry")
    context = {
        "host": tokens.SERVICE,
        "password": credentials.password(request.user),
        "reserved": request.user.username in tokens.RESERVED,
    }
    return render(request, "sandboxes/registry.html", context)
