"""What happened to one object of an engine, as `event` sees it, and how far it is what is asked for.

Owns the words for each action. Pure but for what it is given: events of the collector's kind (sandboxes/engine/events.py).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lessons.kinds import Evidence
from sandboxes.engine.events import EventFacts
from sandboxes.graders.text import tagged

STEPS = 40
"""Events of an object that are kept, the last ones."""

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


class Wanted(BaseModel):
    """Fields of the specification."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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

    def describe(self) -> str:
        what = {
            "container": _("un contenedor"),
            "image": _("una imagen"),
            "network": _("una red"),
            "volume": _("un volumen"),
            "service": _("un servicio"),
            "node": _("un nodo"),
        }[self.objeto]
        parts = [f"«{self.nombre}»" if self.nombre else what]
        if self.imagen:
            parts.append(_("de %(image)s") % {"image": self.imagen})
        said = [str(DONE[self.objeto][action]) for action in self.acciones]
        said = said if len(said) == 1 else [", ".join(said[:-1]), said[-1]]
        text = f"{' '.join(parts)} {_(' y luego ').join(said)}"
        if self.codigo is not None:
            text += _(" con el código %(code)d") % {"code": self.codigo}
        if self.orden:
            text += f": «{self.orden}»"
        return text if self.veces == 1 else _("%(text)s, %(times)s") % {"text": text, "times": times(self.veces)}


class Step(Evidence):
    """One thing that happened to an object."""

    action: str
    code: int | None = None
    signal: int | None = None
    command: str = ""

    def fault(self, wanted: Wanted) -> str:
        """What of it is not as asked; "" if it is."""
        # With both, the code is that of what was run inside.
        coded = "exec_die" if "exec_die" in wanted.acciones else "die"
        if self.action == coded and wanted.codigo is not None and self.code != wanted.codigo:
            return _("con el código %(code)s, y no %(wanted)d") % {"code": "?" if self.code is None else self.code, "wanted": wanted.codigo}
        if self.action == "kill" and wanted.senal is not None and self.signal != wanted.senal:
            return _("con la señal %(code)s, y no %(wanted)d") % {
                "code": "?" if self.signal is None else self.signal,
                "wanted": wanted.senal,
            }
        if self.action == "exec_create" and wanted.orden and wanted.orden not in self.command:
            return _("«%(command)s», y no «%(wanted)s»") % {"command": self.command[:100], "wanted": wanted.orden}
        return ""


class Story(Evidence):
    """What happened to an object, in order."""

    names: Annotated[list[str], Field(min_length=1)]
    image: str = ""
    steps: list[Step]

    def is_meant(self, wanted: Wanted) -> bool:
        name = tagged(wanted.nombre) if wanted.objeto == "image" else wanted.nombre
        names = [tagged(name) for name in self.names] if wanted.objeto == "image" else self.names
        return (not wanted.nombre or name in names) and (not wanted.imagen or tagged(wanted.imagen) == tagged(self.image))

    def progress(self, wanted: Wanted) -> int:
        """How many of the asked actions have happened, in their order."""
        count = 0
        for step in self.steps:
            if count < len(wanted.acciones) and step.action == wanted.acciones[count] and not step.fault(wanted):
                count += 1
        return count


def tell(events: list[EventFacts], key: str) -> Story:
    """The story of an object from its events; `key` names one that has no name."""
    said = [name for event in events for name in (event.attributes.get("oldName", "").lstrip("/"), event.name) if name]
    names = list(dict.fromkeys(said)) or [key]
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


def times(count: int) -> str:
    return _("una vez") if count == 1 else _("%(count)d veces") % {"count": count}
