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
from typing import Annotated, ClassVar, Literal, Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import gettext_noop
from pydantic import Field, model_validator

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.events import EventFacts
from sandboxes.engine.student import StudentEngine
from sandboxes.graders.text import listing, nearest

OBJECTS = 60
"""Objects that are kept as evidence, the last ones."""
STEPS = 40
"""Events of each."""

DONE = {
    "container": {
        "create": lazy("se creó"),
        "attach": lazy("se le conectó una terminal"),
        "start": lazy("arrancó"),
        "restart": lazy("se reinició"),
        "die": lazy("terminó"),
        "stop": lazy("se paró con «docker stop»"),
        "kill": lazy("recibió una señal"),
        "oom": lazy("se quedó sin memoria"),
        "pause": lazy("se pausó"),
        "unpause": lazy("siguió tras la pausa"),
        "rename": lazy("cambió de nombre"),
        "update": lazy("cambió de límites"),
        "commit": lazy("se hizo una imagen de él"),
        "exec_create": lazy("se ejecutó algo dentro"),
        "exec_die": lazy("acabó lo que se ejecutó dentro"),
        "archive-path": lazy("se copió algo desde él"),
        "extract-to-dir": lazy("se copió algo a él"),
        "export": lazy("se exportó"),
        "health_status": lazy("se comprobó su salud"),
        "destroy": lazy("se borró"),
    },
    "image": {
        "pull": lazy("se trajo"),
        "push": lazy("se subió"),
        "tag": lazy("se le puso el nombre"),
        "untag": lazy("se le quitó el nombre"),
        "delete": lazy("se borró"),
        "import": lazy("se importó"),
        "load": lazy("se cargó de un fichero"),
        "save": lazy("se guardó en un fichero"),
    },
    "network": {
        "create": lazy("se creó"),
        "connect": lazy("se le conectó un contenedor"),
        "disconnect": lazy("se desconectó un contenedor"),
        "destroy": lazy("se borró"),
    },
    "volume": {
        "create": lazy("se creó"),
        "mount": lazy("se montó"),
        "unmount": lazy("se desmontó"),
        "destroy": lazy("se borró"),
    },
    "service": {"create": lazy("se creó"), "update": lazy("se cambió"), "remove": lazy("se borró")},
    "node": {"create": lazy("se unió"), "update": lazy("se cambió"), "remove": lazy("se quitó")},
}
"""What each action is for the student; an action that is not here can't be asked for."""


class EventSpec(Spec):
    objeto: Literal["container", "image", "network", "volume", "service", "node"] = "container"
    acciones: Annotated[list[str], Field(min_length=1, max_length=8)]
    nombre: str = ""
    imagen: str = ""
    codigo: int | None = None
    senal: int | None = None
    orden: str = ""
    veces: int = Field(default=1, ge=1, le=20)

    @model_validator(mode="after")
    def _check_actions(self) -> Self:
        known = DONE[self.objeto]
        for action in self.acciones:
            if action not in known:
                raise ValueError(f"«{action}» no es algo que le pase a un objeto «{self.objeto}»: {', '.join(known)}")
        for field, needs in (("codigo", {"die", "exec_die"}), ("senal", {"kill"}), ("orden", {"exec_create"})):
            if getattr(self, field) not in (None, "") and not needs & set(self.acciones):
                raise ValueError(f"«{field}» pide «{'» o «'.join(sorted(needs))}» entre las acciones")
        if self.imagen and self.objeto != "container":
            raise ValueError("«imagen» es de contenedores; el nombre de una imagen va en «nombre»")
        return self


class Step(Evidence):
    """One thing that happened to an object."""

    action: str
    code: int | None = None
    signal: int | None = None
    command: str = ""


