"""What `container` says of the options a container was created with: ports, mounts, environment, limits…

Pure: a wanted option against what was seen gives a fault, as (observed, hint), or none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from django.utils.translation import gettext as _
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from lessons.kinds import Evidence, NotEnoughEvidence
from sandboxes.engine.student import ContainerFacts
from sandboxes.graders import pairs
from sandboxes.graders.text import a_size, in_bytes, in_networks, in_words, is_user, listing, mounted

Fault = tuple[str, str]


def _quoted(value: object) -> object:
    if isinstance(value, int):
        raise ValueError("escríbelo entre comillas: YAML toma 8080:80 por un número")  # noqa: TRY004  # pydantic takes no TypeError
    return value


Publication = Annotated[str, BeforeValidator(_quoted), Field(pattern=r"^(\d{1,5}:)?\d{1,5}(/(tcp|udp))?$")]
Mount = Annotated[str, Field(pattern=r"^([^:]+:)?/[^:]*(:ro|:rw)?$")]


class Options(BaseModel):
    """Fields of the specification, written as the options of `docker run`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reinicio: Annotated[str, Field(pattern=r"^(|no|always|unless-stopped|on-failure(:\d+)?)$")] = ""
    puertos: list[Publication] = []
    env: dict[str, str | None] = {}
    montajes: list[Mount] = []
    usuario: str = ""
    memoria: Annotated[str, AfterValidator(lambda size: a_size(size) if size else size)] = ""
    cpus: float | None = None
    redes: list[str] = []
    salud: str = ""
    etiquetas: dict[str, str | None] = {}
    terminal: bool | None = None
    entrada: bool | None = None
    procesos: int | None = None


class MountSeen(Evidence):
    type: str
    origin: str
    path: str
    writable: bool


class OptionsSeen(Evidence):
    restart: str
    ports: dict[str, list[str]]
    env: pairs.Pairs
    mounts: list[MountSeen]
    user: str
    memory: int
    cpus: float
    networks: list[str]
    health: str
    labels: pairs.Pairs | None = None
    """None, as in the three that follow, in what was seen before they were looked at."""
    tty: bool | None = None
    stdin: bool | None = None
    processes: int | None = None


def see(options: Options, facts: ContainerFacts) -> OptionsSeen:
    return OptionsSeen(
        restart=facts.restart,
        ports=facts.ports,
        env=pairs.see(options.env, facts.env),
        mounts=[
            MountSeen(type=mount.type, origin=mount.origin[:300], path=mount.path[:300], writable=mount.writable)
            for mount in facts.mounts[:20]
        ],
        user=facts.user,
        memory=facts.memory,
        cpus=facts.cpus,
        networks=sorted(facts.addresses),
        health=facts.health,
        labels=pairs.see(options.etiquetas, facts.labels),
        tty=facts.tty,
        stdin=facts.stdin,
        processes=facts.processes,
    )


def describe(options: Options) -> list[str]:
    """What is asked, in the words of the options."""
    said = [_("con --restart=%(policy)s") % {"policy": options.reinicio}] if options.reinicio else []
    said += [_("con -p %(port)s") % {"port": port} for port in options.puertos]
    said += [_("con -e %(name)s") % {"name": name if value is None else f"{name}={value}"} for name, value in options.env.items()]
    said += [_("con -v %(mount)s") % {"mount": mount} for mount in options.montajes]
    said += [_("con --user %(user)s") % {"user": options.usuario}] if options.usuario else []
    said += [_("con -m %(size)s") % {"size": options.memoria}] if options.memoria else []
    said += [_("con --cpus %(count)g") % {"count": options.cpus}] if options.cpus is not None else []
    said += [_("en la red «%(network)s»") % {"network": network} for network in options.redes]
    said += [_("con --label %(name)s") % {"name": k if v is None else f"{k}={v}"} for k, v in options.etiquetas.items()]
    said += [_("con terminal (-it)") if options.terminal else _("sin terminal")] if options.terminal is not None else []
    said += [_("con la entrada abierta (-i)") if options.entrada else _("sin -i")] if options.entrada is not None else []
    said += [_("con --pids-limit %(count)d") % {"count": options.procesos}] if options.procesos is not None else []
    said += [_("con la salud «%(health)s»") % {"health": options.salud}] if options.salud else []
    return said


