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
from typing import Annotated, ClassVar, Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import AfterValidator, Field

from lessons.kinds import Evidence, NotEnoughEvidence, Spec, Status, Verdict
from sandboxes.engine.student import HistoryRow, ImageFacts, StudentEngine
from sandboxes.graders import absent
from sandboxes.graders.text import a_size, command_line, engine_has, in_bytes, in_words, listing

ORIGINS = {
    "build": "se construyó con «docker build»",
    "commit": "se hizo con «docker commit»",
    "import": "se hizo con «docker import»",
    "pull": "se trajo con «docker pull»",
}


class ImageSpec(Spec):
    imagen: str
    misma_que: str = ""
    cmd: list[str] | None = None
    entrypoint: list[str] | None = None
    usuario: str = ""
    env: dict[str, str | None] = {}
    carpeta: str = ""
    puertos: list[Annotated[str, Field(pattern=r"^\d{1,5}(/(tcp|udp))?$")]] = []
    etiquetas: dict[str, str | None] = {}
    healthcheck: bool | None = None
    tamano_maximo: Annotated[str, AfterValidator(lambda size: a_size(size) if size else size)] = ""
    creada_por: Literal["", "build", "commit", "import", "pull"] = ""
    arquitectura: str = ""
    autor: str = ""


class Config(Evidence):
    """What the image brings, as far as this check cares."""

    entrypoint: list[str]
    user: str
    env: dict[str, str]
    folder: str
    ports: list[str]
    labels: dict[str, str]
    healthcheck: bool
    size: int
    origins: list[str]
    """How it may have come to be; more than one where the engine keeps no difference."""
    architecture: str | None = None
    author: str | None = None
    """None in what was seen before these two were looked at."""


class ImageEvidence(Evidence):
    tags: list[str]
    """Every tag in the engine."""
    id: str | None = None
    cmd: list[str] = []
    other_id: str | None = None
    config: Config | None = None
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
            config=_see(spec, found, engine.history(spec.imagen) if spec.creada_por else []) if found else None,
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
        if spec.cmd is not None and evidence.cmd != spec.cmd:
            return Verdict(
                Status.FAILED,
                _("su orden por omisión es «%(cmd)s»") % {"cmd": command_line(spec.cmd)},
                _("es «%(cmd)s»") % {"cmd": command_line(evidence.cmd)} if evidence.cmd else _("no tiene"),
                _cmd_hint(evidence.cmd),
            )
        if fault := _config_fault(spec, evidence.config):
            return Verdict(Status.FAILED, *fault)
        return Verdict(Status.PASSED, expected, _("está, con el identificador %(id)s") % {"id": evidence.id[7:19]})


def _users(id_: str, engine: StudentEngine) -> list[str]:
    rows = [row for row in engine.listed() if row.get("ImageID") == id_]
    return [str(name).lstrip("/")[:100] for row in rows for name in (row.get("Names") or [])[:1]][:20]


def _cmd_hint(cmd: list[str]) -> str:
    if cmd[:2] == ["/bin/sh", "-c"] and len(cmd) > 2 and cmd[2].startswith("["):
        return _('Las comillas simples no valen en la forma exec: escribe CMD ["orden", "argumento"] con comillas dobles.')
    return _("La orden por omisión la pone la última instrucción CMD del Dockerfile.")


def _see(spec: ImageSpec, found: ImageFacts, history: list[HistoryRow]) -> Config:
    return Config(
        entrypoint=found.entrypoint,
        user=found.user,
        env={name: found.env[name][:500] for name in spec.env if name in found.env},
        folder=found.folder,
        ports=found.ports[:20],
        labels={name: found.labels[name][:500] for name in spec.etiquetas if name in found.labels},
        healthcheck=found.healthcheck,
        size=found.size,
        origins=origins(found, history),
        architecture=found.architecture[:50],
        author=found.author[:200],
    )


def origins(image: ImageFacts, history: list[HistoryRow]) -> list[str]:
    """How an image may have come to be, from the traces that engine 26 leaves."""
    newest = history[0] if history else HistoryRow()
    if image.comment.startswith("Imported from") or newest.comment.startswith("Imported from"):
        return ["import"]
    if image.parent:
        # The old builder has a parent too; of its RUN and of a commit of `sh -c …` the same row is left.
        if newest.created_by.startswith("/bin/sh -c #(nop)"):
            return ["build"]
        return ["build", "commit"] if newest.created_by.startswith("/bin/sh -c") else ["commit"]
    built = newest.comment.startswith("buildkit.dockerfile")
    if not image.digests:
        return ["build"] if built else []
    # Pushing leaves a digest as pulling does, but only to a registry with a host's name.
    pushed = any("." in digest.split("/")[0] or ":" in digest.split("/")[0] for digest in image.digests if "/" in digest)
    return ["build", "pull"] if built and pushed else ["pull"]


