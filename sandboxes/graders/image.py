"""`image`: an image exists in the student's engine, and how it came to be.

- id: busybox
  tipo: image
  titulo: La imagen busybox:1.37 está en tu motor
  imagen: busybox:1.37
  misma_que: hola:1.0        # optional: shares its id with another name
  cmd: [sh]                  # optional: its default command
"""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext as _

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import StudentEngine
from sandboxes.graders.text import command_line, listing, missing_image_hint


class ImageSpec(Spec):
    imagen: str
    misma_que: str = ""
    cmd: list[str] | None = None


class ImageEvidence(Evidence):
    tags: list[str]
    """Every tag in the engine."""
    id: str | None = None
    cmd: list[str] = []
    other_id: str | None = None


class ImageKind:
    name: ClassVar[str] = "image"
    spec: ClassVar[type[Spec]] = ImageSpec
    evidence: ClassVar[type[Evidence]] = ImageEvidence

    def observe(self, spec: ImageSpec, engine: StudentEngine) -> ImageEvidence:
        found = engine.image(spec.imagen)
        other = engine.image(spec.misma_que) if spec.misma_que else None
        return ImageEvidence(
            tags=sorted(tag for image in engine.images() for tag in image.tags),
            id=found.id if found else None,
            cmd=found.cmd if found else [],
            other_id=other.id if other else None,
        )

    def judge(self, spec: ImageSpec, evidence: ImageEvidence) -> Verdict:
        expected = _("la imagen «%(image)s» en tu motor") % {"image": spec.imagen}
        if evidence.id is None:
            return Verdict(
                Status.FAILED,
                expected,
                _("tu motor tiene %(images)s") % {"images": listing(evidence.tags, nothing=_("ninguna imagen"))},
                missing_image_hint(spec.imagen, evidence.tags)
                or _("Míralo con «docker images». Una imagen llega al motor con «docker pull», con «docker run» o construyéndola."),
            )
        if spec.misma_que and evidence.id != evidence.other_id:
            return Verdict(
                Status.FAILED,
                _("«%(image)s» y «%(other)s» son la misma imagen") % {"image": spec.imagen, "other": spec.misma_que},
                _("«%(other)s» no está") % {"other": spec.misma_que}
                if evidence.other_id is None
                else _("sus identificadores son distintos"),
                _("Una etiqueta más para la misma imagen se pone con «docker tag ORIGEN DESTINO»."),
            )
        if spec.cmd is not None and evidence.cmd != spec.cmd:
            return Verdict(
                Status.FAILED,
                _("su orden por omisión es «%(cmd)s»") % {"cmd": command_line(spec.cmd)},
                _("es «%(cmd)s»") % {"cmd": command_line(evidence.cmd)} if evidence.cmd else _("no tiene"),
                _cmd_hint(evidence.cmd),
            )
        return Verdict(Status.PASSED, expected, _("está, con el identificador %(id)s") % {"id": evidence.id[7:19]})


def _cmd_hint(cmd: list[str]) -> str:
    if cmd[:2] == ["/bin/sh", "-c"] and len(cmd) > 2 and cmd[2].startswith("["):
        return _('Las comillas simples no valen en la forma exec: escribe CMD ["orden", "argumento"] con comillas dobles.')
    return _("La orden por omisión la pone la última instrucción CMD del Dockerfile.")
