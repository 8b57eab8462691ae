"""The pages of an account: those of allauth that a lab without mail has a use for."""

from allauth.account import views
from django.urls import path, re_path
from django.views.generic import RedirectView, TemplateView

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("signup/", views.signup, name="account_signup"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/reset/", TemplateView.as_view(template_name="account/password_reset.html"), name="account_reset_password"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("password/reset/key/done/", views.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    # allauth asks for these names; nobody here has an address, and everybody has a password.
    path("email/", RedirectView.as_view(pattern_name="home"), name="account_email"),
    path("password/set/", RedirectView.as_view(pattern_name="account_reset_password"), name="account_set_password"),
]
