"""Who may register: openly, by code, or nobody (LAB_SIGNUP); and the names that may be taken."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import ResetPasswordKeyForm as AllauthResetPasswordKeyForm
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.core.exceptions import ImmediateHttpResponse
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.validators import RegexValidator
from django.db import transaction
from django.db.models import F, Q
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lessons.models import InvitationCode


def person(request: HttpRequest) -> User:
    """Who asks, where nobody gets without logging in."""
    assert isinstance(request.user, User)
    return request.user


username_validators = [
    RegexValidator(
        r"^[a-z][a-z0-9-]{0,28}[a-z0-9]\Z",
        _("Usa de 2 a 30 letras minúsculas sin acentos, cifras o guiones; empieza por una letra y no acabes en guion."),
    )
]
"""User names are also names of repositories in the class registry, hence their alphabet."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's hook for our registration policy."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _("Ese usuario y esa contraseña no van juntos."),
        "enter_current_password": _("Esa no es tu contraseña de ahora."),
        "too_many_login_attempts": _("Has fallado demasiadas veces. Espera cinco minutos y vuelve a intentarlo."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.ENV.signup != "cerrado"


class _Plain:
    """A form whose labels are said once: no placeholder repeats them."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class LoginForm(_Plain, AllauthLoginForm):  # type: ignore[misc]
    """Who enters."""


class ChangePasswordForm(_Plain, AllauthChangePasswordForm):  # type: ignore[misc]
    """A new password, by who knows the present one."""


class ResetPasswordKeyForm(_Plain, AllauthResetPasswordKeyForm):  # type: ignore[misc]
    """A new password, by who has a link."""


class SignupForm(_Plain, AllauthSignupForm):  # type: ignore[misc]  # allauth has no types
    """The registration form, with a code where the policy asks for one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].help_text = _("De 2 a 30 letras minúsculas sin acentos, cifras o guiones.")
        self.fields["password1"].help_text = _("Al menos 8 caracteres, y que no sea de las más usadas.")
        if settings.ENV.signup == "codigo":
            self.fields["code"] = forms.CharField(label=_("Código de invitación"), max_length=40)

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"].strip()
        if not _valid_codes(code).exists():
            raise forms.ValidationError(_("Ese código no existe, ha caducado o ya no admite más registros."))
        return code

    def save(self, request: HttpRequest) -> Any:
        with transaction.atomic():
            self._spend_code(request)
            return super().save(request)

    def _spend_code(self, request: HttpRequest) -> None:
        if "code" in self.cleaned_data:
            taken = _valid_codes(self.cleaned_data["code"]).update(uses_left=F("uses_left") - 1)
            if not taken:
                messages.error(request, _("Ese código acaba de agotarse."))
                raise ImmediateHttpResponse(redirect("account_signup"))


def _valid_codes(code: str) -> Any:
    now = timezone.now()
    return InvitationCode.objects.filter(Q(expires=None) | Q(expires__gt=now), code=code, uses_left__gt=0)
