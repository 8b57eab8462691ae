"""`link`: a container linked to another with `--link`, whose alias really resolves and answers.

- id: enlace
  tipo: link
  titulo: «web» está enlazado a «redis»
  desde: web
  hacia: redis
  alias: redis               # optional: the target's name by default
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import ContainerFacts, StudentEngine
from sandboxes.graders.text import engine_has, listing


class LinkSpec(Spec):
    desde: str
    hacia: str
    alias: str = ""

    @property
    def name_inside(self) -> str:
        return self.alias or self.hacia


class LinkEvidence(Evidence):
    names: list[str]
    source_status: str | None = None
    target_status: str | None = None
    links: dict[str, str] = {}
    """Alias → target, as the source has them."""
    shared_networks: list[str] = []
    named_in: list[str] = []
    """Networks of the student's in which the source has a link to the target."""
    target_address: str = ""
    hosts: str = ""
    """The source's /etc/hosts, as read inside it."""
    port: int = 0
    """One that the target listens on for others; 0 if there is none, or in what was seen before this was looked at."""
    answered: bool = True
    """Whether the source gets through to it."""


class LinkKind:
    name: ClassVar[str] = "link"
    live: ClassVar[bool] = True
    spec: ClassVar[type[Spec]] = LinkSpec
    evidence: ClassVar[type[Evidence]] = LinkEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "direccion": gettext_noop("la dirección a la que lleva"),
    }

    def observe(self, spec: LinkSpec, engine: StudentEngine) -> LinkEvidence:
        source, target = engine.container(spec.desde), engine.container(spec.hacia)
        address = next((address for address in target.addresses.values() if address), "") if target else ""
        hosts, port, answered = "", 0, True
        if source and source.status == "running":
            found, _near = engine.file("/etc/hosts", within=source)
            hosts = found.text if found else ""
        if hosts and source and target and target.status == "running" and address:
            port = min((port for port, reachable in engine.listening(target).items() if reachable), default=0)
            answered = not port or engine.answers(source, address, port)
        return LinkEvidence(
            names=[container.name for container in engine.containers()],
            source_status=source.status if source else None,
            target_status=target.status if target else None,
            links=_links(source) if source else {},
            shared_networks=sorted(set(source.addresses) & set(target.addresses)) if source and target else [],
            named_in=_named_in(source, spec.hacia) if source else [],
            target_address=address,
            hosts=hosts[:4096],
            port=port,
            answered=answered,
        )

    def captured(self, spec: LinkSpec, evidence: LinkEvidence) -> Mapping[str, object]:
        return {"direccion": evidence.target_address}

    def judge(self, spec: LinkSpec, evidence: LinkEvidence) -> Verdict:
        expected = _("«%(source)s» enlazado a «%(target)s» con el nombre «%(alias)s»") % {
            "source": spec.desde,
            "target": spec.hacia,
            "alias": spec.name_inside,
        }
        for name, status in ((spec.hacia, evidence.target_status), (spec.desde, evidence.source_status)):
            if status is None:
                return Verdict(
                    Status.FAILED,
                    expected,
                    _("no hay ningún contenedor «%(name)s»; %(names)s")
                    % {
                        "name": name,
                        "names": engine_has(evidence.names, nothing=_("ninguno")),
                    },
                    _("Créalo con «docker run -d --name %(name)s …».") % {"name": name},
                )
        observed, hint = self._fault(spec, evidence)
        if hint:
            return Verdict(Status.FAILED, expected, observed, hint)
        return Verdict(
            Status.PASSED,
            expected,
            _("«%(alias)s» lleva a %(address)s, donde está «%(target)s»")
            % {
                "alias": spec.name_inside,
                "address": evidence.target_address,
                "target": spec.hacia,
            },
        )

    def _fault(self, spec: LinkSpec, evidence: LinkEvidence) -> tuple[str, str]:
        if spec.hacia not in evidence.links.values():
            return _unlinked(spec, evidence)
        if evidence.links.get(spec.name_inside) != spec.hacia:
            return (
                _("el enlace se llama %(aliases)s") % {"aliases": listing(evidence.links, nothing="")},
                _("El nombre con que se ve desde dentro va tras los dos puntos: --link %(target)s:%(alias)s.")
                % {
                    "target": spec.hacia,
                    "alias": spec.name_inside,
                },
            )
        for name, status in ((spec.hacia, evidence.target_status), (spec.desde, evidence.source_status)):
            if status != "running":
                return (
                    _("«%(name)s» no está en marcha") % {"name": name},
                    _("Mira por qué con «docker logs %(name)s» y arráncalo con «docker start %(name)s».") % {"name": name},
                )
        line = rf"^{re.escape(evidence.target_address)}\s.*\b{re.escape(spec.name_inside)}\b"
        if not evidence.target_address or not re.search(line, evidence.hosts, re.MULTILINE):
            return (
                _("dentro de «%(source)s», «%(alias)s» no lleva a «%(target)s»")
                % {
                    "source": spec.desde,
                    "alias": spec.name_inside,
                    "target": spec.hacia,
                },
                _("El enlace guarda la dirección que «%(target)s» tenía entonces. Si lo recreaste, recrea también «%(source)s».")
                % {
                    "target": spec.hacia,
                    "source": spec.desde,
                },
            )
        if not evidence.answered:
            return (
                _("«%(alias)s» lleva a «%(target)s», pero su puerto %(port)d no contesta")
                % {"alias": spec.name_inside, "target": spec.hacia, "port": evidence.port},
                _("Mira qué pasa ahí con «docker logs %(target)s»; si acaba de arrancar, espera un poco.") % {"target": spec.hacia},
            )
        return "", ""


def _unlinked(spec: LinkSpec, evidence: LinkEvidence) -> tuple[str, str]:
    if evidence.named_in:
        return (
            _("el enlace está en la red %(networks)s, que es tuya") % {"networks": listing(evidence.named_in, nothing="")},
            _("Ahí --link es solo otro nombre. El enlace clásico es de la red de serie: bórralos y créalos sin --network."),
        )
    if evidence.shared_networks and evidence.shared_networks != ["bridge"]:
        return (
            _("comparten la red %(networks)s, pero sin enlace") % {"networks": listing(evidence.shared_networks, nothing="")},
            _("Una red propia es la forma actual de unirlos; este ejercicio pide el enlace clásico, con --link."),
        )
    return (
        _("«%(source)s» no tiene ningún enlace a «%(target)s»") % {"source": spec.desde, "target": spec.hacia},
        _("El enlace se pone al crear el contenedor: docker run --link %(target)s … Bórralo y créalo de nuevo.") % {"target": spec.hacia}
        + _(" Recuerda: el enlace se pone en el contenedor que llama, no en el llamado."),
    )


def _named_in(source: ContainerFacts, target: str) -> list[str]:
    return sorted(network for network, links in source.named.items() if any(link.split(":")[0] == target for link in links))


def _links(source: ContainerFacts) -> dict[str, str]:
    """HostConfig.Links, `/target:/source/alias`, as alias → target."""
    pairs = (link.split(":", 1) for link in source.links if ":" in link)
    return {inside.rsplit("/", 1)[-1]: target.lstrip("/") for target, inside in pairs}
