"""`network`: a network, who is in it, what names resolve there, and who is kept apart.

- id: mired
  tipo: network
  titulo: web encuentra a bd por su nombre
  red: mired
  driver: bridge             # optional
  interna: false             # optional
  contenedores: [web, bd]    # optional: its members
  resuelve: {web: bd}        # optional: inside the first, the name leads to a member of the network
  aislados: [[web, otra]]    # optional: pairs that share no network

A name is asked of the engine's own name server, from inside the container's network: the image needs no tool.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import StudentEngine
from sandboxes.graders.text import engine_has, in_networks, listing, nearest


class NetworkSpec(Spec):
    red: str
    driver: str = ""
    interna: bool | None = None
    contenedores: list[str] = []
    resuelve: dict[str, str] = {}
    aislados: list[tuple[str, str]] = []


class MemberSeen(Evidence):
    status: str
    addresses: dict[str, str]
    """Network → address."""


class NetworkEvidence(Evidence):
    networks: list[str]
    driver: str | None = None
    """None if there is no such network."""
    internal: bool = False
    containers: dict[str, MemberSeen] = {}
    resolved: dict[str, list[str]] = {}
    """Container that asks → addresses of the name it asks for."""


class NetworkKind:
    name: ClassVar[str] = "network"
    live: ClassVar[bool] = True
    spec: ClassVar[type[Spec]] = NetworkSpec
    evidence: ClassVar[type[Evidence]] = NetworkEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "direccion": gettext_noop("la dirección en ella del primer contenedor que se nombra"),
        "driver": gettext_noop("su controlador"),
    }

    def observe(self, spec: NetworkSpec, engine: StudentEngine) -> NetworkEvidence:
        networks, containers = engine.networks(), engine.containers()
        found = next((network for network in networks if network.name == spec.red), None)
        asking = [container for container in containers if container.name in spec.resuelve and container.status == "running"]
        return NetworkEvidence(
            networks=[network.name for network in networks if network.name not in ("bridge", "host", "none")][:50],
            driver=found.driver if found else None,
            internal=bool(found and found.internal),
            containers={
                container.name: MemberSeen(status=container.status, addresses=dict(list(container.addresses.items())[:20]))
                for container in containers[-100:]
            },
            resolved={container.name: engine.resolve(container, spec.resuelve[container.name]) for container in asking if container.pid},
        )

    def captured(self, spec: NetworkSpec, evidence: NetworkEvidence) -> Mapping[str, object]:
        named = [*spec.contenedores, *spec.resuelve]
        first = evidence.containers.get(named[0]) if named else None
        return {"direccion": first and first.addresses.get(spec.red), "driver": evidence.driver}

    def judge(self, spec: NetworkSpec, evidence: NetworkEvidence) -> Verdict:
        observed, hint = self._fault(spec, evidence)
        if observed:
            return Verdict(Status.FAILED, _describe(spec), observed, hint)
        return Verdict(Status.PASSED, _describe(spec), _("«%(name)s» lo cumple") % {"name": spec.red})

    def _fault(self, spec: NetworkSpec, evidence: NetworkEvidence) -> tuple[str, str]:
        if evidence.driver is None:
            observed = engine_has(evidence.networks, nothing=_("ninguna red propia"))
            if near := nearest(spec.red, evidence.networks):
                return observed, _("Tienes una llamada «%(near)s»: compara los nombres letra a letra.") % {"near": near}
            return observed, _("Créala con «docker network create %(name)s».") % {"name": spec.red}
        if spec.driver and spec.driver != evidence.driver:
            return (
                _("su controlador es «%(driver)s»") % {"driver": evidence.driver},
                _("Se elige al crearla: docker network create -d %(driver)s %(name)s.") % {"driver": spec.driver, "name": spec.red},
            )
        if spec.interna is not None and spec.interna != evidence.internal:
            return (
                _("es interna") if evidence.internal else _("no es interna"),
                _("Se elige al crearla, con --internal: bórrala con «docker network rm %(name)s» y créala de nuevo.") % {"name": spec.red},
            )
        for name in spec.contenedores:
            if fault := _member_fault(spec, evidence, name):
                return fault
        for name, alias in spec.resuelve.items():
            if fault := _name_fault(spec, evidence, name, alias):
                return fault
        for pair in spec.aislados:
            for name in pair:
                if name not in evidence.containers:
                    return _("no hay ningún contenedor «%(name)s»") % {"name": name}, _("Créalo con «docker run -d --name %(name)s …».") % {
                        "name": name
                    }
            shared = sorted(set(evidence.containers[pair[0]].addresses) & set(evidence.containers[pair[1]].addresses))
            if shared:
                return (
                    _("«%(one)s» y «%(other)s» comparten la red %(networks)s")
                    % {"one": pair[0], "other": pair[1], "networks": listing(shared, nothing="")},
                    _("Saca a uno de los dos con «docker network disconnect RED CONTENEDOR»."),
                )
        return "", ""


def _member_fault(spec: NetworkSpec, evidence: NetworkEvidence, name: str) -> tuple[str, str] | None:
    member = evidence.containers.get(name)
    if member is None:
        return _("no hay ningún contenedor «%(name)s»") % {"name": name}, _("Créalo con «docker run -d --network %(network)s …».") % {
            "network": spec.red
        }
    if spec.red not in member.addresses:
        return (
            in_networks(name, list(member.addresses)),
            _("Se elige al crearlo, con --network %(network)s, o después: docker network connect %(network)s %(name)s.")
            % {"network": spec.red, "name": name},
        )
    return None


def _name_fault(spec: NetworkSpec, evidence: NetworkEvidence, name: str, alias: str) -> tuple[str, str] | None:
    member = evidence.containers.get(name)
    if member is None or spec.red not in member.addresses:
        return _member_fault(spec, evidence, name)
    if member.status != "running":
        return (
            _("«%(name)s» no está en marcha") % {"name": name},
            _("Mira por qué con «docker logs %(name)s» y arráncalo con «docker start %(name)s».") % {"name": name},
        )
    addresses = {seen.addresses.get(spec.red, "") for other, seen in evidence.containers.items() if other != name} - {""}
    if addresses & set(evidence.resolved.get(name, [])):
        return None
    observed = _("dentro de «%(name)s», «%(alias)s» no lleva a nadie de la red") % {"name": name, "alias": alias}
    if spec.red == "bridge":
        return observed, _("En la red «bridge» de serie no hay nombres: crea una red propia con «docker network create».")
    target = evidence.containers.get(alias)
    if target is not None and target.status != "running":
        return observed, _("«%(alias)s» no está en marcha, y los nombres de los parados no se resuelven.") % {"alias": alias}
    if target is not None and spec.red not in target.addresses:
        return observed, _("«%(alias)s» no está en «%(network)s»: docker network connect %(network)s %(alias)s.") % {
            "alias": alias,
            "network": spec.red,
        }
    return observed, _("Dentro de una red, un contenedor se llama como su --name o su --network-alias %(alias)s.") % {"alias": alias}


def _describe(spec: NetworkSpec) -> str:
    parts = [_("la red «%(name)s»") % {"name": spec.red}]
    if spec.driver:
        parts.append(_("de tipo «%(driver)s»") % {"driver": spec.driver})
    if spec.interna is not None:
        parts.append(_("interna") if spec.interna else _("no interna"))
    if spec.contenedores:
        parts.append(_("con %(names)s") % {"names": listing(spec.contenedores, nothing="")})
    parts += [_("«%(name)s» encuentra a «%(alias)s»") % {"name": name, "alias": alias} for name, alias in spec.resuelve.items()]
    parts += [_("«%(one)s» y «%(other)s», sin ninguna red en común") % {"one": one, "other": other} for one, other in spec.aislados]
    return ", ".join(parts)
