"""`engine`: the engine itself, and how the student reaches it. It works by commands, so also when the engine is down.

- id: despierto
  tipo: engine
  titulo: El motor está en marcha y alumno puede usarlo
  en_marcha: true            # true by default; false: it must be stopped
  acceso: true               # optional, as all that follow: alumno reaches it, by the group docker
  version: "26"              # how it begins
  contexto: default          # the context in use
  info: {Driver: overlay2}   # fields of «docker info»: path → value
  demonio: {log-opts.max-size: 10m}   # of /etc/docker/daemon.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import CannotObserve, StudentEngine
from sandboxes.graders.text import listing

SETTINGS = "/etc/docker/daemon.json"
OWN = ("unix:///var/run/docker.sock", "unix:///run/docker.sock")
"""What DOCKER_HOST may say and still be the default context's engine."""
Value = str | int | float | bool | None

# As root: is it there, who may open its socket, which groups does alumno have.
_LOOK = r"""
up=down; for file in /proc/[0-9]*/comm; do name=; { read -r name < "$file"; } 2>/dev/null; [ "$name" = dockerd ] && up=up; done
echo "lab $up $(stat -Lc '%a %G' /var/run/docker.sock 2>/dev/null || echo 0 -) $(id -nG alumno | tr ' ' ',')"
"""
# As alumno, in a shell that has just logged in.
_REACH = r"""echo "lab ${DOCKER_HOST:--} $(docker context show 2>/dev/null || echo -)"; docker version --format '{{.Server.Version}}'"""


class EngineSpec(Spec):
    en_marcha: bool = True
    acceso: bool = False
    version: str = ""
    contexto: str = ""
    info: dict[str, Value] = {}
    demonio: dict[str, Value] = {}

    # What is looked at; the values that are asked for are another matter.
    @property
    def info_paths(self) -> list[str]:
        return list(self.info)

    @property
    def settings(self) -> list[str]:
        return list(self.demonio)

    @property
    def by_alumno(self) -> bool:
        return self.acceso or bool(self.contexto)


class EngineEvidence(Evidence):
    up: bool
    """Its process is there."""
    answers: bool = False
    version: str = ""
    info: dict[str, str | None] = {}
    """The fields asked for; None for one that is not there."""
    mode: int = 0
    """Of its socket; 0 without one."""
    group: str = ""
    groups: list[str] = []
    """alumno's."""
    host: str = ""
    """DOCKER_HOST, as alumno's shell sets it."""
    context: str = ""
    reached: bool | None = None
    """By alumno; None if it was not tried."""
    said: str = ""
    daemon: dict[str, str | None] = {}
    daemon_error: str = ""
    """What is wrong with daemon.json; empty if nothing is, or it is not there."""


class EngineKind:
    name: ClassVar[str] = "engine"
    spec: ClassVar[type[Spec]] = EngineSpec
    evidence: ClassVar[type[Evidence]] = EngineEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "version": gettext_noop("la del motor"),
        "contexto": gettext_noop("el contexto en uso"),
    }

    def observe(self, spec: EngineSpec, engine: StudentEngine) -> EngineEvidence:
        _code, output = engine.run(["sh", "-c", _LOOK])
        match output.decode(errors="replace").split():
            case ["lab", ("up" | "down") as up, mode, group, groups] if mode.isascii() and mode.isdigit() and len(mode) < 6:
                pass
            case _:
                raise CannotObserve(_("no se puede ver cómo está el motor"))
        daemon, wrong = _settings(engine, spec.settings)
        facts: dict[str, Any] = {"up": up == "up", "mode": int(mode, 8), "group": group[:50], "groups": groups.split(",")[:20]}
        if up == "up" and (spec.en_marcha or spec.info_paths or spec.version):
            facts |= _ask(spec, engine)
        if spec.by_alumno:
            facts |= _reach(engine)
        return EngineEvidence(**facts, daemon=daemon, daemon_error=wrong)

    def captured(self, spec: EngineSpec, evidence: EngineEvidence) -> Mapping[str, object]:
        return {"version": evidence.version, "contexto": evidence.context}

    def judge(self, spec: EngineSpec, evidence: EngineEvidence) -> Verdict:
        expected = _describe(spec)
        if not spec.en_marcha:
            if evidence.up:
                return Verdict(
                    Status.FAILED,
                    expected,
                    _("está en marcha"),
                    _("Se para con «sudo service docker stop» o, si dice que ya lo está, con «sudo pkill dockerd»."),
                )
        elif fault := _down_fault(evidence):
            return Verdict(Status.FAILED, expected, *fault)
        fault = (_access_fault(evidence) if spec.acceso else None) or _asked_fault(spec, evidence)
        if fault:
            return Verdict(Status.FAILED, expected, *fault)
        observed = _("está en marcha") if evidence.up else _("está parado")
        if evidence.version:
            observed = _("versión %(version)s") % {"version": evidence.version}
        return Verdict(Status.PASSED, expected, observed)


