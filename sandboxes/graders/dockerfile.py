"""`dockerfile`: the text of a Dockerfile in the student's folder.

- id: receta
  tipo: dockerfile
  titulo: El Dockerfile de web parte de debian y no acaba como root
  ruta: web/Dockerfile       # from /home/alumno, unless it begins with /
  contexto: web              # optional: the folder that COPY takes from; its own by default
  base: debian:trixie        # optional, as all that follow: what its last stage is made from
  contiene: [WORKDIR /app]   # how some instruction begins
  orden: [COPY requirements.txt, RUN pip install, COPY .]   # the same, one after another
  sin: [ADD, MAINTAINER]     # no instruction begins so
  etapas: 2                  # stages, at least
  usuario: app               # the last USER of the last stage
  sin_root: true             # it does not end as root
  cache: true                # what changes least goes first
  revisado: true             # hadolint finds no fault
  permite: [DL3008]          # …but for these

What never builds, or builds something else than it seems to say, is told always.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from pydantic import Field

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import CannotObserve, FileFacts, StudentEngine
from sandboxes.graders import hadolint, recipe
from sandboxes.graders.dockerfile_faults import Fault, always, caching, no_such_stage
from sandboxes.graders.ignored import ignored
from sandboxes.graders.text import in_folder, is_user, listing, nearest, tagged

HOME = "/home/alumno"
_SCRIPT = re.compile(r"RUN (?:--\S+ )*<<-?\s*([\"']?)\w+\1\s*")
"""RUN whose whole text is the heredoc below it, which the shell runs."""


class DockerfileSpec(Spec):
    ruta: str = "Dockerfile"
    contexto: str = ""
    base: str = ""
    contiene: list[str] = []
    orden: list[str] = []
    sin: list[str] = []
    etapas: int = Field(default=1, ge=1, le=20)
    usuario: str = ""
    sin_root: bool = False
    cache: bool = False
    revisado: bool = False
    permite: list[str] = ["DL3008", "DL3013", "DL3016", "DL3018", "DL3057", "DL3066"]

    @property
    def path(self) -> str:
        return posixpath.join(HOME, self.ruta)

    @property
    def context(self) -> str:
        return posixpath.join(HOME, self.contexto) if self.contexto else posixpath.dirname(self.path)


class DockerfileEvidence(Evidence):
    file: FileFacts | None = None
    near: list[str] = []
    """The names in the same folder."""
    missing: list[str] = []
    """What COPY and ADD take from the context and is not there."""
    ignored: list[str] = []
    """What they take and a .dockerignore leaves out."""
    findings: list[hadolint.Finding] | None = None
    """None if hadolint was not asked."""


class DockerfileKind:
    name: ClassVar[str] = "dockerfile"
    spec: ClassVar[type[Spec]] = DockerfileSpec
    evidence: ClassVar[type[Evidence]] = DockerfileEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "base": gettext_noop("la imagen de la que parte su última etapa"),
        "etapas": gettext_noop("cuántas etapas tiene"),
    }

    def observe(self, spec: DockerfileSpec, engine: StudentEngine) -> DockerfileEvidence:
        file, near = engine.file(spec.path)
        if file is None or file.kind != "file":
            return DockerfileEvidence(file=file, near=near[:100])
        if file.size > len(file.text.encode()) + 1024:
            raise CannotObserve(_("el Dockerfile es demasiado largo"))
        taken = [source for found in recipe.read(file.text) for source in recipe.sources(found)]
        return DockerfileEvidence(
            file=file,
            near=near[:100],
            missing=_missing(engine, spec.context, taken[:100]) if taken else [],
            ignored=_left_out(engine, spec, taken[:100]) if taken else [],
            findings=hadolint.lint(file.text) if spec.revisado else None,
        )

    def captured(self, spec: DockerfileSpec, evidence: DockerfileEvidence) -> Mapping[str, object]:
        stages = recipe.stages(recipe.read(evidence.file.text if evidence.file else ""))
        return {"base": stages[-1].base, "etapas": len(stages)}

    def judge(self, spec: DockerfileSpec, evidence: DockerfileEvidence) -> Verdict:
        expected = _describe(spec)
        if evidence.file is None or evidence.file.kind != "file":
            return Verdict(Status.FAILED, expected, in_folder(evidence.near), _absent_hint(spec, evidence.near))
        found = recipe.read(evidence.file.text)
        fault = always(found, evidence.missing, evidence.ignored) or _asked(spec, found, recipe.stages(found), evidence)
        if fault:
            return Verdict(Status.FAILED, expected, *fault)
        count = len(found)
        return Verdict(Status.PASSED, expected, ngettext("%(count)d instrucción", "%(count)d instrucciones", count) % {"count": count})


def _missing(engine: StudentEngine, folder: str, sources: list[str]) -> list[str]:
    # As the builder does, names that lead out of the context are cut.
    names = [posixpath.normpath(f"/{source}").lstrip("/") or "." for source in sources]
    look = 'cd "$1" 2>/dev/null || exit 9; shift; for name; do [ -e "$name" ] || printf "%s\\n" "$name"; done; echo lab'
    code, output = engine.run(["sh", "-c", look, "lab", folder, *names], user="alumno")
    lines = output.decode(errors="replace").splitlines()
    if code == 9:
        return names
    if code or lines[-1:] != ["lab"]:
        raise CannotObserve(_("no se pueden leer los ficheros del laboratorio"))
    return [name for name in lines[:-1] if name in names]


def _left_out(engine: StudentEngine, spec: DockerfileSpec, sources: list[str]) -> list[str]:
    """Those that a .dockerignore leaves out: the Dockerfile's own, or the context's."""
    for path in (f"{spec.path}.dockerignore", posixpath.join(spec.context, ".dockerignore")):
        file, _near = engine.file(path)
        if file and file.kind == "file":
            return [source for source in sources[:20] if ignored(file.text, source)]
    return []


def _asked(spec: DockerfileSpec, found: list[recipe.Instruction], stages: list[recipe.Stage], evidence: DockerfileEvidence) -> Fault | None:
    """The first thing that is not as the exercise asks."""
    last = stages[-1]
    if spec.base and tagged(last.base) != tagged(spec.base):
        hint = _("La última etapa empieza por «FROM %(base)s».") if len(stages) > 1 else _("La primera línea debe ser «FROM %(base)s».")
        return _("parte de «%(base)s»") % {"base": last.base}, hint % {"base": spec.base}
    if len(stages) < spec.etapas:
        return (
            ngettext("tiene %(count)d etapa", "tiene %(count)d etapas", len(stages)) % {"count": len(stages)},
            _("Cada FROM empieza una etapa; de otra se copia con COPY --from=NOMBRE."),
        )
    if spec.etapas > 1 and (fault := no_such_stage(stages)):
        return fault
    texts = [instruction.text for instruction in found]
    for text in spec.contiene:
        if not any(_begins(row, text) for row in texts):
            return _("no hay ninguna instrucción «%(text)s»") % {"text": text}, _close(text, texts)
    for text in spec.sin:
        if bad := next((row for row in found if _begins(row.text, text)), None):
            return (
                _("en la línea %(line)d dice «%(text)s»") % {"line": bad.line, "text": bad.text[:100]},
                _("Aquí se pide hacerlo sin «%(text)s».") % {"text": text},
            )
    if fault := _order_fault(spec.orden, texts):
        return fault
    if fault := _user_fault(spec, last):
        return fault
    if spec.cache and (fault := caching(found)):
        return fault
    return _lint_fault(spec, evidence)


def _begins(row: str, text: str) -> bool:
    """Whether an instruction begins so, or some line of the script that a RUN has below."""
    first, *script = row.split("\n")
    if script and _SCRIPT.fullmatch(first):
        return any(_begins_line(f"RUN {' '.join(line.split())}", text) for line in script)
    return _begins_line(" ".join(first.split()), text)


def _begins_line(row: str, text: str) -> bool:
    wanted = " ".join(text.split())
    word, _space, rest = wanted.partition(" ")
    wanted = f"{word.upper()} {rest}".strip()
    if row == wanted or row.startswith(f"{wanted} "):
        return True
    # Flags may come between: COPY --chown=app app.py .
    kept = " ".join([row.split(" ")[0], *[part for part in row.split(" ")[1:] if not part.startswith("--")]])
    return kept == wanted or kept.startswith(f"{wanted} ")


def _close(text: str, texts: list[str]) -> str:
    word = text.split()[0].upper()
    same = [row for row in texts if row.split(" ")[0] == word]
    if same and word != text:
        return _("De %(word)s tienes: «%(text)s». Compáralo con lo que se pide.") % {"word": word, "text": same[0][:100]}
    return _("Falta en tu Dockerfile: añádela.")


def _order_fault(wanted: list[str], texts: list[str]) -> Fault | None:
    at = 0
    for text in wanted:
        later = next((place for place, row in enumerate(texts[at:], at) if _begins(row, text)), None)
        if later is not None:
            at = later + 1
            continue
        if any(_begins(row, text) for row in texts):
            return (
                _("«%(text)s» está antes de tiempo") % {"text": text},
                _("El orden que se pide es: %(rows)s.") % {"rows": listing(wanted, nothing="", most=10)},
            )
        return _("no hay ninguna instrucción «%(text)s»") % {"text": text}, _close(text, texts)
    return None


def _user_fault(spec: DockerfileSpec, last: recipe.Stage) -> Fault | None:
    user = recipe.last(last, "USER")
    name = user.args if user else ""
    if spec.usuario and not is_user(spec.usuario, name):
        observed = _("el último USER es «%(name)s»") % {"name": name} if name else _("no hay ningún USER")
        return observed, _("Escribe «USER %(name)s», detrás de lo que aún necesita ser root.") % {"name": spec.usuario}
    if spec.sin_root and name.split(":")[0] in ("", "root", "0"):
        return (
            _("acaba como root"),
            _("Crea un usuario con RUN useradd y cambia a él con USER, detrás de lo que aún necesita ser root."),
        )
    return None


def _lint_fault(spec: DockerfileSpec, evidence: DockerfileEvidence) -> Fault | None:
    serious = [found for found in evidence.findings or [] if found.level in ("error", "warning", "info") and found.code not in spec.permite]
    if not serious:
        return None
    count = len(serious)
    observed = ngettext("la revisión encuentra %(count)d fallo", "la revisión encuentra %(count)d fallos", count) % {"count": count}
    return observed, " · ".join(hadolint.explain(found) for found in serious[:3])


def _absent_hint(spec: DockerfileSpec, near: list[str]) -> str:
    name = posixpath.basename(spec.path)
    for other in (f"{name}.txt", f"{name}.dockerfile"):
        if other in near:
            return _("Se llama «%(name)s»: un Dockerfile no lleva extensión; cámbiaselo con «mv».") % {"name": other}
    close = next((other for other in near if other.lower() == name.lower()), None) or nearest(name, near)
    if close:
        return _("Tienes «%(near)s»: compara los nombres letra a letra.") % {"near": close}
    return _("Créalo en %(path)s; «pwd» dice en qué carpeta estás.") % {"path": spec.path}


def _describe(spec: DockerfileSpec) -> str:
    parts = [_("el Dockerfile %(path)s") % {"path": spec.path}]
    if spec.base:
        parts.append(_("que parta de «%(base)s»") % {"base": spec.base})
    if spec.etapas > 1:
        parts.append(_("en %(count)d etapas o más") % {"count": spec.etapas})
    if rows := [*spec.contiene, *spec.orden]:
        parts.append(_("con %(rows)s") % {"rows": listing(dict.fromkeys(rows), nothing="", most=10)})
    if spec.sin:
        parts.append(_("sin %(rows)s") % {"rows": listing(spec.sin, nothing="", most=10)})
    if spec.usuario:
        parts.append(_("que acabe con USER %(user)s") % {"user": spec.usuario})
    if spec.sin_root:
        parts.append(_("que no acabe como root"))
    if spec.cache:
        parts.append(_("que aproveche la caché"))
    if spec.revisado:
        parts.append(_("sin fallos de hadolint"))
    return ", ".join(parts)
