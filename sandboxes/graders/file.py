"""`file`: a file of the student's folder, of a container or of an image.

- id: dockerfile
  tipo: file
  titulo: Hay un Dockerfile que parte de debian
  ruta: web/Dockerfile       # from /home/alumno, unless it begins with /
  contenedor: web            # optional: look in this container…
  imagen: miapp:1.0          # …or in this image
  texto: FROM debian         # optional: appears
  regex: "^USER \\\\w+"       # optional: some line matches
  modo: "755"                # optional: permissions in octal
  dueno: alumno              # optional: name or number
  ausente: false             # optional: it must not be there

The first 16 KiB are looked at. Links are followed, but never out of the container or image.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import AfterValidator, Field, model_validator

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import FileFacts, StudentEngine
from sandboxes.graders.text import a_pattern, in_folder, matches, nearest

HOME = "/home/alumno"


class FileSpec(Spec):
    ruta: str = Field(min_length=1)
    contenedor: str = ""
    imagen: str = ""
    texto: str = ""
    regex: Annotated[str, AfterValidator(a_pattern)] = ""
    modo: Annotated[str, Field(pattern=r"^([0-7]{3,4})?$")] = ""
    dueno: str = ""
    ausente: bool = False

    @model_validator(mode="after")
    def in_one_place(self) -> Self:
        if self.contenedor and self.imagen:
            raise ValueError("se mira en un contenedor o en una imagen, no en los dos")
        return self

    @property
    def path(self) -> str:
        inside = self.contenedor or self.imagen
        return self.ruta if self.ruta.startswith("/") else f"/{self.ruta}" if inside else f"{HOME}/{self.ruta}"

    @property
    def asks(self) -> bool:
        """Whether the student writes in it what they found out: that is not told to who has not."""
        return bool(self.hidden & {"texto", "regex"}) and not (self.contenedor or self.imagen)


class FileEvidence(Evidence):
    place: bool = True
    """Whether the container or image is there."""
    file: FileFacts | None = None
    near: list[str] = []
    """The names in the same folder."""


class FileKind:
    name: ClassVar[str] = "file"
    live: ClassVar[bool] = True
    spec: ClassVar[type[Spec]] = FileSpec
    evidence: ClassVar[type[Evidence]] = FileEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "texto": gettext_noop("su primera línea"),
        "tamano": gettext_noop("lo que ocupa, en bytes"),
        "dueno": gettext_noop("su dueño"),
        "modo": gettext_noop("sus permisos, en octal"),
    }

    def observe(self, spec: FileSpec, engine: StudentEngine) -> FileEvidence:
        within = engine.container(spec.contenedor) if spec.contenedor else engine.image(spec.imagen) if spec.imagen else None
        if within is None and (spec.contenedor or spec.imagen):
            return FileEvidence(place=False)
        file, near = engine.file(spec.path, within=within)
        return FileEvidence(file=file, near=near[:100])

    def captured(self, spec: FileSpec, evidence: FileEvidence) -> Mapping[str, object]:
        file = evidence.file
        return {"texto": file.text, "tamano": file.size, "dueno": file.owner, "modo": f"{file.mode:o}"} if file else {}

    def judge(self, spec: FileSpec, evidence: FileEvidence) -> Verdict:
        expected = _describe(spec)
        if not evidence.place:
            return Verdict(
                Status.FAILED,
                expected,
                _("no hay ningún contenedor «%(name)s»") % {"name": spec.contenedor}
                if spec.contenedor
                else _("no hay ninguna imagen «%(name)s»") % {"name": spec.imagen},
                _("Míralo con «docker ps -a».") if spec.contenedor else _("Míralo con «docker images»."),
            )
        if spec.ausente:
            if evidence.file is None:
                return Verdict(Status.PASSED, expected, _("no está"))
            hint = _("Si llegó con COPY, ponlo en el .dockerignore y construye de nuevo la imagen.") if spec.imagen else _("Bórralo.")
            return Verdict(Status.FAILED, expected, _("está"), hint)
        if evidence.file is None:
            return Verdict(Status.FAILED, expected, in_folder(evidence.near), _absent_hint(spec, evidence.near))
        observed, hint = _fault(spec, evidence.file)
        if observed:
            return Verdict(Status.FAILED, expected, observed, hint)
        return Verdict(Status.PASSED, expected, _("está"))


def _fault(spec: FileSpec, file: FileFacts) -> tuple[str, str]:
    if (spec.texto or spec.regex) and file.kind != "file":
        return _("no es un fichero"), _("Es una carpeta u otra cosa: bórrala y crea el fichero.")
    if spec.texto not in file.text or (spec.regex and not matches(spec.regex, file.text)):
        if spec.texto and spec.texto.lower() in file.text.lower() and spec.texto not in file.text:
            return _("casi lo dice"), _("Mayúsculas y minúsculas cuentan.")
        if "\r\n" in file.text and spec.texto.replace("\n", "\r\n") in file.text:
            return _("sus líneas acaban como en Windows"), _("Quita los retornos de carro: sed -i 's/\\r$//' %(path)s.") % {
                "path": spec.ruta
            }
        begins = " ".join(file.text.split())[:160]
        hint = _("Ábrelo y compáralo con lo que dice tu motor.") if spec.asks else _("Ábrelo y compáralo con lo que se pide.")
        return _("empieza por «%(text)s»") % {"text": begins} if begins else _("está vacío"), hint
    if spec.modo and file.mode != int(spec.modo, 8):
        return (
            _("sus permisos son %(mode)s") % {"mode": f"{file.mode:o}"},
            _("Ponlos con «chmod %(mode)s %(path)s».") % {"mode": spec.modo, "path": spec.ruta},
        )
    if spec.dueno and spec.dueno not in (file.owner, str(file.uid)):
        return (
            _("es de «%(owner)s»") % {"owner": file.owner},
            _("En un Dockerfile, COPY --chown=%(owner)s; en la terminal, sudo chown %(owner)s %(path)s.")
            % {"owner": spec.dueno, "path": spec.ruta},
        )
    return "", ""


def _absent_hint(spec: FileSpec, near: list[str]) -> str:
    name = spec.path.rsplit("/", 1)[-1]
    if f"{name}.txt" in near:
        return _("Se llama «%(name)s.txt»: quítale el final con «mv».") % {"name": name}
    if close := next((other for other in near if other.lower() == name.lower()), None) or nearest(name, near):
        return _("Tienes «%(near)s»: compara los nombres letra a letra.") % {"near": close}
    if spec.imagen:
        return _(
            "A una imagen llega con COPY, con lo que hace un RUN o con un commit. Si es con COPY, mira que esté en el contexto y que no lo"
            " aparte el .dockerignore."
        )
    if spec.contenedor:
        return _("Lo que se escribe en otro contenedor no está en este, aunque sean de la misma imagen.")
    return _("Créalo en %(path)s; «pwd» dice en qué carpeta estás.") % {"path": spec.path}


def _describe(spec: FileSpec) -> str:
    where = _(" de «%(place)s»") % {"place": spec.contenedor or spec.imagen} if spec.contenedor or spec.imagen else ""
    said = _("que no esté %(path)s%(where)s") if spec.ausente else _("el fichero %(path)s%(where)s")
    parts = [said % {"path": spec.path, "where": where}]
    if spec.asks:
        parts.append(_("que diga lo que se pregunta"))
    elif spec.texto or spec.regex:
        parts.append(_("que diga «%(text)s»") % {"text": spec.texto or spec.regex})
    if spec.modo:
        parts.append(_("con permisos %(mode)s") % {"mode": spec.modo})
    if spec.dueno:
        parts.append(_("de «%(owner)s»") % {"owner": spec.dueno})
    return ", ".join(parts)
