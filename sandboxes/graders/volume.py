"""`volume`: a volume exists, is mounted where it should and keeps its data.

- id: datos
  tipo: volume
  titulo: El volumen «datos» guarda la nota
  volumen: datos
  montado_en: {web: /data}   # optional: container → path
  fichero: nota.txt          # optional: a file in it, from its root
  texto: hola                # optional: what the file holds
  sobrevive: true            # optional: the file is older than every container that has the volume, or none has it

Its files are read in the sandbox, below the volume's own folder, so no container is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import ContainerFacts, FileFacts, StudentEngine
from sandboxes.graders.text import engine_has, listing, mounted, nearest


class VolumeSpec(Spec):
    volumen: str
    montado_en: dict[str, str] = {}
    fichero: str = ""
    texto: str = ""
    sobrevive: bool = False

    @property
    def mounters(self) -> list[str]:
        """The containers that are looked at."""
        return list(self.montado_en)


class MountingSeen(Evidence):
    """A container that the check names, or that has the volume."""

    name: str
    paths: list[str]
    """Where it has the volume."""
    others: list[str]
    """What else it has, as `-v` writes it."""
    created: int
    """Milliseconds since 1970, as `modified`: what is pasted is done within a second."""


class VolumeEvidence(Evidence):
    volumes: list[str]
    exists: bool = False
    containers: list[MountingSeen] = []
    text: str | None = None
    """None if the file is not there, or none was asked for."""
    modified: int = 0
    near: list[str] = []
    folder: str = ""


class VolumeKind:
    name: ClassVar[str] = "volume"
    live: ClassVar[bool] = True
    spec: ClassVar[type[Spec]] = VolumeSpec
    evidence: ClassVar[type[Evidence]] = VolumeEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "texto": gettext_noop("la primera línea del fichero que se pide"),
        "carpeta": gettext_noop("su carpeta en la máquina"),
    }

    def observe(self, spec: VolumeSpec, engine: StudentEngine) -> VolumeEvidence:
        volumes = engine.volumes()
        found = next((volume for volume in volumes if volume.name == spec.volumen), None)
        file: FileFacts | None = None
        near: list[str] = []
        if found and spec.fichero:
            file, near = engine.file("/" + spec.fichero.lstrip("/"), within=found)
        seen = [_see(spec, container) for container in engine.containers()]
        return VolumeEvidence(
            volumes=[volume.name for volume in volumes][:50],
            exists=found is not None,
            containers=[container for container in seen if container.paths or container.name in spec.mounters][-50:],
            text=file.text if file else None,
            modified=file.modified if file else 0,
            near=near[:50],
            folder=found.folder[:300] if found else "",
        )

    def captured(self, spec: VolumeSpec, evidence: VolumeEvidence) -> Mapping[str, object]:
        return {"texto": evidence.text, "carpeta": evidence.folder}

    def judge(self, spec: VolumeSpec, evidence: VolumeEvidence) -> Verdict:
        observed, hint = self._fault(spec, evidence)
        if observed:
            return Verdict(Status.FAILED, _describe(spec), observed, hint)
        return Verdict(Status.PASSED, _describe(spec), _("«%(name)s» lo cumple") % {"name": spec.volumen})

    def _fault(self, spec: VolumeSpec, evidence: VolumeEvidence) -> tuple[str, str]:
        if not evidence.exists:
            observed = engine_has(evidence.volumes, nothing=_("ningún volumen"))
            if near := nearest(spec.volumen, evidence.volumes):
                return observed, _("Tienes uno llamado «%(near)s»: compara los nombres letra a letra.") % {"near": near}
            if any(len(name) == 64 for name in evidence.volumes):
                return observed, _("Los de nombre largo son anónimos: el nombre va antes de los dos puntos, -v %(name)s:/ruta.") % {
                    "name": spec.volumen
                }
            return observed, _("Créalo con «docker volume create %(name)s», o al usarlo: -v %(name)s:/ruta.") % {"name": spec.volumen}
        for name, path in spec.montado_en.items():
            found = next((seen for seen in evidence.containers if seen.name == name), None)
            if found is None:
                return _("no hay ningún contenedor «%(name)s»") % {"name": name}, _("Créalo con -v %(volume)s:%(path)s.") % {
                    "volume": spec.volumen,
                    "path": path,
                }
            if path.rstrip("/") in [seen.rstrip("/") for seen in found.paths]:
                continue
            if found.paths:
                return (
                    _("«%(name)s» lo tiene en %(paths)s") % {"name": name, "paths": listing(found.paths, nothing="")},
                    _("La ruta va tras los dos puntos: -v %(volume)s:%(path)s.") % {"volume": spec.volumen, "path": path},
                )
            if any(other.startswith("/") and other.split(":")[0].endswith(f"/{spec.volumen}") for other in found.others):
                return (
                    mounted(name, found.others),
                    _("Eso es una carpeta de tu máquina; un volumen se escribe sin barras: -v %(volume)s:%(path)s.")
                    % {"volume": spec.volumen, "path": path},
                )
            return (
                mounted(name, found.others),
                _("Se monta al crear el contenedor: bórralo y créalo con -v %(volume)s:%(path)s.") % {"volume": spec.volumen, "path": path},
            )
        return _file_fault(spec, evidence) if spec.fichero else ("", "")


def _file_fault(spec: VolumeSpec, evidence: VolumeEvidence) -> tuple[str, str]:
    if evidence.text is None:
        return (
            _("en el volumen hay %(names)s") % {"names": listing(evidence.near, nothing="")}
            if evidence.near
            else _("el volumen está vacío"),
            _("Escribe «%(file)s» desde un contenedor, en la ruta donde tiene montado el volumen.") % {"file": spec.fichero},
        )
    if spec.texto not in evidence.text:
        return (
            _("«%(file)s» dice «%(text)s»") % {"file": spec.fichero, "text": evidence.text.strip()[:160]},
            _("Míralo desde un contenedor que tenga el volumen; mayúsculas y acentos cuentan."),
        )
    older = [seen.name for seen in evidence.containers if seen.paths and seen.created <= evidence.modified]
    if spec.sobrevive and older:
        return (
            _("«%(file)s» se escribió con «%(name)s» ya creado") % {"file": spec.fichero, "name": older[0]},
            _("Borra «%(name)s» y crea otro contenedor con el mismo volumen: los datos siguen ahí.") % {"name": older[0]},
        )
    return "", ""


def _see(spec: VolumeSpec, container: ContainerFacts) -> MountingSeen:
    mine = [mount for mount in container.mounts if mount.type == "volume" and mount.name == spec.volumen]
    return MountingSeen(
        name=container.name,
        paths=[mount.path for mount in mine][:10],
        others=[f"{mount.origin}:{mount.path}"[:300] for mount in container.mounts if mount not in mine][:10],
        created=_milliseconds(container.created),
    )


def _milliseconds(moment: str) -> int:
    try:
        return int(datetime.fromisoformat(moment).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0


def _describe(spec: VolumeSpec) -> str:
    parts = [_("el volumen «%(name)s»") % {"name": spec.volumen}]
    parts += [_("montado en «%(path)s» de «%(name)s»") % {"name": name, "path": path} for name, path in spec.montado_en.items()]
    if spec.fichero:
        parts.append(_("con el fichero «%(file)s»") % {"file": spec.fichero})
    if spec.texto:
        parts.append(_("que diga «%(text)s»") % {"text": spec.texto})
    if spec.sobrevive:
        parts.append(_("y sea anterior al contenedor que lo usa"))
    return ", ".join(parts)
