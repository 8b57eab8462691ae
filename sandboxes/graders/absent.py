"""Why an image is not in an engine: what else there is that may tell. Shared by the kinds that look at images.

What is looked at: names that the machine asked the image mirror for in vain, Dockerfiles in the student's folder, and
containers. Each is a trace of another slip: a name that does not exist, a build that was not, a tag for a container.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from lessons.kinds import Evidence
from sandboxes.engine.student import StudentEngine
from sandboxes.graders.text import listing, missing_image_hint, nearest

_RECIPES = r"""
find /home/alumno -maxdepth 3 -not -path '*/.*' -type f -iname '*dockerfile*' 2>/dev/null | head -10 | while read -r file; do
  printf '%s\t' "$file"; grep -ih '^ *from ' "$file" 2>/dev/null | head -5 | tr '\n\t' '  '; echo
done; echo lab
"""
_FOLDER = "/home/alumno/"


class Around(Evidence):
    """What may tell why an image is not there."""

    missed: list[str] = []
    """Names that the machine asked the mirror for in vain, the last one first."""
    recipes: dict[str, str] = {}
    """Files that are, or should be, a Dockerfile → their FROM lines."""
    containers: list[str] = []


def look(engine: StudentEngine) -> Around:
    code, output = engine.run(["sh", "-c", _RECIPES], user="alumno")
    lines = output.decode(errors="replace").splitlines()
    pairs = [line.partition("\t") for line in lines[:-1]] if not code and lines[-1:] == ["lab"] else []
    names = [name.lstrip("/") for row in engine.listed() for name in row.get("Names") or [] if isinstance(name, str)]
    return Around(
        missed=engine.missed()[:10],
        recipes={file.removeprefix(_FOLDER)[:200]: bases[:300] for file, _tab, bases in pairs},
        containers=names[-20:],
    )


def pulled() -> str:
    """What a pull says of a name that does not exist: which part of it, can't be told from here."""
    return _(
        "Si al traerla dijo «manifest unknown», no existe esa etiqueta; si «pull access denied» o «lookup registry-1.docker.io», no existe"
        " ese nombre."
    )


def hint(wanted: str, tags: list[str], around: Around, *, same_as: str = "", built: bool = True) -> str:
    """What explains most; empty if nothing does. `same_as`: the image of which it should be another tag; `built`: whether it
    may have to be built."""
    return (
        missing_image_hint(wanted, tags)
        or _missed_hint(wanted, around.missed)
        or (_tag_hint(wanted, around, same_as) if same_as else _recipe_hint(wanted, around.recipes) if built else "")
    )


def _missed_hint(wanted: str, missed: list[str]) -> str:
    if wanted in missed:
        return ""
    repository = wanted.partition(":")[0]
    for name in missed:
        if name.partition(":")[0] == repository:
            return _(
                "Pediste «%(name)s», y de esa imagen no hay esa etiqueta («manifest unknown», o «lookup registry-1.docker.io»):"
                " es «%(image)s»."
            ) % {"name": name, "image": wanted}
    if near := nearest(wanted, missed) or next((name for name in missed if nearest(repository, [name.partition(":")[0]])), None):
        return _("Pediste «%(name)s», y no hay ninguna imagen que se llame así: es «%(image)s». Compara los nombres letra a letra.") % {
            "name": near,
            "image": wanted,
        }
    return ""


def _tag_hint(wanted: str, around: Around, same_as: str) -> str:
    said = _("Una etiqueta más se pone con «docker tag %(other)s %(image)s».") % {"other": same_as, "image": wanted}
    if around.containers:
        said += " " + _("Se etiqueta una imagen: %(names)s es un contenedor, y con su nombre dice «No such image».") % {
            "names": listing(around.containers[-1:], nothing="")
        }
    return said


def _recipe_hint(wanted: str, recipes: dict[str, str]) -> str:
    others = {file: bases for file, bases in recipes.items() if wanted not in bases.split()}
    for file in others:
        if file.rsplit("/", 1)[-1].lower() == "dockerfile.txt":
            return _("Tienes «%(file)s»: el fichero se llama Dockerfile, sin nada detrás. Cámbiale el nombre con «mv».") % {"file": file}
    if not others:
        return ""
    file = next(iter(others))
    folder, _slash, name = file.rpartition("/")
    option = "" if name == "Dockerfile" else f"-f {file} "
    return _(
        "Tienes «%(file)s», y ninguna imagen con ese nombre: docker build %(option)s-t %(image)s %(folder)s. Lo último es la carpeta; sin"
        " ella dice «requires exactly 1 argument», y si es otra, «open Dockerfile: no such file». %(pulled)s"
    ) % {"file": file, "option": option, "image": wanted, "folder": folder or ".", "pulled": pulled()}
