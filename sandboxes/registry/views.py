"""The page where a student finds how to log in to the class registry."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from sandboxes.registry import credentials, quota, tokens


@require_http_methods(["GET", "POST"])
@never_cache
@login_required
def registry(request: HttpRequest) -> HttpResponse:
    """Show the credentials and what is kept; POST removes a repository, or makes a new password."""
    assert request.user.is_authenticated
    name = request.user.username
    if request.method == "POST" and (unwanted := request.POST.get("repository")):
        if quota.remove(name, unwanted):
            messages.success(request, _("«%(name)s» ya no está en el registro.") % {"name": unwanted})
        else:
            messages.error(request, _("No tienes ningún repositorio «%(name)s».") % {"name": unwanted})
        return redirect("registry")
    if request.method == "POST":
        credentials.renew(request.user)
        messages.success(request, _("Tienes una contraseña nueva; la anterior ya no sirve."))
        return redirect("registry")
    context = {
        "host": tokens.SERVICE,
        "password": credentials.password(request.user),
        "reserved": name in tokens.RESERVED,
        "repositories": quota.repositories(name),
        "used": quota.used(name),
        "limit": quota.limit(),
    }
    return render(request, "sandboxes/registry.html", context)