def _ask(spec: EngineSpec, engine: StudentEngine) -> dict[str, Any]:
    try:
        version = engine.version()
        info = engine.info() if spec.info_paths else {}
    except CannotObserve:
        return {"answers": False}
    return {"answers": True, "version": version[:50], "info": {path: _said(_at(info, path)) for path in spec.info_paths}}


def _reach(engine: StudentEngine) -> dict[str, Any]:
    code, output = engine.run(["su", "-", "alumno", "-c", _REACH], seconds=15)
    first, _newline, rest = output.decode(errors="replace").partition("\n")
    match first.split():
        case ["lab", host, context]:
            seen = {"host": "" if host == "-" else host[:200], "context": "" if context == "-" else context[:100]}
            return {**seen, "reached": code == 0, "said": rest.strip()[:400]}
        case _:
            return {"reached": False, "said": output.decode(errors="replace").strip()[:400]}


def _settings(engine: StudentEngine, paths: list[str]) -> tuple[dict[str, str | None], str]:
    file, _near = engine.file(SETTINGS)
    if file is None or file.kind != "file" or not file.text.strip():
        return dict.fromkeys(paths), ""
    try:
        found = json.loads(file.text)
    except json.JSONDecodeError as error:
        return dict.fromkeys(paths), _("línea %(line)d") % {"line": error.lineno}
    except (ValueError, RecursionError):
        return dict.fromkeys(paths), _("no es JSON")
    return {path: _said(_at(found, path)) for path in paths}, "" if isinstance(found, dict) else _("no es un objeto")


def _at(found: Any, path: str) -> Any:
    """What is at a path; keys may have dots of their own only if they are the whole path."""
    if isinstance(found, dict) and path in found:
        return found[path]
    for step in path.split("."):
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found


def _said(value: Any) -> str | None:
    if value is None:
        return None
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:300]


def _down_fault(evidence: EngineEvidence) -> tuple[str, str] | None:
    broken = _("/etc/docker/daemon.json no es JSON válido (%(where)s): corrígelo y arranca con «sudo service docker start».") % {
        "where": evidence.daemon_error
    }
    if not evidence.up:
        start = _("Arráncalo con «sudo service docker start» y, si no se queda, mira por qué con «sudo dockerd».")
        return _("el motor está parado"), broken if evidence.daemon_error else start
    if not evidence.answers:
        return _("el motor está en marcha, pero no contesta"), _("Dale unos segundos; si sigue igual, «sudo service docker restart».")
    return None


