"""Wiring of the pages."""

from django.contrib import admin
from django.urls import include, path

handler500 = "labsite.failures.failed"

urlpatterns = [
    path("cuenta/", include("lessons.account_urls")),
    path("admin/", admin.site.urls),
    path("", include("lessons.urls")),
    path("", include("sandboxes.urls")),
]
