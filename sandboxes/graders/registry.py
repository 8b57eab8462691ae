"""`registry`: a tag in the class registry, under the student's name.

- id: subida
  tipo: registry
  titulo: Tu imagen hola:1.0 está en el registro de la clase
  imagen: registro.lab/ana/hola:1.0     # registro.lab/{{usuario}}/hola:1.0 in an exercise
  misma_que: hola:1.0        # optional: the local image it must be
  otras: ["2.0", latest]     # optional: tags that must be there as well
  ausentes: [borrador]       # optional: tags that must not

What is in the registry is read from its own files, so that no engine can invent it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import Field

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import CannotObserve, StudentEngine
from sandboxes.graders.text import listing, nearest
from sandboxes.registry import pushed

HOST = "registro.lab"
LOGIN = "/home/alumno/.docker/config.json"


class RegistrySpec(Spec):
    imagen: Annotated[str, Field(pattern=rf"^{HOST}/[^/:\s]+/[^:\s]+(:[^:/\s]+)?$")]
    misma_que: str = ""
    otras: list[str] = []
    ausentes: list[str] = []

    @property
    def parts(self) -> tuple[str, str, str]:
        """Person, repository and tag."""
        _host, person, rest = self.imagen.split("/", 2)
        repository, _colon, tag = rest.partition(":")
        return person, repository, tag or "latest"


class RegistryEvidence(Evidence):
    repositories: dict[str, list[str]]
    """The person's, with their tags."""
    digest: str | None = None
    image: str = ""
    """The id that the pushed image has in an engine; empty if it is not known."""
    local: dict[str, str] = {}
    """Every tag of the student's engine → the image's id."""
    local_known: bool = True
    """Whether the engine could be asked."""
    logged_in: bool | None = None
    """To the class registry; None if it can't be known."""


class RegistryKind:
    name: ClassVar[str] = "registry"
    spec: ClassVar[type[Spec]] = RegistrySpec
    evidence: ClassVar[type[Evidence]] = RegistryEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "digest": gettext_noop("el de la etiqueta"),
    }

    def observe(self, spec: RegistrySpec, engine: StudentEngine) -> RegistryEvidence:
        person, repository, tag = spec.parts
        found = pushed.find(person, repository, tag=tag)
        local, known = {}, True
        try:
            local = engine.tags()
        except CannotObserve:
            if spec.misma_que:
                raise
            known = False
        return RegistryEvidence(
            repositories={name: tags[:50] for name, tags in list(pushed.repositories(person).items())[:50]},
            digest=found.digest if found else None,
            image=found.image if found else "",
            local=local,
            local_known=known,
            logged_in=None if found else _logged_in(engine),
        )

    def captured(self, spec: RegistrySpec, evidence: RegistryEvidence) -> Mapping[str, object]:
        return {"digest": evidence.digest}

    def judge(self, spec: RegistrySpec, evidence: RegistryEvidence) -> Verdict:
        expected = _("«%(image)s» en el registro de la clase") % {"image": spec.imagen}
        _person, repository, tag = spec.parts
        tags = evidence.repositories.get(repository, [])
        if evidence.digest is None:
            return Verdict(Status.FAILED, expected, _there(evidence, repository, tags), _absent_hint(spec, evidence, tags))
        if spec.misma_que and (fault := _other_fault(spec, evidence)):
            return Verdict(Status.FAILED, _("%(what)s, la misma que «%(local)s»") % {"what": expected, "local": spec.misma_que}, *fault)
        if lacking := [other for other in spec.otras if other not in tags]:
            return Verdict(
                Status.FAILED,
                _("«%(name)s» con las etiquetas %(tags)s") % {"name": repository, "tags": listing([tag, *spec.otras], nothing="", most=10)},
                _there(evidence, repository, tags),
                _("Cada etiqueta se sube aparte: docker push %(image)s.") % {"image": _with_tag(spec, lacking[0])},
            )
        if left := [other for other in spec.ausentes if other in tags]:
            return Verdict(
                Status.FAILED,
                _("«%(name)s» sin la etiqueta «%(tag)s»") % {"name": repository, "tag": left[0]},
                _("está"),
                _("Los repositorios se borran en la página «Registro»; después sube solo lo que se pide."),
            )
        return Verdict(Status.PASSED, expected, _("está, con el digest %(digest)s") % {"digest": evidence.digest[7:19]})


