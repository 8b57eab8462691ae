"""The sandboxes' Django application: registers the graders and watches for log-outs."""

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out
from django.utils.translation import gettext_lazy as _


class SandboxesConfig(AppConfig):
    name = "sandboxes"
    verbose_name = _("Laboratorios")

    def ready(self) -> None:
        from sandboxes import graders

        graders.register_all()
        user_logged_out.connect(_close_terminals, dispatch_uid="close-terminals-at-logout")


def _close_terminals(user: Any, **_: object) -> None:
    """Logging out closes the user's terminals at once."""
    from sandboxes.lifecycle import close_terminals

    if user is not None:
        close_terminals(f"user-{user.pk}", 4401)
