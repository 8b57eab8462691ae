"""`event`: something happened in the engine, even if nothing of it is left: "was run and removed".

- id: fugaz
  tipo: event
  titulo: Un contenedor de busybox:1.37 se ejecutó y se borró
  objeto: container          # or image, network, volume…
  acciones: [start, exec_create, kill, die, destroy]   # in this order, of one and the same object
  nombre: fugaz              # optional, as all that follow: the object's name
  imagen: busybox:1.37       # of a container: its image
  codigo: 0                  # the exit code of its die, or of an exec's
  senal: 15                  # the signal of its kill
  orden: date                # text of an exec's command
  veces: 1                   # so many objects, at least

What is looked at is what the collector kept and what the engine still remembers: sandboxes/events/.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import gettext_noop

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.events import EventFacts
from sandboxes.engine.student import StudentEngine
from sandboxes.graders.event_story import DONE, Story, Wanted, tell, times
from sandboxes.graders.text import listing, nearest

OBJECTS = 60
"""Objects that are kept as evidence, the last ones."""


class EventSpec(Spec, Wanted):
    """All its fields are those of one object's story."""


class EventEvidence(Evidence):
    stories: list[Story] = []
    """Of every object of the kind, the last one last."""
    forgot: bool = False
    """Whether the oldest may be missing."""