def _with_tag(spec: RegistrySpec, tag: str) -> str:
    person, repository, _tag = spec.parts
    return f"{HOST}/{person}/{repository}:{tag}"


def _there(evidence: RegistryEvidence, repository: str, tags: list[str]) -> str:
    if tags:
        return _("de «%(name)s» has subido %(tags)s") % {"name": repository, "tags": listing(tags, nothing="")}
    if not evidence.repositories:
        return _("no has subido nada todavía")
    return _("has subido %(names)s") % {"names": listing(sorted(evidence.repositories), nothing="")}


def _absent_hint(spec: RegistrySpec, evidence: RegistryEvidence, tags: list[str]) -> str:
    person, _repository, tag = spec.parts
    wanted = _with_tag(spec, tag)
    if evidence.local_known and wanted not in evidence.local:
        return _untagged_hint(spec, evidence, wanted)
    if evidence.logged_in is False:
        return _("No has iniciado sesión: «docker login %(host)s» con tu contraseña del registro, que está en su página, y después «docker"
                 " push %(image)s».") % {"host": HOST, "image": wanted}  # fmt: skip
    if tags and tag != "latest" and "latest" in tags:
        return _("Sin etiqueta, «docker push» sube solo «latest»: docker push %(image)s.") % {"image": wanted}
    return _("La etiqueta está en tu motor, pero no se ha subido: docker push %(image)s. Si dice «denied», mira que el nombre sea el tuyo,"
             " «%(person)s».") % {"image": wanted, "person": person}  # fmt: skip


def _untagged_hint(spec: RegistrySpec, evidence: RegistryEvidence, wanted: str) -> str:
    """The image does not even have that name in the engine."""
    person, repository, tag = spec.parts
    for name in evidence.local:
        if name == f"{person}/{repository}:{tag}":
            return _("Tienes «%(name)s»: sin «%(host)s/» delante iría a Docker Hub. Ponle el nombre entero con «docker tag».") % {
                "name": name,
                "host": HOST,
            }
        if name.lower() in (wanted.lower(), f"{person}/{repository}:{tag}"):
            return _("Tienes «%(name)s»: los nombres van en minúsculas, y una primera parte con mayúsculas se toma por un servidor.") % {
                "name": name
            }
        if name.rpartition("/")[2] == f"{repository}:{tag}" and _elsewhere(name):
            return _(
                "Tienes «%(name)s»: se subiría a «%(other)s», que no es el registro de la clase (a uno sin TLS, «server gave HTTP response"
                " to HTTPS client»). Ponle el nombre entero con «docker tag»."
            ) % {"name": name, "other": name.partition("/")[0]}
    if near := nearest(wanted, [name for name in evidence.local if name.startswith(f"{HOST}/")]):
        return _("Tienes «%(near)s»: compara los nombres letra a letra; tu usuario es «%(person)s».") % {"near": near, "person": person}
    return _(
        "Ninguna imagen de tu motor se llama así: docker tag IMAGEN %(image)s (una imagen, no un contenedor), y después docker push."
    ) % {"image": wanted}


def _elsewhere(name: str) -> bool:
    """Whether an image's name leads to another registry than the class's, by a name that is certainly one."""
    host = name.partition("/")[0]
    return "/" in name and host != HOST and (":" in host or "." in host or host == "localhost")


def _other_fault(spec: RegistrySpec, evidence: RegistryEvidence) -> tuple[str, str] | None:
    name = spec.misma_que if ":" in spec.misma_que.rsplit("/", 1)[-1] else f"{spec.misma_que}:latest"
    here = evidence.local.get(name)
    if here is None:
        return _("«%(name)s» no está en tu motor") % {"name": name}, _("Hace falta para comparar: tráela o constrúyela.")
    if not evidence.image:
        return _("lo que hay en el registro no es una imagen"), _("Súbela de nuevo con docker push %(image)s.") % {"image": spec.imagen}
    if here != evidence.image:
        return (
            _("la del registro es otra"),
            _("Una etiqueta no sigue a la imagen: vuelve a poner «docker tag %(local)s %(image)s» y a subirla.")
            % {"local": name, "image": spec.imagen},
        )
    return None


def _logged_in(engine: StudentEngine) -> bool | None:
    try:
        file, _near = engine.file(LOGIN)
        found: Any = json.loads(file.text) if file else {}
    except (CannotObserve, ValueError, RecursionError):
        return None
    auths = found.get("auths", {}) if isinstance(found, dict) else {}
    return HOST in auths if isinstance(auths, dict) else None
