"""What is wrong with a text that is being edited, line by line, in Spanish: Dockerfiles, Compose files, YAML.

The same eyes as when an exercise is graded (graders/hadolint.py, dockerfile_faults.py, compose_file.py). Nothing is kept.
"""

from __future__ import annotations

import base64
import posixpath
import re
from dataclasses import dataclass

import yaml
from django.utils.translation import gettext as _

from sandboxes.engine import EngineError, LabEngine
from sandboxes.graders import compose_file, dockerfile_faults, hadolint, recipe
from sandboxes.planting import HOME

LIMIT = 64 << 10
"""Bytes of a text that is looked at."""
COMPOSE_SECONDS = 8
_LINE = re.compile(r"línea (\d+)")
_COMPOSE = (
    'cd "$1" 2>/dev/null || cd; printf %s "$2" | base64 -d | timeout -k 1 6 docker compose -f - --project-directory . config --quiet 2>&1'
)


@dataclass(frozen=True)
class Found:
    line: int
    """From 1."""
    severity: str
    """error, warning or info."""
    message: str
    source: str = ""


def kind_of(path: str) -> str:
    """dockerfile, compose, yaml or "" by the file's name."""
    name = posixpath.basename(path).lower()
    if name in ("dockerfile", "containerfile") or name.startswith("dockerfile.") or name.endswith(".dockerfile"):
        return "dockerfile"
    if name in compose_file.NAMES or re.fullmatch(r"(docker-)?compose[.-][\w.-]*\.ya?ml", name):
        return "compose"
    return "yaml" if name.endswith((".yaml", ".yml")) else ""


def look(path: str, text: str, *, lab: LabEngine, machine: str) -> list[Found]:
    """Raises CannotObserve where hadolint can't be run, EngineError where the machine can't be asked."""
    if len(text.encode()) > LIMIT or not text.strip():
        return []
    match kind_of(path):
        case "dockerfile":
            return of_dockerfile(text)
        case "compose":
            return of_yaml(text) or _of_compose(path, text, lab, machine)
        case "yaml":
            return of_yaml(text)
        case _:
            return []


def of_dockerfile(text: str) -> list[Found]:
    found = [
        Found(
            finding.line,
            "error" if finding.level == "error" else "warning" if finding.level == "warning" else "info",
            said(finding),
            finding.code,
        )
        for finding in hadolint.lint(text)
    ]
    read = recipe.read(text)
    for fault, severity in ((dockerfile_faults.always(read, []), "error"), (dockerfile_faults.caching(read), "warning")):
        if fault:
            observed, hint = fault
            line = _LINE.search(observed)
            number = int(line[1]) if line else 1
            # What it says better than the parser did.
            found = [one for one in found if (one.line, one.source) != (number, "DL1000")]
            found.append(Found(number, severity, f"{_capital(observed)}. {hint}"))
    return sorted(found, key=lambda one: one.line)


def said(finding: hadolint.Finding) -> str:
    """Without its line and code, which the editor shows in their places."""
    text = _(hadolint.SAID[finding.code]) if finding.code in hadolint.SAID else finding.message[:200]
    return _capital(text)


def of_yaml(text: str) -> list[Found]:
    """Where it stops being YAML, if it does."""
    try:
        for _event in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        row = text.splitlines()[line - 1] if line <= len(text.splitlines()) else ""
        if "\t" in row[: len(row) - len(row.lstrip())]:
            return [Found(line, "error", _("Hay un tabulador: en YAML se sangra siempre con espacios, dos por nivel."))]
        return [
            Found(
                line, "error", _("Aquí deja de ser YAML: mira el sangrado, los dos puntos seguidos de un espacio y las comillas cerradas.")
            )
        ]
    except yaml.YAMLError:
        return [Found(1, "error", _("No es YAML: tiene caracteres que no puede llevar."))]
    return []


def _of_compose(path: str, text: str, lab: LabEngine, machine: str) -> list[Found]:
    folder = posixpath.join(HOME, posixpath.dirname(path))
    packed = base64.b64encode(text.encode()).decode()
    try:
        done = lab.run(machine, ["sh", "-c", _COMPOSE, "sh", folder, packed], user="alumno", seconds=COMPOSE_SECONDS)
    except EngineError:
        return []  # slow or flooded: what is typed next is looked at again
    if not done.code:
        return []
    complaint = done.output.decode(errors="replace").strip()[-600:]
    observed, hint = compose_file.complaint(complaint, [], posixpath.basename(path))
    return [Found(line_of(text, complaint), "error", f"{_capital(observed)}. {hint}", "compose")]


def line_of(text: str, complaint: str) -> int:
    """The line that a complaint is about: the one it says, or that of the service or key it names."""
    if found := re.search(r"line (\d{1,5})", complaint):
        return min(int(found[1]), text.count("\n") + 1)
    rows = text.splitlines()
    keys = [
        *re.findall(r"Additional property (\S+) is not allowed", complaint),
        *re.findall(r"services\.([\w.-]+?)(?:[.:\s]|$)", complaint),
        *re.findall(r'service "([^"]+)"', complaint),
    ]
    for key in keys:
        for number, row in enumerate(rows, start=1):
            if row.strip().startswith(f"{key}:"):
                return number
    return 1


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") if not text.endswith(".") else text[:1].upper() + text[1:]
