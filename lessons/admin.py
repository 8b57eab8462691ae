"""What an administrator may see and change."""

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from lessons.models import Attempt, CheckRun, Cohort, Completion, InvitationCode, Membership, Regrade
from lessons.passwords import reset_link

admin.site.site_header = _("Docker Intensivo: administración")
admin.site.unregister([get_user_model(), EmailAddress])  # nobody here has an address


@admin.register(get_user_model())
class LabUserAdmin(UserAdmin):  # type: ignore[type-arg]
    """Users, with the link that lets one choose a new password where there is no mail."""

    actions = ("make_reset_link",)

    @admin.action(description=_("Hacer un enlace para cambiar la contraseña"))
    def make_reset_link(self, request: HttpRequest, queryset: Any) -> None:
        for user in queryset:
            self.message_user(request, f"{user.username}: {reset_link(user)}")


@admin.register(CheckRun)
class CheckRunAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Check runs, those with notes for the teacher marked."""

    list_display = ("attempt", "requested", "passed", "noted")
    list_filter = ("passed",)
    list_select_related = ("attempt__user",)
    search_fields = ("attempt__user__username", "attempt__exercise")

    @admin.display(description=_("notas"))
    def noted(self, check: CheckRun) -> str:
        return " ".join(check.notes)


@admin.register(Regrade)
class RegradeAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """What was judged again: to be read, never changed."""

    list_display = ("exercise", "when", "who", "why")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    """Who is in a class."""

    model = Membership
    autocomplete_fields = ("user",)
    extra = 0


@admin.register(Cohort)
class CohortAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Classes, for who administers the site: teachers have a page of their own."""

    list_display = ("name", "code", "recording")
    inlines = (MembershipInline,)


admin.site.register([InvitationCode, Completion, Attempt])
