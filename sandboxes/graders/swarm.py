"""`swarm`: a swarm, its nodes, and a service with its replicas. It looks at a manager.

- id: tres
  tipo: swarm
  titulo: El servicio web tiene tres réplicas en marcha
  nodos: 2                   # optional, as all that follow: ready nodes, at least
  servicio: web
  imagen: busybox:1.37
  replicas: 3                # asked for, and running
  repartido: 2               # nodes that run some of them, at least
  restricciones: [node.role==worker]
  puertos: ["8080:80"]
  pila: curso                # the stack it belongs to
  actualizado: true          # an update has ended well
  activo: true               # true by default; false: there must be no swarm
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from pydantic import Field

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import CannotObserve, StudentEngine
from sandboxes.engine.swarm import ServiceFacts, SwarmNodeFacts, TaskFacts
from sandboxes.graders.text import listing, nearest, tagged


class SwarmSpec(Spec):
    activo: bool = True
    nodos: int = Field(default=0, ge=0, le=20)
    servicio: str = ""
    imagen: str = ""
    replicas: int | None = Field(default=None, ge=0, le=100)
    repartido: int = Field(default=0, ge=0, le=20)
    restricciones: list[str] = []
    puertos: list[Annotated[str, Field(pattern=r"^\d{1,5}:\d{1,5}$")]] = []
    pila: str = ""
    actualizado: bool = False


class SwarmEvidence(Evidence):
    state: str
    """inactive, pending, active, locked or error."""
    manager: bool = False
    nodes: list[SwarmNodeFacts] = []
    services: list[ServiceFacts] = []
    tasks: list[TaskFacts] = []
    """Of the service asked for."""


class SwarmKind:
    name: ClassVar[str] = "swarm"
    live: ClassVar[bool] = True
    spec: ClassVar[type[Spec]] = SwarmSpec
    evidence: ClassVar[type[Evidence]] = SwarmEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "nodos": gettext_noop("cuántos nodos tiene"),
        "replicas": gettext_noop("cuántas réplicas del servicio están en marcha"),
    }

    def observe(self, spec: SwarmSpec, engine: StudentEngine) -> SwarmEvidence:
        swarm = engine.swarm()
        if not swarm.manager:
            return SwarmEvidence(state=swarm.state)
        services = engine.services()
        ours = next((found.id for found in services if found.name == spec.servicio), "")
        tasks = [task for task in engine.tasks() if task.service == ours] if ours else []
        nodes = engine.swarm_nodes()
        running = sum(task.running for task in tasks)
        if any(task.running and task.node not in {node.id for node in nodes} for task in tasks) or running > 1000:
            raise CannotObserve(_("el motor se contradice sobre su enjambre"))
        return SwarmEvidence(state=swarm.state, manager=True, nodes=nodes[:50], services=services[:100], tasks=tasks[-100:])

    def captured(self, spec: SwarmSpec, evidence: SwarmEvidence) -> Mapping[str, object]:
        return {"nodos": len(evidence.nodes), "replicas": sum(task.running for task in evidence.tasks)}

    def judge(self, spec: SwarmSpec, evidence: SwarmEvidence) -> Verdict:
        expected = _describe(spec)
        if not spec.activo:
            if evidence.state == "inactive":
                return Verdict(Status.PASSED, expected, _("no está en ninguno"))
            return Verdict(Status.FAILED, expected, _("sigue en un enjambre"), _("Sal de él con «docker swarm leave --force»."))
        fault = _swarm_fault(spec, evidence) or (_service_fault(spec, evidence) if spec.servicio else None)
        if fault:
            return Verdict(Status.FAILED, expected, *fault)
        count = len(evidence.nodes)
        observed = ngettext("un enjambre de %(count)d nodo", "un enjambre de %(count)d nodos", count) % {"count": count}
        if spec.servicio:
            running = sum(task.running for task in evidence.tasks)
            observed += ngettext(", con %(count)d réplica en marcha", ", con %(count)d réplicas en marcha", running) % {"count": running}
        return Verdict(Status.PASSED, expected, observed)


def _swarm_fault(spec: SwarmSpec, evidence: SwarmEvidence) -> tuple[str, str] | None:
    if not evidence.manager:
        if evidence.state == "active":
            return (
                _("este nodo es un trabajador"),
                _("Los servicios se gobiernan desde un nodo gestor: hazlo allí, o asciende este con «docker node promote»."),
            )
        return _("este motor no está en ningún enjambre"), _("Empiézalo con «docker swarm init».")
    ready = [node for node in evidence.nodes if node.state == "ready" and node.availability == "active"]
    if len(ready) < spec.nodos:
        down = [node.name for node in evidence.nodes if node not in ready]
        if down:
            return _("no está disponible %(names)s") % {"names": listing(down, nothing="")}, _("Mira por qué con «docker node ls».")
        return (
            ngettext("hay %(count)d nodo", "hay %(count)d nodos", len(ready)) % {"count": len(ready)},
            _("La orden para unir otro la da «docker swarm join-token worker»: ejecútala en él."),
        )
    return None


def _service_fault(spec: SwarmSpec, evidence: SwarmEvidence) -> tuple[str, str] | None:
    found = next((service for service in evidence.services if service.name == spec.servicio), None)
    if found is None:
        names = [service.name for service in evidence.services]
        observed = _("hay %(names)s") % {"names": listing(names, nothing="")} if names else _("no hay ningún servicio")
        if any(name.endswith(f"_{spec.servicio}") for name in names):
            return observed, _("En una pila, el nombre del servicio lleva delante el de la pila.")
        if near := nearest(spec.servicio, names):
            return observed, _("Tienes «%(near)s»: compara los nombres letra a letra.") % {"near": near}
        hint = _("Se crea con «docker service create --name %(name)s IMAGEN».") % {"name": spec.servicio}
        if spec.puertos:
            hint += " " + _("Si dijo «can't be used with dnsrr mode», publica el puerto con mode=host, o quita --endpoint-mode dnsrr.")
        return observed, hint
    name = {"name": spec.servicio}
    if spec.imagen and tagged(found.image) != tagged(spec.imagen):
        return (
            _("«%(name)s» usa la imagen «%(image)s»") % {**name, "image": found.image.partition("@")[0]},
            _("Se cambia sin parar el servicio: docker service update --image %(image)s %(name)s.") % {**name, "image": spec.imagen},
        )
    if spec.pila and found.stack != spec.pila:
        return (
            _("«%(name)s» es de la pila «%(stack)s»") % {**name, "stack": found.stack}
            if found.stack
            else _("«%(name)s» no es de ninguna pila") % name,
            _("Despliega la pila con «docker stack deploy -c compose.yaml %(stack)s».") % {"stack": spec.pila},
        )
    for rule in spec.restricciones:
        if rule.replace(" ", "") not in [other.replace(" ", "") for other in found.constraints]:
            return (
                _("sus restricciones son %(rules)s") % {"rules": listing(found.constraints, nothing="")}
                if found.constraints
                else _("no tiene restricciones"),
                _("Se ponen con --constraint '%(rule)s' al crearlo, o con «docker service update --constraint-add».") % {"rule": rule},
            )
    for port in spec.puertos:
        if port not in found.ports:
            return (
                _("publica %(ports)s") % {"ports": listing(found.ports, nothing="")} if found.ports else _("no publica ningún puerto"),
                _("Se publica con -p %(port)s al crearlo, o con «docker service update --publish-add %(port)s %(name)s».")
                % {**name, "port": port},
            )
    return _replicas_fault(spec, evidence, found)


def _replicas_fault(spec: SwarmSpec, evidence: SwarmEvidence, found: ServiceFacts) -> tuple[str, str] | None:
    name = {"name": spec.servicio}
    if spec.replicas is not None and found.replicas is not None and found.replicas != spec.replicas:
        return (
            ngettext("«%(name)s» pide %(count)d réplica", "«%(name)s» pide %(count)d réplicas", found.replicas)
            % {**name, "count": found.replicas},
            _("Se cambia con «docker service scale %(name)s=%(count)d».") % {**name, "count": spec.replicas},
        )
    running = [task for task in evidence.tasks if task.running]
    wanted = spec.replicas if spec.replicas is not None else found.replicas or 0
    if len(running) < wanted:
        observed = ngettext("hay %(count)d réplica en marcha", "hay %(count)d réplicas en marcha", len(running)) % {"count": len(running)}
        return observed, _task_hint(spec, evidence)
    if spec.replicas is not None and len(running) > spec.replicas:
        return (
            ngettext("hay %(count)d réplica en marcha", "hay %(count)d réplicas en marcha", len(running)) % {"count": len(running)},
            _("Las que sobran se están parando: espera unos segundos."),
        )
    places = {task.node for task in running}
    if len(places) < spec.repartido:
        return (
            ngettext("sus réplicas están en %(count)d nodo", "sus réplicas están en %(count)d nodos", len(places)) % {"count": len(places)},
            _("Las que ya corren no se mueven al llegar un nodo: repártelas con «docker service update --force %(name)s».") % name,
        )
    if spec.actualizado and found.update != "completed":
        return (
            _("su actualización está «%(state)s»") % {"state": found.update} if found.update else _("no se ha actualizado nunca"),
            _("Se actualiza con «docker service update»; cómo va, con «docker service ps %(name)s».") % name,
        )
    return None


def _task_hint(spec: SwarmSpec, evidence: SwarmEvidence) -> str:
    error = next((task.error for task in reversed(evidence.tasks) if task.error and not task.running), "")
    look = _("Mira por qué con «docker service ps --no-trunc %(name)s».") % {"name": spec.servicio}
    if "insufficient resources" in error:
        return _("Ningún nodo tiene lo que se reserva para cada réplica: baja --reserve-memory o --reserve-cpu.")
    if "scheduling constraints" in error:
        return _("Ningún nodo cumple las restricciones de colocación: compáralas con las etiquetas de «docker node inspect».")
    if "No such image" in error:
        return _("Un nodo no encuentra la imagen: ha de estar en un registro al que lleguen todos.") + " " + look
    if "host-mode port already in use" in error:
        return _("Con mode=host solo cabe una réplica por nodo en ese puerto: baja las réplicas o une más nodos.")
    return (_("Su última tarea dijo «%(error)s».") % {"error": error[:160]} + " " + look) if error else look


def _describe(spec: SwarmSpec) -> str:
    if not spec.activo:
        return _("este motor, fuera de todo enjambre")
    parts = [
        _("un enjambre")
        if not spec.nodos
        else ngettext("un enjambre de %(count)d nodo", "un enjambre de %(count)d nodos", spec.nodos) % {"count": spec.nodos}
    ]
    if spec.servicio:
        parts.append(_("con el servicio «%(name)s»") % {"name": spec.servicio})
    if spec.pila:
        parts.append(_("de la pila «%(stack)s»") % {"stack": spec.pila})
    if spec.imagen:
        parts.append(_("de la imagen «%(image)s»") % {"image": spec.imagen})
    if spec.replicas is not None:
        parts.append(
            ngettext("con %(count)d réplica en marcha", "con %(count)d réplicas en marcha", spec.replicas) % {"count": spec.replicas}
        )
    if spec.repartido:
        parts.append(ngettext("en %(count)d nodo o más", "en %(count)d nodos o más", spec.repartido) % {"count": spec.repartido})
    parts += [_("con la restricción «%(rule)s»") % {"rule": rule} for rule in spec.restricciones]
    parts += [_("con el puerto %(port)s") % {"port": port} for port in spec.puertos]
    if spec.actualizado:
        parts.append(_("con su actualización terminada"))
    return ", ".join(parts)
