"""`image`: an image exists in the student's engine, and how it came to be.

- id: busybox
  tipo: image
  titulo: La imagen busybox:1.37 está en tu motor
  imagen: busybox:1.37
  misma_que: hola:1.0        # optional: shares its id with another name
  cmd: [sh]                  # optional, as all that follow: its default command
  entrypoint: [/entrada.sh]
  usuario: app
  env: {MODO: produccion, CLAVE: null}
  carpeta: /app
  puertos: ["80"]
  etiquetas: {version: "1.0"}
  healthcheck: true
  tamano_maximo: 20m
  creada_por: build          # build, commit, import or pull
  arquitectura: amd64
  autor: Ana                 # as in MAINTAINER or docker commit --author
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import StudentEngine
from sandboxes.graders import absent, image_config
from sandboxes.graders.text import command_line, engine_has, listing, same_command


class ImageSpec(Spec, image_config.Wanted):
    misma_que: str = ""
    cmd: list[str] | None = None


class ImageEvidence(Evidence):
    tags: list[str]
    """Every tag in the engine."""
    id: str | None = None
    cmd: list[str] = []
    other_id: str | None = None
    config: image_config.Config | None = None
    """None without an image, and in what was seen before this was looked at."""
    around: absent.Around = absent.Around()
    """Looked at where the image is not there."""
    used_by: list[str] = []
    """Containers that were made of it."""


class ImageKind:
    name: ClassVar[str] = "image"
    live: ClassVar[bool] = True
    spec: ClassVar[type[Spec]] = ImageSpec
    evidence: ClassVar[type[Evidence]] = ImageEvidence
    told: ClassVar[frozenset[str]] = frozenset({"env", "etiquetas"})
    captures: ClassVar[Mapping[str, str]] = {
        "id": gettext_noop("su identificador"),
        "tamano": gettext_noop("lo que ocupa, en bytes"),
        "arquitectura": gettext_noop("su arquitectura"),
        "autor": gettext_noop("quien la firma"),
    }

    def observe(self, spec: ImageSpec, engine: StudentEngine) -> ImageEvidence:
        found = engine.image(spec.imagen)
        other = engine.image(spec.misma_que) if spec.misma_que else None
        return ImageEvidence(
            tags=sorted(engine.tags()),
            id=found.id if found else None,
            cmd=found.cmd if found else [],
            other_id=other.id if other else None,
            config=image_config.see(spec, found, engine.history(spec.imagen) if spec.creada_por else []) if found else None,
            around=absent.Around() if found else absent.look(engine),
            used_by=_users(found.id, engine) if found else [],
        )

    def captured(self, spec: ImageSpec, evidence: ImageEvidence) -> Mapping[str, object]:
        seen = evidence.config
        return {
            "id": evidence.id,
            "tamano": seen and seen.size,
            "arquitectura": seen and seen.architecture,
            "autor": seen and seen.author,
        }

    def lingering(self, spec: ImageSpec, evidence: ImageEvidence) -> str:
        """Why it may be there still."""
        if not evidence.used_by:
            return ""
        return _("De ella es %(names)s, y un contenedor retiene su imagen aunque esté parado: bórralo antes con «docker rm».") % {
            "names": listing(evidence.used_by, nothing="")
        }

    def judge(self, spec: ImageSpec, evidence: ImageEvidence) -> Verdict:
        expected = _("la imagen «%(image)s» en tu motor") % {"image": spec.imagen}
        if evidence.id is None:
            return Verdict(
                Status.FAILED,
                expected,
                engine_has(evidence.tags, nothing=_("ninguna imagen")),
                absent.hint(spec.imagen, evidence.tags, evidence.around, same_as=spec.misma_que, built=spec.creada_por in ("", "build"))
                or _("Una imagen llega al motor con «docker pull», con «docker run» o construyéndola.") + " " + absent.pulled(),
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
        if spec.cmd is not None and not _is_cmd(spec.cmd, evidence):
            return Verdict(
                Status.FAILED,
                _("su orden por omisión es «%(cmd)s»") % {"cmd": command_line(spec.cmd)},
                _("es «%(cmd)s»") % {"cmd": command_line(evidence.cmd)} if evidence.cmd else _("no tiene"),
                _cmd_hint(spec.cmd, evidence),
            )
        if fault := image_config.fault(spec, evidence.config):
            return Verdict(Status.FAILED, *fault)
        return Verdict(Status.PASSED, expected, _("está, con el identificador %(id)s") % {"id": evidence.id[7:19]})


def _users(id_: str, engine: StudentEngine) -> list[str]:
    rows = [row for row in engine.listed() if row.get("ImageID") == id_]
    return [str(name).lstrip("/")[:100] for row in rows for name in (row.get("Names") or [])[:1]][:20]


def _is_cmd(wanted: list[str], evidence: ImageEvidence) -> bool:
    """Behind an ENTRYPOINT its first word is an argument, and no program."""
    program = evidence.config is not None and not evidence.config.entrypoint
    return same_command(wanted, evidence.cmd) if program else wanted == evidence.cmd


def _cmd_hint(wanted: list[str], evidence: ImageEvidence) -> str:
    cmd = evidence.cmd
    if not cmd and evidence.config and evidence.config.entrypoint[-len(wanted) :] == wanted:
        return _("Está en ENTRYPOINT, y lo que se escriba detrás de la imagen no lo cambiaría: pásalo a CMD.")
    if cmd[:2] == ["/bin/sh", "-c"] and len(cmd) > 2 and cmd[2].split() == command_line(wanted).split():
        return _('Sin corchetes la ejecuta un intérprete, /bin/sh -c: escribe CMD ["orden", "argumento"], con corchetes y comillas dobles.')
    if cmd[:2] == ["/bin/sh", "-c"] and len(cmd) > 2 and cmd[2].startswith("["):
        return _('Las comillas simples no valen en la forma exec: escribe CMD ["orden", "argumento"] con comillas dobles.')
    return _("La orden por omisión la pone la última instrucción CMD del Dockerfile.")