def faults(options: Options, name: str, seen: OptionsSeen) -> Iterator[Fault]:
    """What is wrong with a container's options, the most telling first."""
    for port in options.puertos:
        if fault := _port_fault(port, name, seen):
            yield fault
    for mount in options.montajes:
        if fault := _mount_fault(mount, name, seen):
            yield fault
    for variable, value in options.env.items():
        if fault := _env_fault(variable, value, name, seen):
            yield fault
    for network in options.redes:
        if network not in seen.networks:
            yield (
                in_networks(name, seen.networks),
                _("Se elige al crearlo, con --network %(network)s, o después: docker network connect %(network)s %(name)s.")
                % {"network": network, "name": name},
            )
    if options.reinicio and options.reinicio != seen.restart:
        yield (
            _("«%(name)s» tiene la política de reinicio «%(policy)s»") % {"name": name, "policy": seen.restart},
            _("Se elige con --restart=%(policy)s y se cambia sin recrearlo: docker update --restart=%(policy)s %(name)s.")
            % {"policy": options.reinicio, "name": name},
        )
    if options.usuario and not is_user(options.usuario, seen.user):
        yield (
            _("«%(name)s» se creó con el usuario «%(user)s»") % {"name": name, "user": seen.user or "root"},
            _("El usuario lo pone USER en el Dockerfile o, al crearlo, --user %(user)s.") % {"user": options.usuario},
        )
    yield from _limit_faults(options, name, seen)
    yield from _newer_faults(options, name, seen)
    if options.salud and options.salud != seen.health:
        yield (
            _("la salud de «%(name)s» es «%(health)s»") % {"name": name, "health": seen.health or _("ninguna")},
            _("Se comprueba cada cierto tiempo: espera un poco y míralo con «docker ps».")
            if seen.health == "starting"
            else _("Mira lo que dijo la última prueba con «docker inspect --format '{{json .State.Health}}' %(name)s».") % {"name": name}
            if seen.health
            else _("La prueba la pone HEALTHCHECK en el Dockerfile o --health-cmd al crearlo."),
        )


def _limit_faults(options: Options, name: str, seen: OptionsSeen) -> Iterator[Fault]:
    if options.memoria and in_bytes(options.memoria) != seen.memory:
        yield (
            _("«%(name)s» no tiene límite de memoria") % {"name": name}
            if not seen.memory
            else _("«%(name)s» puede usar %(size)s") % {"name": name, "size": in_words(seen.memory)},
            _("El límite se pone al crearlo, con -m %(size)s, antes de la imagen.") % {"size": options.memoria},
        )
    if options.cpus is not None and abs(options.cpus - seen.cpus) > 0.001:
        yield (
            _("«%(name)s» no tiene límite de CPU") % {"name": name}
            if not seen.cpus
            else _("«%(name)s» puede usar %(count)g CPU") % {"name": name, "count": seen.cpus},
            _("El límite se pone al crearlo, con --cpus %(count)g, antes de la imagen.") % {"count": options.cpus},
        )


def _newer_faults(options: Options, name: str, seen: OptionsSeen) -> Iterator[Fault]:
    if seen.labels is None and (options.etiquetas or options.terminal is not None or options.procesos is not None):
        raise NotEnoughEvidence
    if seen.stdin is None and options.entrada is not None:
        raise NotEnoughEvidence
    for label, value in options.etiquetas.items():
        found = pairs.value(label, seen.labels or {})
        if found is None or (value is not None and found != value):
            yield (
                _("«%(name)s» no tiene la etiqueta %(label)s") % {"name": name, "label": label}
                if found is None
                else _("%(label)s vale «%(value)s»") % {"label": label, "value": found[:100]},
                _("Se pone al crearlo, con --label %(label)s=VALOR, antes de la imagen.") % {"label": label},
            )
    if options.terminal is not None and options.terminal != seen.tty:
        yield (
            _("«%(name)s» tiene terminal") % {"name": name} if seen.tty else _("«%(name)s» no tiene terminal") % {"name": name},
            _("Se pide al crearlo, con -it, antes de la imagen.") if options.terminal else _("Créalo sin -t."),
        )
    if options.entrada is not None and options.entrada != seen.stdin:
        yield (
            _("«%(name)s» tiene la entrada abierta") % {"name": name}
            if seen.stdin
            else _("«%(name)s» no tiene la entrada abierta: en él no se puede escribir") % {"name": name},
            _("La abre -i al crearlo, junto a -t: -it, antes de la imagen.") if options.entrada else _("Créalo sin -i."),
        )
    if options.procesos is not None and options.procesos != seen.processes:
        yield (
            _("«%(name)s» puede tener %(count)d procesos") % {"name": name, "count": seen.processes}
            if seen.processes
            else _("«%(name)s» no tiene límite de procesos") % {"name": name},
            _("El límite se pone con --pids-limit %(count)d, antes de la imagen.") % {"count": options.procesos},
        )


