"""Sandboxes and the machines they are made of. Only lifecycle.py, pool.py and reaper.py write them;
registry/credentials.py, what people log in to the class registry with; events/, what their engines tell."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sandboxes.engine import EMPTY, Flavor


class State(models.TextChoices):
    """A sandbox's life. It moves only by conditional updates (lifecycle.move). `reason` says why one ended."""

    REQUESTED = "requested", _("en cola")
    STARTING = "starting", _("arrancando")
    READY = "ready", _("en marcha")
    FAILED = "failed", _("falló")
    EXPIRED = "expired", _("caducado")
    LOST = "lost", _("detenido")
    """By what was done in it, or befell it."""
    REMOVED = "removed", _("terminado")


LIVE = (State.REQUESTED, State.STARTING, State.READY)
ENDED = (State.FAILED, State.EXPIRED, State.LOST, State.REMOVED)


class Sandbox(models.Model):
    """One student's laboratory for one exercise, past or present."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sandboxes")
    exercise = models.CharField(max_length=200)
    attempt = models.ForeignKey("lessons.Attempt", models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    reason = models.CharField(max_length=300, blank=True)
    """Why it ended or failed, as the student reads it."""
    notice = models.CharField(max_length=300, blank=True)
    """What the student should know now: it nears its limits, it will expire."""
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(default=timezone.now)
    ready = models.DateTimeField(null=True)
    """When it was handed over; idle time counts from here, never from boot."""
    active = models.DateTimeField(null=True)
    """The last sign of life that reached the database; keystrokes wait in the cache (activity.py)."""
    checkpoint = models.ForeignKey("Checkpoint", models.SET_NULL, null=True, related_name="+")
    """The step that it was brought back to, if it began as a copy."""
    kept_until = models.DateTimeField(null=True)
    """Until when its stopped machines are kept for *Continuar*; None if they are gone."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("user",),
                condition=models.Q(state__in=["requested", "starting", "ready"]),
                name="one_live_sandbox_per_user",
            ),
        )
        indexes = (models.Index(fields=("state", "created")), models.Index(fields=("user", "exercise")))

    def __str__(self) -> str:
        return f"{self.user} · {self.exercise} · {self.get_state_display()}"

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def resumable(self) -> bool:
        return self.kept_until is not None and not self.live


class Checkpoint(models.Model):
    """A copy of a sandbox's machines as they were when a step of its exercise was done: docs/adr/0010-pasos.md."""

    attempt = models.ForeignKey("lessons.Attempt", models.CASCADE, related_name="checkpoints")
    step = models.PositiveSmallIntegerField()
    """From 1."""
    copies: models.JSONField[dict[str, str], dict[str, str]] = models.JSONField(default=dict)
    """Node → the id of its machine's copy."""
    complete = models.BooleanField(default=False)
    """Whether every node has been copied; until then nobody is offered it."""
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("attempt", "step"), name="one_checkpoint_per_step"),)
        ordering = ("step",)

    def __str__(self) -> str:
        return f"{self.attempt} · {self.step}"


class Machine(models.Model):
    """One container: being made, warm, or a node of a sandbox. Its row comes before it and goes after it."""

    class State(models.TextChoices):
        MAKING = "making", _("creándose")
        WARM = "warm", _("en reserva")
        TAKEN = "taken", _("entregada")

    name = models.CharField(max_length=60, unique=True)
    """The container's and its network's."""
    sandbox = models.ForeignKey(Sandbox, models.SET_NULL, null=True, related_name="machines")
    node = models.CharField(max_length=40, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    disk = models.CharField(max_length=4)
    images = models.CharField(max_length=32, default=EMPTY)
    state = models.CharField(max_length=8, choices=State, default=State.MAKING)
    created = models.DateTimeField(auto_now_add=True)
    cpu_seen: models.BigIntegerField[Any, Any] = models.BigIntegerField(default=0)
    """CPU nanoseconds at the last watch."""
    refused_seen: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)
    """Processes that the kernel had refused by then (watch.py)."""

    class Meta:
        ordering = ("position", "id")

    def __str__(self) -> str:
        return self.name

    @property
    def flavor(self) -> Flavor:
        return Flavor(disk=self.disk, images=self.images)