def _access_fault(evidence: EngineEvidence) -> tuple[str, str] | None:
    if evidence.mode & 0o006:
        return (
            _("el socket del motor está abierto a cualquiera (%(mode)s)") % {"mode": f"{evidence.mode:o}"},
            _("Quien lo abre es root de la máquina: déjalo en 660 con «sudo chmod 660 /var/run/docker.sock» y da acceso por el grupo."),
        )
    if "docker" not in evidence.groups:
        return (
            _("«alumno» no está en el grupo docker"),
            _("Añádelo con «sudo usermod -aG docker alumno» y vuelve a entrar: los grupos se leen al iniciar sesión."),
        )
    if evidence.reached:
        return None
    if evidence.host:
        return (
            _("el cliente mira a %(host)s") % {"host": evidence.host},
            _("DOCKER_HOST manda sobre el contexto: quita la línea que la pone de ~/.profile o ~/.bashrc y vuelve a entrar."),
        )
    if evidence.context not in ("", "default"):
        return (
            _("el cliente usa el contexto «%(name)s»") % {"name": evidence.context},
            _("Vuelve al motor de esta máquina con «docker context use default»."),
        )
    if "permission denied" in evidence.said:
        return (
            _("el socket es del grupo «%(group)s», con permisos %(mode)s") % {"group": evidence.group, "mode": f"{evidence.mode:o}"},
            _("Debe ser del grupo docker, con 660: sudo chgrp docker /var/run/docker.sock; sudo chmod 660 /var/run/docker.sock."),
        )
    return _("«docker version» dijo «%(said)s»") % {"said": evidence.said[-160:]}, _("Pruébalo en una terminal nueva y lee lo que dice.")


def _asked_fault(spec: EngineSpec, evidence: EngineEvidence) -> tuple[str, str] | None:
    if spec.contexto and evidence.host and not (spec.contexto == "default" and evidence.host in OWN):
        return (
            _("DOCKER_HOST vale %(host)s") % {"host": evidence.host},
            _("DOCKER_HOST manda sobre el contexto: quítala con «unset DOCKER_HOST» y de donde se ponga al entrar."),
        )
    if spec.contexto and evidence.context != spec.contexto:
        return (
            _("el contexto en uso es «%(name)s»") % {"name": evidence.context or "?"},
            _("Se elige con «docker context use %(name)s»; los que hay, con «docker context ls».") % {"name": spec.contexto},
        )
    if spec.version and not f"{evidence.version}.".startswith(f"{spec.version}."):
        return _("es la versión %(version)s") % {"version": evidence.version}, _("Míralo con «docker version».")
    for path, value in spec.info.items():
        if evidence.info.get(path) != _said(value):
            seen = evidence.info.get(path)
            return (
                _("%(path)s es %(value)s") % {"path": path, "value": seen} if seen else _("%(path)s no dice nada") % {"path": path},
                _("Míralo con «docker info»."),
            )
    if spec.demonio and evidence.daemon_error:
        return (
            _("daemon.json no es JSON válido (%(where)s)") % {"where": evidence.daemon_error},
            _("Mira comas, llaves y comillas dobles: «jq . /etc/docker/daemon.json» dice dónde está el fallo."),
        )
    for path, value in spec.demonio.items():
        if evidence.daemon.get(path) != _said(value):
            return (
                _("en daemon.json, %(path)s es %(value)s") % {"path": path, "value": seen}
                if (seen := evidence.daemon.get(path))
                else _("en daemon.json no está %(path)s") % {"path": path},
                _("Cámbialo en /etc/docker/daemon.json y reinicia el motor: sudo service docker restart."),
            )
    return None


def _describe(spec: EngineSpec) -> str:
    parts = [_("el motor en marcha") if spec.en_marcha else _("el motor parado")]
    if spec.acceso:
        parts.append(_("al alcance de «alumno»"))
    if spec.version:
        parts.append(_("de la versión %(version)s") % {"version": spec.version})
    if spec.contexto:
        parts.append(_("con el contexto «%(name)s» en uso") % {"name": spec.contexto})
    if pairs := [f"{path}={_said(value)}" for path, value in [*spec.info.items(), *spec.demonio.items()]]:
        parts.append(_("con %(pairs)s") % {"pairs": listing(pairs, nothing="")})
    return ", ".join(parts)
