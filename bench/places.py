"""Every page of the site by the name of its URL: who looks at it, and where it is. What is no page is named too.

A test compares this with the URLs, so that no page is left out of the accessibility tests and the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

COURSE = "/curso/docker-intensivo/"
LESSON = f"{COURSE}capas-de-imagen/"
EXERCISE = f"{COURSE}hello-world/hello-world/"
PRACTICE = f"{COURSE}hello-world/laboratorio/"
PASSWORD = "ballena-azul-9"


@dataclass(frozen=True)
class Place:
    """A page as one person sees it."""

    path: str
    """With {diploma}, {evidence} or {replay}: where scene.py says."""
    who: str = ""
    """Of scene.PEOPLE; empty: nobody has logged in."""
    status: int = 200


PLACES: dict[str, tuple[Place, ...]] = {
    "course": (Place(COURSE), Place(COURSE, "ana"), Place(COURSE, "bruno")),
    "lesson": (Place(LESSON), Place(LESSON, "ana"), Place(f"{COURSE}instrucciones/?pagina=2")),
    "exercise": (
        Place(EXERCISE),
        Place(EXERCISE, "ana"),
        Place(f"{LESSON}laboratorio/", "ana"),
        Place(f"{COURSE}virtualizacion/un-solo-nucleo/", "ana"),
    ),
    "search": (Place("/buscar/"), Place("/buscar/?q=imagenes", "ana"), Place("/buscar/?q=kubernetes", "ana")),
    "glossary": (Place("/glosario/"), Place("/glosario/#capa", "ana")),
    "progress": (Place("/progreso/", "ana"), Place("/progreso/", "carmen"), Place("/progreso/", "bruno")),
    "diploma": (Place("{diploma}"),),
    "recordings": (Place("/grabaciones/", "ana"), Place("/grabaciones/", "bruno"), Place("/grabaciones/", "carmen")),
    "replay": (Place("{replay}", "ana"),),
    "registry": (Place("/cuenta/registro/", "ana"),),
    "attempts": (Place("/profesorado/intentos/", "carmen"), Place("/profesorado/intentos/?usuario=nadie", "carmen")),
    "evidence": (Place("{evidence}", "carmen"),),
    "account_login": (Place("/cuenta/login/"),),
    "account_signup": (Place("/cuenta/signup/"),),
    "account_logout": (Place("/cuenta/logout/", "ana"),),
    "account_reset_password": (Place("/cuenta/password/reset/"),),
    "account_change_password": (Place("/cuenta/password/change/", "ana"),),
    "differences": (Place("/en-tu-maquina/"),),
    "cohorts": (Place("/clases/", "ana"), Place("/clases/", "carmen")),
    "cohort": (Place("{cohort}", "carmen"),),
    "join-cohort": (Place("{join}", "bruno"),),
    "visits": (Place("/visitas/", "ana"),),
    "admin": (Place("/admin/", "olga"),),
}
ERRORS = {
    "404": Place("/no-esta/", "ana", 404),
    "403": Place("/profesorado/intentos/", "ana", 403),
}
NO_PAGE = frozenset({
    "home", "figure", "exercise-figure",
    "recording-choice", "cast", "cause", "terminal-preferences", "machine-file",
    "lab-files", "lab-file", "lab-file-change", "lab-file-changes", "lab-file-review",
    "lab-ports", "lab-preview", "lab-panel", "lab-check", "lab-result", "lab-answer", "lab-hint", "lab-act",
    "leave-cohort", "cohort-change", "answer-visit", "company", "invite", "visit-state", "visit-act",
    "account_inactive", "account_email", "account_set_password", "account_reset_password_from_key", "account_reset_password_from_key_done",
})  # fmt: skip
"""Fragments, files and what answers with a redirection."""
TOGETHER = frozenset({"take-invitation", "visit"})
"""Pages of a laboratory that two people share: tests/browser/test_together.py."""
