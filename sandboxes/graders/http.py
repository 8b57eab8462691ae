"""`http`: what answers at a port of the sandbox, asked from the sandbox itself.

- id: responde
  tipo: http
  titulo: La web saluda en el puerto 8080
  puerto: 8080
  ruta: /saludo              # "/" by default
  metodo: POST               # GET by default
  cuerpo: nombre=ana         # optional: what is sent…
  formulario: {edad: "20"}   # …or the fields of a form
  estado: 200                # 200 by default
  texto: hola                # optional: appears in the answer
  cabeceras: {Content-Type: text/html}   # optional: header → text that it has
  json: {usuario.nombre: ana, lista.0: 1}   # optional: path → value
  intentos: 3                # optional: a second between one and the next

Only 127.0.0.1 is asked; redirections are not followed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import Field

from lessons.kinds import Evidence, NotEnoughEvidence, Spec, Status, Verdict
from sandboxes.engine.student import CannotObserve, StudentEngine
from sandboxes.graders.text import listing

KEPT = 16384
REFUSED, TIMED_OUT, EMPTY, RESET = 7, 28, 52, 56
"""What curl ends with."""
_MARK = "\nlab-status:"


class HttpSpec(Spec):
    puerto: int = Field(ge=1, le=65535)
    ruta: Annotated[str, Field(pattern=r"^/[\x21-\x7e]*$")] = "/"
    metodo: Literal["GET", "POST", "PUT", "DELETE"] = "GET"
    cuerpo: str = ""
    estado: int = 200
    texto: str = ""
    json_: dict[str, Any] = Field(default={}, alias="json")
    formulario: dict[str, str] = {}
    cabeceras: dict[str, str] = {}
    intentos: int = Field(default=3, ge=1, le=5)

    @property
    def headers(self) -> list[str]:
        """Those that are looked at, in small letters."""
        return sorted({name.lower() for name in self.cabeceras})

    @property
    def url(self) -> str:
        return f"http://localhost:{self.puerto}{self.ruta}"


CHOSEN = 32768
"""From this port on it is the engine that chose it."""


class PublisherSeen(Evidence):
    name: str
    status: str
    inside: int
    """The container's port that is published at the one asked."""
    listening: dict[int, bool] = {}
    """Its ports that listen → whether they can be reached from outside it."""


class HttpEvidence(Evidence):
    code: int
    """What curl ended with; 0 is an answer."""
    status: int
    body: str
    headers: dict[str, str] | None = None
    """Those the check asks for, in small letters; None in what was seen before they were looked at."""
    publishers: list[PublisherSeen] = []
    swapped: list[str] = []
    """Where none of them publishes it: the containers that have another port for one of theirs of that number."""


class HttpKind:
    name: ClassVar[str] = "http"
    spec: ClassVar[type[Spec]] = HttpSpec
    evidence: ClassVar[type[Evidence]] = HttpEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "texto": gettext_noop("la primera línea de lo que responde"),
        "estado": gettext_noop("el código de la respuesta"),
    }

    def observe(self, spec: HttpSpec, engine: StudentEngine) -> HttpEvidence:
        retries = spec.intentos - 1
        argv = ["curl", "-q", "-sS", "--globoff", "--noproxy", "*", "--proto", "=http", "--max-time", "4", "--max-filesize", "1048576"]
        argv += ["--retry", str(retries), "--retry-all-errors", "--retry-delay", "1", "--retry-max-time", "10"] if retries else []
        argv += ["-X", spec.metodo, "-H", "Expect:", "-w", _MARK.replace("\n", "\\n") + "%{http_code}%{header_json}"]
        for name, value in spec.formulario.items():
            argv += ["--data-urlencode", f"{name}={value}"]
        argv += ["--data-raw", spec.cuerpo] if spec.cuerpo else []
        code, output = engine.run([*argv, f"http://127.0.0.1:{spec.puerto}{spec.ruta}"], user="alumno", seconds=18)
        body, _mark, status = output.decode(errors="replace").rpartition(_MARK)
        if not status.strip()[:3].isdigit():
            raise CannotObserve(_("curl no funciona en el laboratorio"))
        headers = _headers(status.strip()[3:], spec.headers)
        publishers = _publishers(spec, engine, code)
        # What failed attempts said comes before the last one's.
        return HttpEvidence(
            headers=headers,
            code=code,
            status=int(status.strip()[:3]),
            body=body.rpartition(_MARK)[2][-KEPT:],
            publishers=publishers,
            swapped=_swapped(spec, engine) if code and not publishers else [],
        )

    def captured(self, spec: HttpSpec, evidence: HttpEvidence) -> Mapping[str, object]:
        return {"texto": evidence.body, "estado": evidence.status}

    def judge(self, spec: HttpSpec, evidence: HttpEvidence) -> Verdict:
        expected = _("%(method)s %(url)s responde %(status)d") % {"method": spec.metodo, "url": spec.url, "status": spec.estado}
        if spec.texto:
            expected += _(" y dice «%(text)s»") % {"text": spec.texto}
        for path, value in spec.json_.items():
            expected += _(", con %(path)s = %(value)s") % {"path": path, "value": json.dumps(value, ensure_ascii=False)}
        for name, value in spec.cabeceras.items():
            expected += _(", con la cabecera «%(name)s: %(value)s»") % {"name": name, "value": value}
        begins = " ".join(evidence.body.split())[:160]
        if evidence.code:
            return Verdict(Status.FAILED, expected, _silence(evidence.code), _silence_hint(spec, evidence))
        if evidence.status != spec.estado:
            hint = _("Hay un servidor, pero no en esa ruta.") if evidence.status == 404 else _("Mira qué dice en «docker logs».")
            observed = _("respondió %(status)d: «%(text)s»") % {"status": evidence.status, "text": begins}
            return Verdict(Status.FAILED, expected, observed, hint)
        if spec.texto not in evidence.body:
            observed = _("dijo «%(text)s»") % {"text": begins}
            return Verdict(Status.FAILED, expected, observed, _("Pruébalo con «curl %(url)s».") % {"url": spec.url})
        if spec.cabeceras and (observed := _header_fault(spec, evidence)):
            return Verdict(Status.FAILED, expected, observed, _("Míralas con «curl -i %(url)s».") % {"url": spec.url})
        if spec.json_ and (observed := _json_fault(spec, evidence.body)):
            return Verdict(Status.FAILED, expected, observed, _("Míralo con «curl -s %(url)s | jq».") % {"url": spec.url})
        return Verdict(Status.PASSED, expected, _("respondió %(status)d") % {"status": evidence.status})


