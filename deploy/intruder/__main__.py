"""All that is tried, in order."""

import json
import sys
from collections.abc import Callable, Iterator
from typing import TypedDict

from intruder import container, network, services
from intruder.outcome import Outcome


class Told(TypedDict):
    """Where things are, as host/intruder.py says."""

    sandbox: str
    host: str
    port: int
    site: int
    gateways: list[str]
    addresses: list[str]
    namespace: list[str]
    containers: list[str]


def attempts(told: Told) -> Iterator[tuple[str, str, str, Callable[[], Outcome]]]:
    """Name, what is tried, what must come of it, and how."""
    yield "derechos", "qué es quien ha entrado", "nadie, sin capacidades", container.own_rights
    yield "root", "hacerse root", "se rechaza", container.become_root
    yield "núcleo", "montar, crear discos, otros espacios de usuarios, trazar a otros", "se rechaza", container.kernel_calls
    yield "llamadas", "módulos, bpf, perf, io_uring, asas, llaves, relojes", "no llegan al núcleo", container.filtered_calls
    yield "familias", "sockets que no son de red: tramas, hipervisor, cifrado del núcleo", "ninguno se abre", container.odd_sockets
    yield "palancas", "las del núcleo y las de los límites", "ninguna se abre", container.pull_levers
    yield "ventanas", "memoria, registro y llaves de la máquina", "nada", container.look_at_the_machine
    yield "escribir", "dejar algo en el contenedor o en lo montado", "en ninguna parte", container.write_anywhere
    yield "cambiar", "un fichero del programa, del curso, del sistema o de lo montado", "ninguno", container.change_anything
    yield "ejecutar", "un programa dejado en la memoria", "se rechaza", container.run_from_memory
    yield "secretos", "los de los demás contenedores", "solo los tres suyos", container.others_secrets
    yield "claves", "las privadas de TLS, del registro o de la autoridad", "ninguna", container.private_keys
    yield "entorno", "secretos en el entorno o en los argumentos", "ninguno", container.secrets_in_environment
    yield "procesos", "los de la máquina", "solo los suyos", container.other_processes
    yield "discos", "los de la máquina", "ninguno", container.disks
    yield "sockets", "el del motor sin puerta, o cualquier otro", "solo los de la puerta", container.sockets
    yield "motor", "ser root de la máquina con el motor", "la puerta lo rechaza", lambda: services.be_root_by_the_engine(told["sandbox"])
    yield "puerta", "lo mismo, por donde la puerta no mire", "la puerta lo rechaza", lambda: services.pass_the_gate_by(told["sandbox"])
    yield "a mano", "peticiones que ninguna biblioteca escribiría", "ninguna se cumple", lambda: services.by_hand(told["sandbox"])
    yield "bases", "otras bases de datos, o su administrador", "se rechaza", services.other_databases
    yield "servidor", "órdenes y ficheros desde PostgreSQL", "se rechaza", services.the_databases_server
    yield "redis", "sin su clave; mandar en el servidor con ella", "se rechaza", services.the_redis_server
    yield "caché", "un programa en lo que los demás procesos leen de ella", "no se ejecuta", services.run_in_others_by_the_cache
    yield from _by_network(told)


def _by_network(told: Told) -> Iterator[tuple[str, str, str, Callable[[], Outcome]]]:
    machine = [(address, port) for address in told["addresses"] for port in (22, 2375, told["port"])]
    published = [(told["host"], port) for port in (5000, 5001, 5443)]
    site = [(address, told["site"]) for address in told["addresses"]]
    near = [(address, port) for address in told["gateways"] for port in (22, 53, 80, 443)]
    inside = [(address, port) for address in told["namespace"] for port in (53, 80, 443, 2375, 5000, 5001)]
    others = [(address, port) for address in told["containers"] for port in (5000, 5443, 22)]
    away = (("1.1.1.1", 443), ("8.8.8.8", 53), ("169.254.169.254", 80), ("fd00:ec2::254", 80), ("2606:4700:4700::1111", 443))
    yield "máquina", "servicios de la máquina, por cualquiera de sus direcciones", "se rechaza", lambda: network.unreachable(*machine)
    yield "salir y volver", "el puerto que el sitio publica, desde dentro", "se rechaza", lambda: network.unreachable(*site)
    yield "red local", "las puertas de enlace de la máquina", "se rechaza", lambda: network.unreachable(*near)
    yield "publicado", "lo que se publica para los laboratorios", "se rechaza", lambda: network.unreachable(*published)
    yield "laboratorios", "servicios de la red de los laboratorios", "se rechaza", lambda: network.unreachable(*inside)
    yield "vecinos", "espejo y registro, en sus redes", "se rechaza", lambda: network.unreachable(*others)
    yield "internet", "direcciones de fuera y los metadatos de la nube", "se rechaza", lambda: network.unreachable(*away)
    yield "nombres", "preguntar a DNS de fuera", "no contesta", network.names
    yield "túnel", "datos dentro de preguntas de DNS, al que contesta aquí", "no salen", network.tunnel


def main(told: Told) -> None:
    for name, tried, expected, attempt in attempts(told):
        held, observed = attempt()
        print(json.dumps({"name": name, "tried": tried, "expected": expected, "observed": observed, "held": held}), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