def _config_fault(spec: ImageSpec, found: Config | None) -> tuple[str, str, str] | None:
    """The first thing that is not as asked: expected, observed and hint."""
    asked = (
        "entrypoint",
        "usuario",
        "env",
        "carpeta",
        "puertos",
        "etiquetas",
        "healthcheck",
        "tamano_maximo",
        "creada_por",
        "arquitectura",
        "autor",
    )
    if found is None:
        if any(getattr(spec, name) not in (None, "", [], {}) for name in asked):
            raise NotEnoughEvidence
        return None
    if spec.creada_por and spec.creada_por not in found.origins:
        said = [ORIGINS[origin] for origin in found.origins]
        return (
            _("una imagen que %(how)s") % {"how": ORIGINS[spec.creada_por]},
            said[0] if said else _("no se sabe cómo se hizo"),
            _origin_hint(spec),
        )
    if spec.entrypoint is not None and found.entrypoint != spec.entrypoint:
        hint = (
            _('Escribe ENTRYPOINT ["programa", "argumento"] con corchetes y comillas dobles: sin ellos, lo ejecuta /bin/sh -c.')
            if found.entrypoint[:2] == ["/bin/sh", "-c"]
            else _("Lo pone la última instrucción ENTRYPOINT del Dockerfile.")
        )
        return (
            _("su ENTRYPOINT es «%(words)s»") % {"words": command_line(spec.entrypoint)},
            _("es «%(words)s»") % {"words": command_line(found.entrypoint)} if found.entrypoint else _("no tiene"),
            hint,
        )
    for word, wanted, seen in (("USER", spec.usuario, found.user), ("WORKDIR", spec.carpeta, found.folder)):
        if wanted and wanted != seen:
            hint = _("Un comentario al final de la línea pasa a formar parte del valor: ponlo en una línea aparte.") if "#" in seen else ""
            return (
                _("%(word)s es «%(value)s»") % {"word": word, "value": wanted},
                _("es «%(value)s»") % {"value": seen[:100]} if seen else _("no tiene"),
                hint or _("Lo pone la última instrucción %(word)s del Dockerfile.") % {"word": word},
            )
    for word, pairs, have in (("ENV", spec.env, found.env), ("LABEL", spec.etiquetas, found.labels)):
        for name, value in pairs.items():
            if name not in have or (value is not None and have[name] != value):
                return (
                    f"{word} {name}" if value is None else f"{word} {name}={value}",
                    _("vale «%(value)s»") % {"value": have[name][:100]} if name in have else _("no está"),
                    _("Se escribe «%(word)s NOMBRE=valor» en el Dockerfile; si el valor tiene espacios, entre comillas dobles.")
                    % {"word": word},
                )
    for port in spec.puertos:
        if (port if "/" in port else f"{port}/tcp") not in found.ports:
            return (
                _("anuncia el puerto %(port)s") % {"port": port},
                _("anuncia %(ports)s") % {"ports": listing(found.ports, nothing=_("ninguno"))},
                _("Se anuncia con EXPOSE %(port)s en el Dockerfile; para publicarlo hace falta además -p al crear el contenedor.")
                % {"port": port},
            )
    if spec.healthcheck is not None and spec.healthcheck != found.healthcheck:
        return (
            _("con HEALTHCHECK") if spec.healthcheck else _("sin HEALTHCHECK"),
            _("tiene") if found.healthcheck else _("no tiene"),
            _("Se escribe «HEALTHCHECK CMD orden» en el Dockerfile: 0 es sano y 1 es enfermo.")
            if spec.healthcheck
            else _("Quita la instrucción HEALTHCHECK o pon HEALTHCHECK NONE."),
        )
    for asked_for, known, word, advice in (
        (
            spec.arquitectura,
            found.architecture,
            _("su arquitectura"),
            _("Se elige al construir o al traerla, con --platform linux/%(value)s."),
        ),
        (spec.autor, found.author, _("su autor"), _("Se pone con «docker commit --author» («-a»).")),
    ):
        if asked_for and known is None:
            raise NotEnoughEvidence
        if asked_for and asked_for != known:
            return (
                _("%(word)s es «%(value)s»") % {"word": word, "value": asked_for},
                _("es «%(value)s»") % {"value": known} if known else _("no tiene"),
                advice % {"value": asked_for},
            )
    if spec.tamano_maximo and found.size > in_bytes(spec.tamano_maximo):
        return (
            _("ocupa %(size)s como mucho") % {"size": in_words(in_bytes(spec.tamano_maximo))},
            _("ocupa %(size)s") % {"size": in_words(found.size)},
            _("Mira qué capa pesa con «docker history %(image)s». Lo que una capa borra sigue en la anterior: bórralo en el mismo RUN.")
            % {"image": spec.imagen},
        )
    return None


def _origin_hint(spec: ImageSpec) -> str:
    match spec.creada_por:
        case "build":
            return _("Constrúyela desde un Dockerfile con «docker build -t %(image)s .».") % {"image": spec.imagen}
        case "commit":
            return _("Se hace de un contenedor: docker commit CONTENEDOR %(image)s.") % {"image": spec.imagen}
        case "import":
            return _("Se hace de un fichero de «docker export»: docker import FICHERO %(image)s.") % {"image": spec.imagen}
        case _:
            return _("Se trae de un registro: docker pull %(image)s.") % {"image": spec.imagen}