class Story(Evidence):
    """What happened to an object, in order."""

    names: Annotated[list[str], Field(min_length=1)]
    image: str = ""
    steps: list[Step]


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
        stories = [_story(events, key) for key, events in found.items()]
        mine = [story for story in stories if _meant(spec, story)]
        others = [story for story in stories if not _meant(spec, story)]
        return EventEvidence(stories=[*others[-OBJECTS // 2 :], *mine[-OBJECTS // 2 :]], forgot=engine.forgot)

    def captured(self, spec: EventSpec, evidence: EventEvidence) -> Mapping[str, object]:
        last = _done(spec, evidence)[-1]
        return {"nombre": last.names[-1], "imagen": last.image}

    def judge(self, spec: EventSpec, evidence: EventEvidence) -> Verdict:
        expected = _describe(spec)
        meant = [story for story in evidence.stories if _meant(spec, story)]
        done = _done(spec, evidence)
        if len(done) >= spec.veces:
            return Verdict(Status.PASSED, expected, _("así fue con «%(name)s»") % {"name": done[-1].names[-1]})
        if evidence.forgot:
            why = _("No se pudo comprobar: han pasado tantas cosas en tu motor que las primeras ya no se recuerdan.")
            return Verdict(Status.UNKNOWN, expected, why)
        if done:
            observed = _("ha pasado %(times)s") % {"times": _times(len(done))}
            return Verdict(Status.FAILED, expected, observed, _("Repítelo: cada vez cuenta un objeto distinto."))
        if not meant:
            return Verdict(Status.FAILED, expected, *_nothing(spec, evidence))
        best = max(meant, key=lambda story: _progress(spec, story))
        return Verdict(Status.FAILED, expected, *_halfway(spec, best))


def _done(spec: EventSpec, evidence: EventEvidence) -> list[Story]:
    """To what all of it happened."""
    return [story for story in evidence.stories if _meant(spec, story) and _progress(spec, story) == len(spec.acciones)]


def _story(events: list[EventFacts], key: str) -> Story:
    names = list(dict.fromkeys(event.name for event in events if event.name)) or [key]
    image = next((event.attributes["image"] for event in events if "image" in event.attributes), "")
    return Story(names=names[-5:], image=image, steps=[_step(event) for event in events if event.verb != "exec_start"][-STEPS:])


def _step(event: EventFacts) -> Step:
    return Step(
        action=event.verb,
        code=_number(event.attributes.get("exitCode")),
        signal=_number(event.attributes.get("signal")),
        command=event.action.partition(": ")[2] if event.verb == "exec_create" else "",
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.removeprefix("-").isdigit() and len(text) < 6 else None


def _meant(spec: EventSpec, story: Story) -> bool:
    wanted = _tagged(spec.nombre) if spec.objeto == "image" else spec.nombre
    names = [_tagged(name) for name in story.names] if spec.objeto == "image" else story.names
    return (not spec.nombre or wanted in names) and (not spec.imagen or _tagged(spec.imagen) == _tagged(story.image))


def _tagged(reference: str) -> str:
    return reference if ":" in reference.rsplit("/", 1)[-1] else f"{reference}:latest"


def _progress(spec: EventSpec, story: Story) -> int:
    """How many of the asked actions have happened, in their order."""
    count = 0
    for step in story.steps:
        if count < len(spec.acciones) and step.action == spec.acciones[count] and not _fault(spec, step):
            count += 1
    return count


def _fault(spec: EventSpec, step: Step) -> str:
    """What of a step is not as asked; "" if it is."""
    # With both, the code is that of what was run inside.
    coded = "exec_die" if "exec_die" in spec.acciones else "die"
    if step.action == coded and spec.codigo is not None and step.code != spec.codigo:
        return _("con el código %(code)s, y no %(wanted)d") % {"code": "?" if step.code is None else step.code, "wanted": spec.codigo}
    if step.action == "kill" and spec.senal is not None and step.signal != spec.senal:
        return _("con la señal %(code)s, y no %(wanted)d") % {"code": "?" if step.signal is None else step.signal, "wanted": spec.senal}
    if step.action == "exec_create" and spec.orden and spec.orden not in step.command:
        return _("«%(command)s», y no «%(wanted)s»") % {"command": step.command[:100], "wanted": spec.orden}
    return ""


def _times(count: int) -> str:
    return _("una vez") if count == 1 else _("%(count)d veces") % {"count": count}


def _describe(spec: EventSpec) -> str:
    what = {
        "container": _("un contenedor"),
        "image": _("una imagen"),
        "network": _("una red"),
        "volume": _("un volumen"),
        "service": _("un servicio"),
        "node": _("un nodo"),
    }[spec.objeto]
    parts = [f"«{spec.nombre}»" if spec.nombre else what]
    if spec.imagen:
        parts.append(_("de %(image)s") % {"image": spec.imagen})
    said = [str(DONE[spec.objeto][action]) for action in spec.acciones]
    said = said if len(said) == 1 else [", ".join(said[:-1]), said[-1]]
    text = f"{' '.join(parts)} {_(' y luego ').join(said)}"
    if spec.codigo is not None:
        text += _(" con el código %(code)d") % {"code": spec.codigo}
    if spec.orden:
        text += f": «{spec.orden}»"
    return text if spec.veces == 1 else _("%(text)s, %(times)s") % {"text": text, "times": _times(spec.veces)}


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
    count = _progress(spec, story)
    missing = spec.acciones[count]
    known = DONE[spec.objeto]
    had = list(dict.fromkeys(step.action for step in story.steps if step.action in known))
    observed = _("«%(name)s»: %(done)s") % {"name": story.names[-1], "done": ", ".join(str(known[action]) for action in had) or "—"}
    wrong = next((fault for step in reversed(story.steps) if step.action == missing and (fault := _fault(spec, step))), "")
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