def published(ports: dict[str, list[str]]) -> list[str]:
    """As `-p` writes them."""
    return [f"{host}:{port.removesuffix('/tcp')}" for port, hosts in ports.items() for host in hosts]


def _port_fault(wanted: str, name: str, seen: OptionsSeen) -> Fault | None:
    host, _colon, inside = wanted.rpartition(":")
    inside = inside if "/" in inside else f"{inside}/tcp"
    given = seen.ports.get(inside, [])
    if host in given or (not host and given):
        return None
    every = published(seen.ports)
    observed = (
        _("«%(name)s» publica %(ports)s") % {"name": name, "ports": listing(every, nothing="")}
        if every
        else _("«%(name)s» no publica ningún puerto") % {"name": name}
    )
    if host and inside.split("/")[0] in seen.ports.get(f"{host}/{inside.split('/')[1]}", []):
        return observed, _("Los puertos están al revés: es -p PUERTO_DE_TU_MÁQUINA:PUERTO_DEL_CONTENEDOR, o sea, -p %(port)s.") % {
            "port": wanted
        }
    if not every:
        return observed, _("Sin -p, un puerto solo existe dentro. EXPOSE no lo publica. Créalo de nuevo con -p %(port)s.") % {
            "port": wanted
        }
    if given:
        return observed, _(
            "El puerto de dentro es ese, pero en tu máquina está en otro: -p %(port)s. Con -P, o sin decir cuál, es al azar."
        ) % {"port": wanted}
    return observed, _("Los puertos se eligen al crear el contenedor: bórralo y créalo con -p %(port)s.") % {"port": wanted}


def _mount_fault(wanted: str, name: str, seen: OptionsSeen) -> Fault | None:
    mode = wanted.rpartition(":")[2] if wanted.endswith((":ro", ":rw")) else ""
    rest = wanted.removesuffix(f":{mode}") if mode else wanted
    origin, _colon, path = rest.rpartition(":")
    observed = mounted(name, [f"{mount.origin}:{mount.path}" for mount in seen.mounts])
    found = next((mount for mount in seen.mounts if mount.path.rstrip("/") == path.rstrip("/")), None)
    if found is None:
        elsewhere = next((mount for mount in seen.mounts if origin and mount.origin == origin), None)
        if elsewhere:
            return observed, _("«%(origin)s» está en otra ruta del contenedor: lo que va tras los dos puntos debe ser %(path)s.") % {
                "origin": origin,
                "path": path,
            }
        return observed, _("Se monta al crear el contenedor, con -v %(mount)s antes de la imagen.") % {"mount": wanted}
    if origin and found.origin.rstrip("/") != origin.rstrip("/"):
        if origin.startswith("/") and found.type == "volume":
            return observed, _("Sin una ruta absoluta delante, Docker crea un volumen con ese nombre: escribe -v %(mount)s.") % {
                "mount": wanted
            }
        if not origin.startswith("/") and found.type == "bind":
            return observed, _("Con una barra delante es una carpeta de tu máquina; un volumen es solo un nombre: -v %(mount)s.") % {
                "mount": wanted
            }
        return observed, _("En esa ruta hay otra cosa: el volumen o la carpeta va antes de los dos puntos, -v %(mount)s.") % {
            "mount": wanted
        }
    if mode and found.writable != (mode == "rw"):
        return (
            _("en «%(path)s» se puede escribir") % {"path": path}
            if found.writable
            else _("«%(path)s» es de solo lectura") % {"path": path},
            _("Solo lectura se pide con :ro al final: -v %(mount)s.") % {"mount": wanted}
            if mode == "ro"
            else _("Quita :ro del final para poder escribir."),
        )
    return None


def _env_fault(variable: str, value: str | None, name: str, seen: OptionsSeen) -> Fault | None:
    found = pairs.value(variable, seen.env)
    if found is None:
        return (
            _("«%(name)s» no tiene la variable %(variable)s") % {"name": name, "variable": variable},
            _("Se pasa con -e %(variable)s=VALOR, antes de la imagen; mayúsculas y minúsculas cuentan.") % {"variable": variable},
        )
    if value is None or found == value:
        return None
    observed = _("%(variable)s vale «%(value)s»") % {"variable": variable, "value": found[:100]}
    if found.strip("\"' ") == value:
        return observed, _("Las comillas o los espacios han quedado dentro del valor: en un --env-file no se ponen.")
    return observed, _("Se pasa al crearlo, con -e %(variable)s=%(value)s; en un contenedor ya creado no se cambia.") % {
        "variable": variable,
        "value": value,
    }
