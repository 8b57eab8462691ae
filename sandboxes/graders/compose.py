"""`compose`: a Compose file as Compose itself reads it, and whether its project is up.

- id: en-marcha
  tipo: compose
  titulo: El proyecto está en marcha con web y redis
  carpeta: app               # from /home/alumno, unless it begins with /
  fichero: compose.yaml      # optional: Compose's own by default
  servicios:                 # optional: name → what it must have, all optional
    web:
      imagen: app:1.0
      construye: true        # it has a build section
      puertos: ["8080:80"]
      depende_de: [redis]
      volumenes: [datos:/data]
      env: {MODO: prueba, CLAVE: null}
      replicas: 1            # running
      salud: healthy
    redis: {imagen: "redis:8.0"}
  en_marcha: true            # optional: every service has its containers running
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping
from typing import Annotated, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import BaseModel, ConfigDict, Field

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import ContainerFacts, StudentEngine
from sandboxes.graders import compose_file
from sandboxes.graders.compose_file import Fault
from sandboxes.graders.text import listing, tagged

HOME = "/home/alumno"
_SERVICE, _WHERE = "com.docker.compose.service", "com.docker.compose.project.working_dir"


class Service(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    imagen: str = ""
    construye: bool = False
    puertos: list[Annotated[str, Field(pattern=r"^\d{1,5}:\d{1,5}$")]] = []
    depende_de: list[str] = []
    volumenes: list[str] = []
    env: dict[str, str | None] = {}
    replicas: int | None = Field(default=None, ge=0, le=50)
    salud: str = ""


class ComposeSpec(Spec):
    carpeta: str = "."
    fichero: str = ""
    servicios: dict[str, Service] = {}
    en_marcha: bool = False

    @property
    def path(self) -> str:
        return posixpath.normpath(posixpath.join(HOME, self.carpeta))

    @property
    def variables(self) -> dict[str, list[str]]:
        """Those that are looked at, of each service."""
        return {name: list(service.env) for name, service in self.servicios.items() if service.env}


class Running(Evidence):
    """One container of the project."""

    service: str
    name: str
    status: str
    exit_code: int
    health: str


class ComposeEvidence(Evidence):
    code: int
    """What `docker compose config` ended with."""
    said: str = ""
    """Its complaint."""
    near: list[str] = []
    """The names in the folder, where there was no file."""
    services: dict[str, compose_file.ServiceSeen] = {}
    running: list[Running] = []


class ComposeKind:
    name: ClassVar[str] = "compose"
    spec: ClassVar[type[Spec]] = ComposeSpec
    evidence: ClassVar[type[Evidence]] = ComposeEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "contenedor": gettext_noop("el nombre del primer contenedor en marcha del primer servicio que se pide"),
    }

    def observe(self, spec: ComposeSpec, engine: StudentEngine) -> ComposeEvidence:
        file = f"-f {shlex.quote(spec.fichero)} " if spec.fichero else ""
        line = f"cd {shlex.quote(spec.path)} && docker compose {file}config --format json"
        code, output = engine.run(["su", "-", "alumno", "-c", line], seconds=15)
        text = output.decode(errors="replace")
        if code:
            _file, near = engine.file(posixpath.join(spec.path, "compose.yaml"))
            return ComposeEvidence(code=code, said=text.strip()[-600:], near=near[:100])
        ours = [found for found in engine.containers() if found.labels.get(_WHERE) == spec.path]
        return ComposeEvidence(code=0, services=compose_file.read(text, spec.variables), running=[_see(found) for found in ours[:100]])

    def captured(self, spec: ComposeSpec, evidence: ComposeEvidence) -> Mapping[str, object]:
        names = [seen.name for wanted in spec.servicios for seen in evidence.running if (seen.service, seen.status) == (wanted, "running")]
        return {"contenedor": names[0] if names else None}

    def judge(self, spec: ComposeSpec, evidence: ComposeEvidence) -> Verdict:
        expected = _describe(spec)
        if evidence.code:
            return Verdict(Status.FAILED, expected, *compose_file.complaint(evidence.said, evidence.near, spec.path))
        for name, wanted in spec.servicios.items():
            fault = _written_fault(name, wanted, evidence)
            if fault:
                return Verdict(Status.FAILED, expected, *fault)
        for name in {**evidence.services} if spec.en_marcha else spec.servicios:
            wanted = spec.servicios.get(name, Service())
            if fault := _running_fault(name, wanted, evidence, asked=spec.en_marcha):
                return Verdict(Status.FAILED, expected, *fault)
        return Verdict(Status.PASSED, expected, _listed(evidence))


def _see(found: ContainerFacts) -> Running:
    return Running(
        service=found.labels.get(_SERVICE, "")[:100], name=found.name, status=found.status, exit_code=found.exit_code, health=found.health
    )


def _listed(evidence: ComposeEvidence) -> str:
    if not evidence.services:
        return _("no tiene ningún servicio")
    return _("tiene %(names)s") % {"names": listing(evidence.services, nothing="")}


def _written_fault(name: str, wanted: Service, evidence: ComposeEvidence) -> Fault | None:
    """What the file does not say as asked."""
    found = evidence.services.get(name)
    if found is None:
        return _listed(evidence), _("Un servicio es un nombre debajo de «services:», con dos espacios delante: «%(name)s:».") % {
            "name": name
        }
    said = {"name": name}
    if wanted.imagen and tagged(found.image) != tagged(wanted.imagen):
        seen = (
            _("«%(name)s» usa la imagen «%(image)s»") % {**said, "image": found.image}
            if found.image
            else _("«%(name)s» no dice su imagen") % said
        )
        return seen, _("Se escribe «image: %(image)s» en el servicio.") % {"image": wanted.imagen}
    if wanted.construye and not found.builds:
        return _("«%(name)s» no se construye") % said, _("Se escribe «build: CARPETA», la del Dockerfile.")
    for port in wanted.puertos:
        if port not in found.ports:
            host, _colon, inside = port.partition(":")
            hint = _("Están al revés: es \"PUERTO_DE_TU_MÁQUINA:PUERTO_DEL_CONTENEDOR\".") if f"{inside}:{host}" in found.ports else _(
                "Se escribe «ports:» y, debajo, «- \"%(port)s\"», entre comillas."
            ) % {"port": port}  # fmt: skip
            if not found.ports:
                return _("«%(name)s» no publica ningún puerto") % said, hint
            return _("«%(name)s» publica %(ports)s") % {**said, "ports": listing(found.ports, nothing="")}, hint
    for other in wanted.depende_de:
        if other not in found.depends:
            return (
                _("«%(name)s» depende de %(names)s") % {**said, "names": listing(found.depends, nothing="")}
                if found.depends
                else _("«%(name)s» no depende de ninguno") % said,
                _("Se escribe «depends_on:» y, debajo, «- %(other)s».") % {"other": other},
            )
    for mount in wanted.volumenes:
        if mount not in found.volumes:
            return (
                _("«%(name)s» monta %(mounts)s") % {**said, "mounts": listing(found.volumes, nothing="")}
                if found.volumes
                else _("«%(name)s» no monta nada") % said,
                _("Se escribe «volumes:» y, debajo, «- %(mount)s»; un volumen con nombre se declara además en el «volumes:» de fuera.")
                % {"mount": mount},
            )
    for variable, value in wanted.env.items():
        if variable not in found.env or (value is not None and found.env[variable] != value):
            return (
                _("%(variable)s vale «%(value)s»") % {"variable": variable, "value": found.env[variable]}
                if variable in found.env
                else _("«%(name)s» no tiene la variable %(variable)s") % {**said, "variable": variable},
                _("Se escribe en «environment:», como «%(variable)s: valor».") % {"variable": variable},
            )
    return None


def _running_fault(name: str, wanted: Service, evidence: ComposeEvidence, *, asked: bool) -> Fault | None:
    """What is not up as asked."""
    if not asked and wanted.replicas is None and not wanted.salud:
        return None
    ours = [found for found in evidence.running if found.service == name]
    up = [found for found in ours if found.status == "running"]
    said = {"name": name}
    count = wanted.replicas if wanted.replicas is not None else 1
    if not up and count:
        if ended := next((found for found in ours if found.status == "exited"), None):
            return (
                _("«%(name)s» terminó con el código %(code)d") % {**said, "code": ended.exit_code},
                _("Mira por qué con «docker compose logs %(name)s».") % said,
            )
        if ours and (waited := _sick(evidence.services[name].depends, evidence)):
            return (
                _("«%(name)s» se creó y no arrancó: espera a «%(other)s», cuya salud es «%(health)s»")
                % {**said, "other": waited.service, "health": waited.health},
                _("Mira lo que dijo la última prueba con «docker inspect %(name)s».") % {"name": waited.name},
            )
        if ours:
            return _("«%(name)s» se creó y no arrancó") % said, _("Mira por qué con «docker compose up %(name)s».") % said
        hint = _("Levántalo todo con «docker compose up -d», desde la carpeta del fichero.")
        return _("«%(name)s» no está en marcha") % said, hint
    if wanted.replicas is not None and len(up) != wanted.replicas:
        return (
            _("de «%(name)s» hay %(count)d en marcha") % {**said, "count": len(up)},
            _("Se cambia con «docker compose up -d --scale %(name)s=%(count)d»; con un puerto fijo solo cabe uno.")
            % {**said, "count": wanted.replicas},
        )
    if wanted.salud and (sick := next((found for found in up if found.health != wanted.salud), None)):
        hint = (
            _("Se comprueba cada cierto tiempo: espera un poco y míralo con «docker compose ps».")
            if sick.health == "starting"
            else _("Mira lo que dijo la última prueba con «docker inspect %(name)s».") % {"name": sick.name}
            if sick.health
            else _("La prueba la pone «healthcheck:» en el servicio, o HEALTHCHECK en su imagen.")
        )
        return _("la salud de «%(name)s» es «%(health)s»") % {**said, "health": sick.health or _("ninguna")}, hint
    return None


def _sick(services: list[str], evidence: ComposeEvidence) -> Running | None:
    """The container of one of these that its health check does not find well."""
    return next((seen for seen in evidence.running if seen.service in services and seen.health not in ("", "healthy")), None)


def _describe(spec: ComposeSpec) -> str:
    parts = [_("el fichero de Compose de %(path)s") % {"path": spec.path}]
    if spec.servicios:
        parts.append(_("con %(names)s") % {"names": listing(spec.servicios, nothing="")})
    for name, service in spec.servicios.items():
        said = [_("imagen %(image)s") % {"image": service.imagen}] if service.imagen else []
        said += [_("construido")] if service.construye else []
        said += [_("puerto %(port)s") % {"port": port} for port in service.puertos]
        said += [_("dependiente de «%(other)s»") % {"other": other} for other in service.depende_de]
        said += [_("con %(mount)s montado") % {"mount": mount} for mount in service.volumenes]
        said += [_("con la variable %(variable)s") % {"variable": variable} for variable in service.env]
        said += [_("salud %(health)s") % {"health": service.salud}] if service.salud else []
        said += [_("%(count)d en marcha") % {"count": service.replicas}] if service.replicas is not None else []
        if said:
            parts.append(f"«{name}»: {', '.join(said)}")
    if spec.en_marcha:
        parts.append(_("y todo en marcha"))
    return "; ".join(parts)
