"""What is remembered of the people: their attempts, what each check run saw, and what they completed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _


class Attempt(models.Model):
    """A stretch of work on one exercise, from a sandbox's start to its reset or end."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="attempts")
    exercise = models.CharField(max_length=200)
    started = models.DateTimeField(auto_now_add=True)
    ended = models.DateTimeField(null=True)
    values: models.JSONField[dict[str, str], dict[str, str]] = models.JSONField(default=dict)
    """What was drawn for it (lessons/values.py)."""

    class Meta:
        verbose_name = _("intento")
        verbose_name_plural = _("intentos")
        indexes = (models.Index(fields=("user", "exercise")),)

    def __str__(self) -> str:
        return f"{self.user} · {self.exercise} · {self.started:%Y-%m-%d %H:%M}"


class CheckRun(models.Model):
    """One press of *Comprobar*. Ends once: `finished` is set by a conditional update."""

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="checks", verbose_name=_("intento"))
    press = models.CharField(max_length=40, blank=True, editable=False)
    """Which drawing of the button asked for it: a double click, or a request that was sent again, is one press. Empty for no button."""
    requested = models.DateTimeField(_("pedida"), auto_now_add=True)
    finished = models.DateTimeField(null=True)
    passed = models.BooleanField(_("superada"), default=False)
    points = models.FloatField(default=0)
    """What it gave, partly right answers included."""
    error = models.CharField(max_length=500, blank=True)
    results: models.JSONField[list[dict[str, Any]], list[dict[str, Any]]] = models.JSONField(default=list)
    evidence: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    notes: models.JSONField[list[str], list[str]] = models.JSONField(_("notas para el profesorado"), default=list, blank=True)
    """What a teacher should know before trusting it (sandboxes/programs.py); never shown to the student."""
    content = models.CharField(max_length=16, blank=True)
    """What the exercise was when it was judged: a hash of its files."""
    graders = models.CharField(max_length=16, blank=True)
    """And the graders that judged it."""
    regrade = models.ForeignKey("Regrade", models.SET_NULL, null=True, blank=True, editable=False, verbose_name=_("recalificación"))
    """The last one that changed it."""

    class Meta:
        verbose_name = _("comprobación")
        verbose_name_plural = _("comprobaciones")
        constraints = (
            models.UniqueConstraint(fields=("attempt",), condition=models.Q(finished__isnull=True), name="one_running_check_per_attempt"),
            models.UniqueConstraint(fields=("attempt", "press"), condition=~models.Q(press=""), name="one_check_per_press"),
        )

    def __str__(self) -> str:
        return f"{self.attempt} · {'superada' if self.passed else 'no superada'}"

    def get_absolute_url(self) -> str:
        """Where a teacher sees what the graders saw."""
        return reverse("evidence", args=[self.pk])


class Regrade(models.Model):
    """Evidence of an exercise judged again and applied: who did it, when, why and what it changed."""

    exercise = models.CharField(_("ejercicio"), max_length=200)
    who = models.CharField(_("quién"), max_length=150)
    why = models.CharField(_("por qué"), max_length=500)
    when = models.DateTimeField(_("cuándo"), auto_now_add=True)
    content = models.CharField(max_length=16, blank=True)
    graders = models.CharField(max_length=16, blank=True)
    changes: models.JSONField[list[dict[str, Any]], list[dict[str, Any]]] = models.JSONField(_("cambios"), default=list)
    """Of each check run that came out otherwise: `check`, `user`, and its `passed`, `points` and `results` before and after."""
    gained: models.JSONField[list[str], list[str]] = models.JSONField(_("lo superan ahora"), default=list)
    lost: models.JSONField[list[str], list[str]] = models.JSONField(_("dejan de superarlo"), default=list)

    class Meta:
        verbose_name = _("recalificación")
        verbose_name_plural = _("recalificaciones")

    def __str__(self) -> str:
        return f"{self.exercise} · {self.when:%Y-%m-%d %H:%M} · {self.who}"


class Completion(models.Model):
    """An exercise that a student has completed, and when for the first time."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="completions")
    exercise = models.CharField(max_length=200)
    points = models.PositiveIntegerField()
    completed = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("ejercicio superado")
        verbose_name_plural = _("ejercicios superados")
        constraints = (models.UniqueConstraint(fields=("user", "exercise"), name="one_completion_per_exercise"),)

    def __str__(self) -> str:
        return f"{self.user} · {self.exercise}"


class QuizAnswer(models.Model):
    """What was last answered to a question of an exercise, within an attempt."""

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="answers")
    check_id = models.CharField(max_length=200)
    given: models.JSONField[list[str], list[str]] = models.JSONField(default=list)
    tries = models.PositiveIntegerField(default=0)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("attempt", "check_id"), name="one_answer_per_question"),)

    def __str__(self) -> str:
        return f"{self.attempt} · {self.check_id}"


class HintTaken(models.Model):
    """A hint that a student has asked for. The first costs nothing."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="hints")
    exercise = models.CharField(max_length=200)
    number = models.PositiveSmallIntegerField()
    taken = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "exercise", "number"), name="one_row_per_hint"),)

    def __str__(self) -> str:
        return f"{self.user} · {self.exercise} · {self.number}"


class InvitationCode(models.Model):
    """Lets people register when registration is by code."""

    code = models.CharField(_("código"), max_length=40, unique=True)
    uses_left = models.PositiveIntegerField(_("usos que quedan"), default=30)
    expires = models.DateTimeField(_("caduca"), null=True, blank=True)

    class Meta:
        verbose_name = _("código de invitación")
        verbose_name_plural = _("códigos de invitación")

    def __str__(self) -> str:
        return self.code


CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""None that is mistaken for another when a code is read aloud or from a blackboard."""


def new_code() -> str:
    return get_random_string(8, CODE_LETTERS)


class Cohort(models.Model):
    """A class: its teachers see what its students do (lessons/cohorts.py)."""

    class Recording(models.TextChoices):
        """Whether its students' terminals are recorded; empty: as the lab says (LAB_RECORDING)."""

        LAB = "", _("Como en todo el laboratorio")
        ALWAYS = "siempre", _("Siempre")
        OPTIONAL = "opcional", _("Salvo que quien estudia no quiera")
        NEVER = "nunca", _("Nunca")

    name = models.CharField(_("nombre"), max_length=80)
    code = models.CharField(_("código"), max_length=12, unique=True, default=new_code)
    """With it, a student joins."""
    recording = models.CharField(_("grabación"), max_length=8, choices=Recording, default=Recording.LAB, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("clase")
        verbose_name_plural = _("clases")
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("cohort", args=[self.pk])


class Membership(models.Model):
    """Somebody in a class."""

    class Role(models.TextChoices):
        TEACHER = "teacher", _("da la clase")
        STUDENT = "student", _("estudia")

    cohort = models.ForeignKey(Cohort, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role, default=Role.STUDENT)
    joined = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("cohort", "user"), name="one_place_per_class"),)

    def __str__(self) -> str:
        return f"{self.user} · {self.cohort}"
