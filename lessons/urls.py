"""Pages of the course."""

from django.urls import path

from lessons import views

urlpatterns = [
    path("", views.home, name="home"),
    path("curso/<slug:course_slug>/", views.course, name="course"),
    path("curso/<slug:course_slug>/<slug:lesson_slug>/", views.lesson, name="lesson"),
]
