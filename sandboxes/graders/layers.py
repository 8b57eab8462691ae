"""`layers`: an image's layers, over its base and by instruction.

- id: juntas
  tipo: layers
  titulo: Una sola capa sobre la base
  imagen: notas:2.0
  base: busybox:1.37         # its layers must be the image's first ones
  sobre_base: 1              # optional: exactly so many layers over it
  como_minimo: 2             # optional
  menos_que: notas:1.0       # optional: fewer layers than another image
  como_mucho: 4              # optional
  instrucciones: [RUN]       # optional: words found in the history, in this order
  sin: [ADD]                 # optional: words found nowhere in its history over the base
  ausentes: [/clave.txt, /var/lib/apt/lists]   # optional: files or folders of files in no layer over the base
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from lessons.kinds import Evidence, NotEnoughEvidence, Spec, Status, Verdict
from sandboxes.engine.student import CannotObserve, HistoryRow, ImageFacts, StudentEngine
from sandboxes.graders import absent
from sandboxes.graders.text import engine_has, listing

HISTORY_SHOWN = 100


class LayersSpec(Spec):
    imagen: str
    base: str
    sobre_base: int | None = None
    como_minimo: int | None = None
    menos_que: str = ""
    como_mucho: int | None = None
    instrucciones: list[str] = []
    sin: list[str] = []
    ausentes: list[str] = []


class LayersEvidence(Evidence):
    tags: list[str]
    layers: list[str] | None = None
    base_layers: list[str] | None = None
    other_layers: list[str] | None = None
    history: list[str] = []
    """What made each row, oldest first; long ones cut."""
    base_history: int | None = None
    """How many of those rows are the base's; None in what was seen before that was looked at."""
    left: dict[str, bool] | None = None
    """Of each path asked for, whether it is in some layer over the base; None if none was looked for."""
    built: bool = True
    """Whether a builder made it, as its history says; a commit leaves no instruction."""
    around: absent.Around = absent.Around()
    """Looked at where the image is not there."""


class LayersKind:
    name: ClassVar[str] = "layers"
    live: ClassVar[bool] = True
    spec: ClassVar[type[Spec]] = LayersSpec
    evidence: ClassVar[type[Evidence]] = LayersEvidence
    told: ClassVar[frozenset[str]] = frozenset({"sin", "ausentes"})
    captures: ClassVar[Mapping[str, str]] = {
        "capas": gettext_noop("cuántas capas tiene la imagen"),
        "sobre_base": gettext_noop("cuántas tiene sobre la base"),
    }

    def observe(self, spec: LayersSpec, engine: StudentEngine) -> LayersEvidence:
        found, base = engine.image(spec.imagen), engine.image(spec.base)
        other = engine.image(spec.menos_que) if spec.menos_que else None
        rows = engine.history(spec.imagen) if found else []
        if found and rows and len(found.layers) > len(rows):
            raise CannotObserve(_("el motor cuenta más capas que filas de historia"))
        return LayersEvidence(
            tags=sorted(engine.tags()),
            layers=found.layers if found else None,
            base_layers=base.layers if base else None,
            other_layers=other.layers if other else None,
            history=[row.created_by[:300] for row in reversed(rows[:HISTORY_SHOWN])],
            base_history=len(engine.history(spec.base)) if base and spec.sin else None,
            left=_left(spec, engine, found, base) if found and base and spec.ausentes else None,
            built=not found or not rows or _is_built(found, rows[0]),
            around=absent.Around() if found else absent.look(engine),
        )

    def captured(self, spec: LayersSpec, evidence: LayersEvidence) -> Mapping[str, object]:
        count = len(evidence.layers or [])
        return {"capas": count, "sobre_base": count - len(evidence.base_layers or [])}

    def judge(self, spec: LayersSpec, evidence: LayersEvidence) -> Verdict:
        expected = _describe(spec)
        if evidence.layers is None:
            return Verdict(
                Status.FAILED,
                expected,
                _("no hay ninguna imagen «%(image)s»; %(tags)s")
                % {
                    "image": spec.imagen,
                    "tags": engine_has(evidence.tags, nothing=_("ninguna")),
                },
                absent.hint(spec.imagen, evidence.tags, evidence.around)
                or _("Constrúyela con «docker build -t %(image)s .» (el punto final es la carpeta del Dockerfile).")
                % {"image": spec.imagen},
            )
        if evidence.base_layers is None:
            return Verdict(
                Status.FAILED,
                expected,
                _("la base «%(base)s» no está en tu motor") % {"base": spec.base},
                _("Tráela con «docker pull %(base)s» y construye con «FROM %(base)s».") % {"base": spec.base},
            )
        if evidence.layers[: len(evidence.base_layers)] != evidence.base_layers:
            return Verdict(
                Status.FAILED,
                expected,
                _("«%(image)s» no empieza por las capas de «%(base)s»") % {"image": spec.imagen, "base": spec.base},
                _("La primera línea del Dockerfile debe ser «FROM %(base)s».") % {"base": spec.base},
            )
        over = len(evidence.layers) - len(evidence.base_layers)
        observed = ngettext("%(count)d capa sobre la base", "%(count)d capas sobre la base", over) % {"count": over}
        if not evidence.built:
            return Verdict(
                Status.FAILED,
                expected,
                _("«%(image)s» se hizo con «docker commit»") % {"image": spec.imagen},
                _("Aquí se pide construirla desde un Dockerfile con «docker build»."),
            )
        if hint := _count_fault(spec, evidence, over):
            return Verdict(Status.FAILED, expected, observed, hint)
        if missing := _missing_instruction(spec, evidence.history):
            return Verdict(
                Status.FAILED,
                expected,
                _("en su historia no aparece «%(text)s» donde se espera") % {"text": missing},
                _("Compara tu Dockerfile con «docker history --no-trunc %(image)s».") % {"image": spec.imagen},
            )
        if fault := _left_fault(spec, evidence):
            return Verdict(Status.FAILED, expected, *fault)
        return Verdict(Status.PASSED, expected, observed)


