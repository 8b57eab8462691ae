"""Pages of the course."""

from django.urls import path

from lessons import figures, views

urlpatterns = [
    path("", views.home, name="home"),
    path("buscar/", views.search, name="search"),
    path("progreso/", views.progress, name="progress"),
    path("diploma/<str:code>/", views.diploma, name="diploma"),
    path("glosario/", views.glossary, name="glossary"),
    path("en-tu-maquina/", views.differences, name="differences"),
    path("curso/<slug:course_slug>/", views.course, name="course"),
    path("curso/<slug:course_slug>/<slug:lesson_slug>/", views.lesson, name="lesson"),
    path("curso/<slug:course_slug>/<slug:lesson_slug>/figuras/<path:name>", figures.figure, name="figure"),
    path("curso/<slug:course_slug>/<slug:lesson_slug>/<slug:exercise_slug>/figuras/<path:name>", figures.figure, name="exercise-figure"),
]