class EventKind:
    name: ClassVar[str] = "event"
    live: ClassVar[bool] = True
    spec: ClassVar[type[Spec]] = EventSpec
    evidence: ClassVar[type[Evidence]] = EventEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "nombre": gettext_noop("el del último objeto al que le pasó"),
        "imagen": gettext_noop("su imagen, si es un contenedor"),
    }

    def observe(self, spec: EventSpec, engine: StudentEngine) -> EventEvidence:
        found: dict[str, list[EventFacts]] = {}
        for event in engine.events():
            if event.kind == spec.objeto:
                # An image has other ids before and after; its name stays.
                key = (event.name or event.actor) if spec.objeto == "image" else event.actor
                found.setdefault(key, []).append(event)
        stories = [tell(events, key) for key, events in found.items()]
        if len(stories) > OBJECTS:
            mine = [story for story in stories if story.is_meant(spec)]
            others = [story for story in stories if not story.is_meant(spec)]
            stories = [*others[-OBJECTS // 2 :], *mine[-OBJECTS // 2 :]]
        return EventEvidence(stories=stories, forgot=engine.forgot)

    def captured(self, spec: EventSpec, evidence: EventEvidence) -> Mapping[str, object]:
        last = _done(spec, evidence)[-1]
        return {"nombre": last.names[-1], "imagen": last.image}

    def judge(self, spec: EventSpec, evidence: EventEvidence) -> Verdict:
        expected = spec.describe()
        meant = [story for story in evidence.stories if story.is_meant(spec)]
        done = _done(spec, evidence)
        if len(done) >= spec.veces:
            return Verdict(Status.PASSED, expected, _("así fue con «%(name)s»") % {"name": done[-1].names[-1]})
        if evidence.forgot:
            why = _("No se pudo comprobar: han pasado tantas cosas en tu motor que las primeras ya no se recuerdan.")
            return Verdict(Status.UNKNOWN, expected, why)
        if done:
            observed = _("ha pasado %(times)s") % {"times": times(len(done))}
            return Verdict(Status.FAILED, expected, observed, _("Repítelo: cada vez cuenta un objeto distinto."))
        if not meant:
            return Verdict(Status.FAILED, expected, *_nothing(spec, evidence))
        best = max(meant, key=lambda story: story.progress(spec))
        return Verdict(Status.FAILED, expected, *_halfway(spec, best))


def _done(spec: EventSpec, evidence: EventEvidence) -> list[Story]:
    """To what all of it happened."""
    return [story for story in evidence.stories if story.is_meant(spec) and story.progress(spec) == len(spec.acciones)]


def _nothing(spec: EventSpec, evidence: EventEvidence) -> tuple[str, str]:
    """Nothing happened to such an object: what was seen, and a hint."""
    names = list(dict.fromkeys(story.names[-1] for story in reversed(evidence.stories)))
    observed = _("no ha pasado nada así; se ha visto %(names)s") % {"names": listing(names, nothing=_("que no ha pasado nada"))}
    near = nearest(spec.nombre, names) if spec.nombre and spec.nombre not in names else None
    if near:
        return observed, _("Hubo uno llamado «%(name)s»: ¿es una errata?") % {"name": near}
    images = list(dict.fromkeys(story.image for story in evidence.stories if story.image))
    if spec.imagen and images:
        return observed, _("Los contenedores que ha habido son de %(images)s.") % {"images": listing(images, nothing="")}
    if spec.nombre and spec.objeto == "container":
        return observed, _("El nombre se elige al crear el contenedor, con --name, antes de la imagen.")
    return observed, _("Cuenta lo que pasa desde que inicias este laboratorio.")


def _halfway(spec: EventSpec, story: Story) -> tuple[str, str]:
    """It happened in part: what there was, and how it goes on."""
    count = story.progress(spec)
    missing = spec.acciones[count]
    known = DONE[spec.objeto]
    had = list(dict.fromkeys(step.action for step in story.steps if step.action in known))
    observed = _("«%(name)s»: %(done)s") % {"name": story.names[-1], "done": ", ".join(str(known[action]) for action in had) or "—"}
    wrong = next((fault for step in reversed(story.steps) if step.action == missing and (fault := step.fault(spec))), "")
    if wrong:
        return f"{observed} {wrong}", _wrong_hint(story, missing)
    if missing in had:
        return observed, _("Pasó, pero no en ese orden: primero %(first)s y después %(then)s.") % {
            "first": known[spec.acciones[count - 1]] if count else known[missing],
            "then": known[missing],
        }
    if told := _by_state(spec, story, missing):
        return observed, told
    advice = _ADVICE.get(missing, _("Falta que pase esto: %(what)s.") % {"what": known[missing]})
    return observed, str(advice) % {"name": story.names[-1]}


def _by_state(spec: EventSpec, story: Story, missing: str) -> str:
    """What the container's state explains; empty if it does not."""
    if spec.objeto != "container":
        return ""
    state = next((step.action for step in reversed(story.steps) if step.action in ("create", "start", "die", "destroy")), "")
    name = {"name": story.names[-1]}
    if missing in ("exec_create", "kill", "pause") and state in ("create", "die"):
        return _("«%(name)s» está parado («is not running»), y así no se puede: arráncalo antes con «docker start %(name)s».") % name
    if missing == "destroy" and state == "start":
        return (
            _("«%(name)s» está en marcha: páralo con «docker stop %(name)s» y bórralo con «docker rm %(name)s», o «docker rm -f».") % name
        )
    return ""


def _wrong_hint(story: Story, missing: str) -> str:
    if missing == "die":
        return str(_ADVICE["wrong"]) % {"name": story.names[-1]}
    last = next((step for step in reversed(story.steps) if step.action == "exec_create"), None)
    if missing == "exec_die" and last and any(step.action == "exec_die" and step.code in (126, 127) for step in story.steps):
        return _(
            "En su imagen no hay ningún programa «%(word)s»: muchas no traen «bash», pero sí «sh»; y las opciones van sin comillas."
        ) % {"word": last.command.partition(" ")[0]}
    return ""


_ADVICE = {
    "destroy": lazy("«%(name)s» sigue ahí: bórralo, o créalo con --rm y se borrará solo al terminar."),
    "die": lazy("«%(name)s» sigue en marcha: espera a que acabe o páralo con «docker stop %(name)s»."),
    "attach": lazy("«%(name)s» se arrancó en segundo plano: sin -d, tu terminal se conecta a él."),
    "start": lazy("«%(name)s» se creó, pero no ha arrancado: «docker start %(name)s»."),
    "exec_create": lazy("Dentro de «%(name)s» no se ha ejecutado eso: «docker exec %(name)s ORDEN»."),
    "restart": lazy("«%(name)s» no se ha reiniciado: «docker restart %(name)s»."),
    "pause": lazy("«%(name)s» no se ha pausado: «docker pause %(name)s»."),
    "wrong": lazy("Lo que dijo antes de acabar está en «docker logs %(name)s», si el contenedor sigue ahí."),
}