def _left(spec: LayersSpec, engine: StudentEngine, image: ImageFacts, base: ImageFacts) -> dict[str, bool]:
    found = engine.in_layers(image, spec.ausentes, over=base.layers)
    return {path: path in found for path in spec.ausentes}


def _left_fault(spec: LayersSpec, evidence: LayersEvidence) -> tuple[str, str] | None:
    """What should be in no instruction, or in no layer."""
    left = evidence.left or {}
    if (spec.sin and evidence.base_history is None) or not left.keys() >= set(spec.ausentes):
        raise NotEnoughEvidence
    for word in spec.sin:
        if row := next((row for row in evidence.history[evidence.base_history :] if word in row), None):
            return (
                _("en su historia dice «%(row)s»") % {"row": " ".join(row.split())[:120]},
                _("Lo que pasa por ARG, ENV o un RUN se lee después con «docker history»: aquí se pide sin «%(word)s».") % {"word": word},
            )
    if path := next((path for path in spec.ausentes if left[path]), None):
        return (
            _("«%(path)s» está en alguna de sus capas") % {"path": path},
            _("Borrarlo en otra instrucción no lo quita de la capa de antes: bórralo en el mismo RUN, o no lo copies (.dockerignore)."),
        )
    return None


def _describe(spec: LayersSpec) -> str:
    what = _("«%(image)s» sobre «%(base)s»") % {"image": spec.imagen, "base": spec.base}
    if spec.sobre_base is not None:
        what += ngettext(", con %(count)d capa más", ", con %(count)d capas más", spec.sobre_base) % {"count": spec.sobre_base}
    elif spec.como_minimo is not None:
        what += ngettext(", con %(count)d capa más como mínimo", ", con %(count)d capas más como mínimo", spec.como_minimo) % {
            "count": spec.como_minimo
        }
    if spec.como_mucho is not None:
        what += ngettext(", con %(count)d capa más como mucho", ", con %(count)d capas más como mucho", spec.como_mucho) % {
            "count": spec.como_mucho
        }
    if spec.sin or spec.ausentes:
        what += _(", sin %(names)s") % {"names": listing([*spec.sin, *spec.ausentes], nothing="")}
    if spec.menos_que:
        what += _(" y menos capas que «%(other)s»") % {"other": spec.menos_que}
    return what


def _count_fault(spec: LayersSpec, evidence: LayersEvidence, over: int) -> str:
    """The hint for a wrong number of layers; empty if the number is right."""
    if spec.sobre_base is not None and over > spec.sobre_base:
        runs = sum("RUN" in row or "/bin/sh -c" in row for row in evidence.history)
        if spec.sobre_base == 1 and runs > 1:
            return _("Cada RUN añade una capa. Une las órdenes en un solo RUN con && y vuelve a construir.")
        return _("Sobran capas: RUN, COPY, ADD y WORKDIR (si crea la carpeta) añaden una cada una.")
    if spec.sobre_base is not None and over < spec.sobre_base:
        return _("Faltan capas: cada RUN, COPY o ADD añade una; ENV, LABEL o CMD no añaden ninguna.")
    if spec.como_mucho is not None and over > spec.como_mucho:
        return _("Sobran capas: une las órdenes de varios RUN con &&.")
    if spec.como_minimo is not None and over < spec.como_minimo:
        return _("Faltan capas: escribe cada orden en una instrucción RUN propia.")
    if spec.menos_que:
        if evidence.other_layers is None:
            return _("Para comparar hace falta también «%(other)s»: no la borres.") % {"other": spec.menos_que}
        if len(evidence.layers or []) >= len(evidence.other_layers):
            return _("Tiene tantas capas como «%(other)s» o más: une los RUN con &&.") % {"other": spec.menos_que}
    return ""


def _missing_instruction(spec: LayersSpec, history: list[str]) -> str:
    """The first wanted text that the history lacks, in order; empty if all are there."""
    rows = iter(history)
    return next((wanted for wanted in spec.instrucciones if not any(wanted in row for row in rows)), "")


def _is_built(image: ImageFacts, newest: HistoryRow) -> bool:
    """A commit has a parent, as the legacy builder's images do, but its row holds the container's own command."""
    return not image.parent or newest.created_by.startswith("/bin/sh -c")