def _headers(text: str, asked: list[str]) -> dict[str, str]:
    try:
        found = json.loads(text[:65536]) if asked else {}
    except (ValueError, RecursionError):
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: ", ".join(map(str, values))[:500] for name, values in pairs if name in asked and isinstance(values, list)}


def _header_fault(spec: HttpSpec, evidence: HttpEvidence) -> str:
    if evidence.headers is None:
        raise NotEnoughEvidence
    for name, value in spec.cabeceras.items():
        found = evidence.headers.get(name.lower())
        if found is None:
            return _("no hay ninguna cabecera «%(name)s»") % {"name": name}
        if value not in found:
            return _("«%(name)s» dice «%(value)s»") % {"name": name, "value": found[:160]}
    return ""


def _publishers(spec: HttpSpec, engine: StudentEngine, code: int) -> list[PublisherSeen]:
    """When nothing answered: the containers that should."""
    if not code:
        return []
    found = []
    for container in engine.containers():
        for inside, hosts in container.ports.items():
            number = inside.partition("/")[0]
            if str(spec.puerto) in hosts and number.isdigit():
                heard = engine.listening(container) if container.status == "running" and container.pid else {}
                found.append(
                    PublisherSeen(
                        name=container.name, status=container.status, inside=int(number), listening=dict(list(heard.items())[:50])
                    )
                )
    return found[:10]


def _swapped(spec: HttpSpec, engine: StudentEngine) -> list[str]:
    """With the ports as they are, as in `web (80:8080)`."""
    return [
        f"{container.name} ({hosts[0]}:{spec.puerto})"[:200]
        for container in engine.containers()
        for inside, hosts in container.ports.items()
        if inside.partition("/")[0] == str(spec.puerto) and hosts and hosts[0].isdigit() and int(hosts[0]) < CHOSEN
    ][:3]


def _silence(code: int) -> str:
    match code:
        case 7:
            return _("nadie escucha en ese puerto")
        case 28:
            return _("no contestó a tiempo")
        case 52 | 56:
            return _("la conexión se cortó sin respuesta")
        case _:
            return _("curl terminó con el código %(code)d") % {"code": code}


def _silence_hint(spec: HttpSpec, evidence: HttpEvidence) -> str:
    if evidence.swapped:
        return _("Los puertos de «%(name)s» están al revés: es -p PUERTO_DE_TU_MÁQUINA:PUERTO_DE_DENTRO, y al recrearlo, -p %(port)d:…") % {
            "name": evidence.swapped[0],
            "port": spec.puerto,
        }
    if not evidence.publishers:
        return _("Ningún contenedor publica el puerto %(port)d de tu máquina: se publica al crearlo, con -p %(port)d:PUERTO_DE_DENTRO.") % {
            "port": spec.puerto
        }
    seen = next((seen for seen in evidence.publishers if seen.status == "running"), None)
    if seen is None:
        return _("«%(name)s» lo publica, pero no está en marcha: mira por qué con «docker logs %(name)s».") % {
            "name": evidence.publishers[0].name
        }
    if seen.listening.get(seen.inside) is False:
        return _("En «%(name)s», el programa escucha solo en 127.0.0.1, que es el propio contenedor: debe escuchar en 0.0.0.0.") % {
            "name": seen.name
        }
    if seen.inside not in seen.listening:
        ports = [str(port) for port, reachable in seen.listening.items() if reachable]
        if not ports:
            return _("-p lleva al puerto %(inside)d de «%(name)s», y ahí dentro no se escucha en ninguno todavía.") % {
                "inside": seen.inside,
                "name": seen.name,
            }
        return _("-p lleva al puerto %(inside)d de «%(name)s», y ahí dentro se escucha en %(ports)s. Es -p %(port)d:PUERTO_DE_DENTRO.") % {
            "inside": seen.inside,
            "name": seen.name,
            "ports": listing(ports, nothing=""),
            "port": spec.puerto,
        }
    return _("«%(name)s» escucha, pero no contesta: mira «docker logs %(name)s».") % {"name": seen.name}


def _json_fault(spec: HttpSpec, body: str) -> str:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return _("la respuesta no es JSON")
    for path, value in spec.json_.items():
        found = answer
        for step in path.split("."):
            try:
                found = found[int(step)] if isinstance(found, list) else found[step]
            except (KeyError, IndexError, ValueError, TypeError):
                return _("no hay ningún «%(path)s»") % {"path": path}
        if found != value or isinstance(found, bool) != isinstance(value, bool):
            return _("%(path)s es %(value)s") % {"path": path, "value": json.dumps(found, ensure_ascii=False)[:160]}
    return ""
