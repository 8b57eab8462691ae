"""How times, exercises and options of commands are said to a student."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lessons import catalog
from lessons.markdown import whole_options

register = template.Library()
register.filter("whole_options", whole_options)
EXACT = 90
"""Minutes up to which they are said as they are; beyond, in hours and halves."""


@register.filter
def minutes(number: int) -> str:
    """«25 min», «2 horas», «3 horas y media»."""
    if number <= EXACT:
        return _("%(number)d min") % {"number": number}
    hours, half = divmod(round(number / 30), 2)
    said = ngettext("%(hours)d hora", "%(hours)d horas", hours) % {"hours": hours}
    return _("%(hours)s y media") % {"hours": said} if half else said


@register.filter
def ago(moment: datetime) -> str:
    """«ahora mismo», «hace 5 minutos», «hace 2 horas»: one unit, for what changes while one looks."""
    if timezone.now() - moment < timedelta(minutes=1):
        return _("ahora mismo")
    return _("hace %(time)s") % {"time": timesince(moment, depth=1)}


@register.filter
def exercise_title(key: str) -> str:
    """An exercise by its title; by its key, once it has left the course."""
    found = catalog.exercise(key)
    return found.title if found else key
