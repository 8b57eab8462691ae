"""The sandboxes' Django application: registers the graders and watches for people who leave."""

from typing import Any

from django.apps import AppConfig
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_delete, post_save
from django.utils.translation import gettext_lazy as _


class SandboxesConfig(AppConfig):
    name = "sandboxes"
    verbose_name = _("Laboratorios")

    def ready(self) -> None:
        from sandboxes import graders

        graders.register_all()
        user_logged_out.connect(_close_terminals, dispatch_uid="close-terminals-at-logout")
        post_delete.connect(_end_visits, sender="lessons.Membership", dispatch_uid="end-visits-of-who-leaves-a-class")
        post_save.connect(_close_if_inactive, sender=get_user_model(), dispatch_uid="close-terminals-of-the-inactive")


def _close_terminals(user: Any, **_: object) -> None:
    """Logging out closes the user's terminals at once."""
    from sandboxes.lifecycle import close_terminals

    if user is not None:
        close_terminals(f"user-{user.pk}", 4401)


def _close_if_inactive(instance: Any, **_: object) -> None:
    """So does being deactivated: the session no longer opens anything, but what was open would stay."""
    if not instance.is_active:
        _close_terminals(instance)
    if not (instance.is_active and instance.is_staff):
        _end_visits_by(instance.pk)


def _end_visits(instance: Any, **_: object) -> None:
    """Who leaves a class is no longer watched by its teachers, nor watches its students."""
    from sandboxes import visits

    visits.end_unentitled(student=instance.user_id)
    visits.end_unentitled(teacher=instance.user_id)


def _end_visits_by(user_id: int) -> None:
    from sandboxes import visits

    visits.end_unentitled(teacher=user_id)
