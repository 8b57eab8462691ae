"""Pages that show a lab, and the buttons of its panel."""

from django.urls import path

from sandboxes import cohort_views, evidence_views, question_views, views, visit_views
from sandboxes.files import views as file_views
from sandboxes.files.transfer import transfer
from sandboxes.preview import views as preview_views
from sandboxes.recording import views as recording_views
from sandboxes.registry import views as registry_views
from sandboxes.terminal import views as terminal_views

EXERCISE = "curso/<slug:course_slug>/<slug:lesson_slug>/<slug:exercise_slug>/"
NODE = "laboratorio/<uuid:sandbox>/<slug:node>/"

urlpatterns = [
    path("grabaciones/", recording_views.recordings, name="recordings"),
    path("grabaciones/elegir/", recording_views.choose, name="recording-choice"),
    path("grabaciones/<int:recording_id>/", recording_views.replay, name="replay"),
    path("grabaciones/<int:recording_id>/cast/", recording_views.cast, name="cast"),
    path("grabaciones/causa/<int:check_id>/<str:item>/", recording_views.cause, name="cause"),
    path("profesorado/intentos/", evidence_views.attempts, name="attempts"),
    path("profesorado/comprobaciones/<int:check_id>/", evidence_views.evidence, name="evidence"),
    path("clases/", cohort_views.cohorts_page, name="cohorts"),
    path("clases/unirme/<str:code>/", cohort_views.join, name="join-cohort"),
    path("clases/<int:cohort_id>/", cohort_views.cohort, name="cohort"),
    path("clases/<int:cohort_id>/dejar/", cohort_views.leave, name="leave-cohort"),
    path("clases/<int:cohort_id>/<slug:verb>/", cohort_views.change, name="cohort-change"),
    path("visitas/", visit_views.history, name="visits"),
    path("visitas/<int:visit_id>/<slug:verb>/", visit_views.answer, name="answer-visit"),
    path("compartir/<str:code>/", visit_views.take_invitation, name="take-invitation"),
    path("laboratorio/<uuid:sandbox>/compania/", visit_views.company, name="company"),
    path("laboratorio/<uuid:sandbox>/invitar/", visit_views.invite, name="invite"),
    path("laboratorio/<uuid:sandbox>/visita/", visit_views.visit, name="visit"),
    path("laboratorio/<uuid:sandbox>/visita/estado/", visit_views.visit_state, name="visit-state"),
    path("laboratorio/<uuid:sandbox>/visita/<slug:verb>/", visit_views.act, name="visit-act"),
    path("cuenta/terminal/", terminal_views.keep_preferences, name="terminal-preferences"),
    path(NODE + "fichero/", transfer, name="machine-file"),
    path("cuenta/registro/", registry_views.registry, name="registry"),
    path(NODE + "archivos/", file_views.files, name="lab-files"),
    path(NODE + "archivos/texto/", file_views.file, name="lab-file"),
    path(NODE + "archivos/cambio/", file_views.change, name="lab-file-change"),
    path(NODE + "archivos/cambios/", file_views.changes, name="lab-file-changes"),
    path(NODE + "archivos/revisar/", file_views.review, name="lab-file-review"),
    path("laboratorio/<uuid:sandbox>/puertos/", preview_views.ports, name="lab-ports"),
    path(NODE + "<int:port>/", preview_views.open_preview, name="lab-preview"),
    path(EXERCISE, views.exercise, name="exercise"),
    path(EXERCISE + "panel/", views.panel, name="lab-panel"),
    path(EXERCISE + "comprobar/", views.check, name="lab-check"),
    path(EXERCISE + "resultado/", views.result, name="lab-result"),
    path(EXERCISE + "pregunta/<str:check_id>/", question_views.answer, name="lab-answer"),
    path(EXERCISE + "pista/", views.hint, name="lab-hint"),
    path(EXERCISE + "<str:action>/", views.act, name="lab-act"),
]