class EngineEvent(models.Model):
    """Something that happened in a sandbox's engine, as the engine told it: untrusted, trimmed, capped (events/store.py)."""

    sandbox = models.ForeignKey(Sandbox, models.CASCADE, related_name="events")
    node = models.CharField(max_length=40)
    nano: models.BigIntegerField[int, int] = models.BigIntegerField()
    """Nanoseconds since 1970, the engine's own clock."""
    at = models.DateTimeField()
    """The same on the lab's clock, within the sandbox's life."""
    kind = models.CharField(max_length=20)
    action = models.CharField(max_length=200)
    actor = models.CharField(max_length=200)
    attributes: models.JSONField[dict[str, str], dict[str, str]] = models.JSONField(default=dict)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("sandbox", "node", "nano", "kind", "action", "actor"), name="one_row_per_event"),)

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.kind} {self.action} {self.attributes.get('name', self.actor)}"


class Recording(models.Model):
    """What one connection of a terminal showed, in a file (recording/)."""

    sandbox = models.ForeignKey(Sandbox, models.CASCADE, related_name="recordings")
    node = models.CharField(max_length=40)
    shell = models.CharField(max_length=40)
    started = models.DateTimeField(default=timezone.now)
    ended = models.DateTimeField(null=True)
    file = models.CharField(max_length=60, unique=True)
    size = models.PositiveIntegerField(default=0)
    """Bytes, once it has ended."""
    full = models.BooleanField(default=False)
    """Whether it ended before the terminal did, for its size."""

    class Meta:
        indexes = (models.Index(fields=("started",)),)

    def __str__(self) -> str:
        return f"{self.sandbox} · {self.shell} · {self.started:%Y-%m-%d %H:%M}"


class RecordingChoice(models.Model):
    """Whether a student will not be recorded, where the class leaves it to them."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="recording_choice")
    refused = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.user} · {'no' if self.refused else 'sí'}"


class Visit(models.Model):
    """Somebody in another's sandbox, for a while: a teacher who watches or types along, a classmate who was invited.

    Written by visits.py alone. Open from `accepted` until `ended`; before, it is asked for. A row is a stretch in one mode, and is
    kept: it says who was there, in what mode, from when until when."""

    class Mode(models.TextChoices):
        READ = "read", _("mirar")
        TYPE = "type", _("escribir")

    class Outcome(models.TextChoices):
        """How it ended."""

        OPEN = "", _("sigue")
        LEFT = "left", _("se fue")
        DISMISSED = "dismissed", _("lo dejó quien tiene el laboratorio")
        REFUSED = "refused", _("no se aceptó")
        LOST = "lost", _("se cortó")
        OVER = "over", _("terminó el laboratorio")
        UNENTITLED = "unentitled", _("ya no es de su clase")

    sandbox = models.ForeignKey(Sandbox, models.CASCADE, related_name="visits")
    visitor = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="visits")
    """None: an invitation that nobody has taken."""
    mode = models.CharField(max_length=4, choices=Mode)
    code = models.CharField(max_length=24, blank=True)
    """Of an invitation: whoever has it may come, once; empty of a teacher's."""
    asked = models.DateTimeField(default=timezone.now)
    accepted = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.OPEN, blank=True)
    seen = models.DateTimeField(default=timezone.now)
    """When the visitor's page was last there."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("sandbox", "visitor", "mode"), condition=models.Q(ended=None), name="one_open_visit_per_mode"),
            models.UniqueConstraint(
                fields=("sandbox",), condition=models.Q(ended=None) & ~models.Q(code=""), name="one_open_invitation_per_sandbox"
            ),
            models.UniqueConstraint(fields=("code",), condition=~models.Q(code=""), name="one_visit_per_invitation"),
        )
        indexes = (models.Index(fields=("asked",)),)

    def __str__(self) -> str:
        return f"{self.visitor or self.code} → {self.sandbox} · {self.get_mode_display()}"

    @property
    def invited(self) -> bool:
        return bool(self.code)


class DoctorRun(models.Model):
    """What one run of `lab_doctor` found. The web does not start over the last one's failure."""

    when = models.DateTimeField(default=timezone.now)
    passed = models.BooleanField()
    report: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    """`findings`: name, tried, expected, observed, held. `lacks`: what, so, exercises."""

    class Meta:
        get_latest_by = "when"

    def __str__(self) -> str:
        return f"{self.when:%Y-%m-%d %H:%M} · {'✓' if self.passed else '✗'}"


def new_nonce() -> str:
    return secrets.token_hex(16)


class RegistryCredential(models.Model):
    """What a user's registry password is derived from (registry/credentials.py)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="registry_credential")
    nonce = models.CharField(max_length=32, default=new_nonce)

    def __str__(self) -> str:
        return str(self.user)


class TerminalPreferences(models.Model):
    """How a user likes their terminals (terminal/preferences.py says what it holds), and how they were arranged."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="terminal_preferences")
    values = models.JSONField(default=dict)
    changed = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"terminal preferences of user {self.user_id}"
