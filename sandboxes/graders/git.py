"""`git`: a repository of the student's.

- id: apuntado
  tipo: git
  titulo: El cambio está apuntado en la rama redis
  carpeta: app               # from /home/alumno, unless it begins with /
  rama: redis                # optional, as all that follow: the branch in use
  commits: 2                 # at least so many
  mensaje: redis             # appears in the message of one of the last ones
  limpio: true               # nothing left to commit
  seguidos: [app.py]         # files in the last commit
  sin_seguir: [.env]         # files that must not be in it
  remotos: {origin: "https://…"}   # name → address; null accepts any
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from pydantic import Field

from lessons.kinds import Evidence, Spec, Status, Verdict
from sandboxes.engine.student import CannotObserve, StudentEngine
from sandboxes.graders.text import listing, nearest

HOME = "/home/alumno"
_PART = "\x1e"
_LOOK = r"""
export GIT_OPTIONAL_LOCKS=0 GIT_PAGER=cat
cd "$1" 2>/dev/null || { echo absent; exit 0; }
git rev-parse --git-dir >/dev/null 2>&1 || { echo none; exit 0; }
echo lab; printf '\036'; git branch --show-current; printf '\036'; git branch --format '%(refname:short)' | head -50; printf '\036'
git rev-list --count HEAD 2>/dev/null || echo 0; printf '\036'; git log -20 --format=%s 2>/dev/null | cut -c1-200; printf '\036'
git status --porcelain 2>/dev/null | head -20 | cut -c1-200; printf '\036'
git ls-tree -r --name-only HEAD 2>/dev/null | head -500; printf '\036'
git config --get-regexp '^remote\..*\.url$' | head -20 | cut -c1-300
"""


class GitSpec(Spec):
    carpeta: str = "."
    rama: str = ""
    commits: int = Field(default=1, ge=0, le=1000)
    mensaje: str = ""
    limpio: bool = False
    seguidos: list[str] = []
    sin_seguir: list[str] = []
    remotos: dict[str, str | None] = {}

    @property
    def path(self) -> str:
        return posixpath.normpath(posixpath.join(HOME, self.carpeta))


class GitEvidence(Evidence):
    folder: bool = True
    repository: bool = True
    branch: str = ""
    branches: list[str] = []
    commits: int = 0
    messages: list[str] = []
    changes: list[str] = []
    """As `git status --porcelain` writes them."""
    files: list[str] = []
    """Those of the last commit that the check asks for."""
    remotes: dict[str, str] = {}


class GitKind:
    name: ClassVar[str] = "git"
    spec: ClassVar[type[Spec]] = GitSpec
    evidence: ClassVar[type[Evidence]] = GitEvidence
    captures: ClassVar[Mapping[str, str]] = {
        "rama": gettext_noop("la rama en la que está"),
        "mensaje": gettext_noop("el del último commit"),
        "commits": gettext_noop("cuántos hay"),
    }

    def observe(self, spec: GitSpec, engine: StudentEngine) -> GitEvidence:
        _code, output = engine.run(["sh", "-c", _LOOK, "lab", spec.path], user="alumno")
        match output.decode(errors="replace").split(_PART):
            case ["absent\n"]:
                return GitEvidence(folder=False, repository=False)
            case ["none\n"]:
                return GitEvidence(repository=False)
            case ["lab\n", branch, branches, count, messages, changes, files, remotes] if (
                count.strip().isascii() and count.strip().isdigit()
            ):
                pairs = (line.partition(" ") for line in remotes.splitlines())
                asked = {*spec.seguidos, *spec.sin_seguir}
                return GitEvidence(
                    branch=branch.strip()[:100],
                    branches=branches.split()[:50],
                    commits=int(count.strip()[:9]),
                    messages=messages.splitlines()[:20],
                    changes=changes.splitlines()[:20],
                    files=[file for file in files.splitlines() if file in asked],
                    remotes={name.removeprefix("remote.").removesuffix(".url"): address for name, _space, address in pairs},
                )
            case _:
                raise CannotObserve(_("git no contesta como se espera"))

    def captured(self, spec: GitSpec, evidence: GitEvidence) -> Mapping[str, object]:
        return {"rama": evidence.branch, "mensaje": (evidence.messages or [""])[0], "commits": evidence.commits}

    def judge(self, spec: GitSpec, evidence: GitEvidence) -> Verdict:
        expected = _describe(spec)
        fault = _fault(spec, evidence)
        if fault:
            return Verdict(Status.FAILED, expected, *fault)
        count = evidence.commits
        observed = ngettext("rama «%(branch)s», con %(count)d commit", "rama «%(branch)s», con %(count)d commits", count)
        return Verdict(Status.PASSED, expected, observed % {"branch": evidence.branch, "count": count})


def _fault(spec: GitSpec, evidence: GitEvidence) -> tuple[str, str] | None:
    if not evidence.folder:
        return _("no hay ninguna carpeta %(path)s") % {"path": spec.path}, _("Tráela con «git clone» o créala con «mkdir».")
    if not evidence.repository:
        return _("%(path)s no es un repositorio") % {"path": spec.path}, _("Empiézalo dentro con «git init» o tráelo con «git clone».")
    if spec.rama and evidence.branch != spec.rama:
        return _("estás en la rama «%(branch)s»") % {"branch": evidence.branch}, _branch_hint(spec.rama, evidence.branches)
    if evidence.commits < spec.commits:
        count = evidence.commits
        return (
            ngettext("hay %(count)d commit", "hay %(count)d commits", count) % {"count": count},
            _('Un cambio se apunta en dos pasos: «git add FICHERO» y «git commit -m "mensaje"».'),
        )
    if spec.mensaje and not any(spec.mensaje in message for message in evidence.messages):
        return (
            _("el último commit dice «%(text)s»") % {"text": evidence.messages[0] if evidence.messages else ""},
            _('Si es solo el mensaje, cámbialo con «git commit --amend -m "mensaje"».'),
        )
    if lacking := [file for file in spec.seguidos if file not in evidence.files]:
        return (
            _("«%(file)s» no está en el último commit") % {"file": lacking[0]},
            _("Añádelo con «git add %(file)s» y apúntalo con «git commit».") % {"file": lacking[0]},
        )
    if extra := [file for file in spec.sin_seguir if file in evidence.files]:
        return (
            _("«%(file)s» está en el último commit") % {"file": extra[0]},
            _("Sácalo con «git rm --cached %(file)s», ponlo en el .gitignore y haz otro commit.") % {"file": extra[0]},
        )
    if spec.limpio and evidence.changes:
        return (
            _("queda por apuntar %(names)s") % {"names": listing([change[3:] for change in evidence.changes], nothing="")},
            _("Los que empiezan por ?? en «git status --short» no se siguen aún: «git add»; después, «git commit»."),
        )
    for name, address in spec.remotos.items():
        seen = evidence.remotes.get(name)
        if seen is None or (address is not None and seen != address):
            return (
                _("«%(name)s» es %(address)s") % {"name": name, "address": seen}
                if seen
                else _("no hay ningún remoto «%(name)s»") % {"name": name},
                _("Los remotos se ven con «git remote -v»; se ponen con «git remote add» y se cambian con «git remote set-url»."),
            )
    return None


def _branch_hint(wanted: str, there: list[str]) -> str:
    if wanted in there:
        return _("Cámbiate con «git switch %(branch)s»; si no te deja por los cambios, apúntalos o apártalos antes con «git stash».") % {
            "branch": wanted
        }
    if near := nearest(wanted, there):
        return _("Tienes la rama «%(near)s»: compara los nombres letra a letra.") % {"near": near}
    return _("Se crea con «git switch -c %(branch)s».") % {"branch": wanted}


def _describe(spec: GitSpec) -> str:
    parts = [_("el repositorio %(path)s") % {"path": spec.path}]
    if spec.rama:
        parts.append(_("en la rama «%(branch)s»") % {"branch": spec.rama})
    if spec.mensaje:
        parts.append(_("con un commit que diga «%(text)s»") % {"text": spec.mensaje})
    elif spec.commits > 1:
        parts.append(_("con %(count)d commits o más") % {"count": spec.commits})
    if spec.seguidos:
        parts.append(_("con %(files)s en el último commit") % {"files": listing(spec.seguidos, nothing="")})
    if spec.sin_seguir:
        parts.append(_("sin %(files)s") % {"files": listing(spec.sin_seguir, nothing="")})
    if spec.limpio:
        parts.append(_("sin nada por apuntar"))
    if spec.remotos:
        parts.append(_("con %(names)s de remoto") % {"names": listing(spec.remotos, nothing="")})
    return ", ".join(parts)
