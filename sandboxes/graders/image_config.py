"""What `image` says of what an image brings, and of how it came to be: ENTRYPOINT, USER, labels, size, origin…

Pure: what is wanted against what was seen gives a fault, as (expected, observed, hint), or none.
"""

from __future__ import annotations

import posixpath
from typing import Annotated, Literal

from django.utils.translation import gettext as _
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lessons.kinds import Evidence, NotEnoughEvidence
from sandboxes.engine.student import HistoryRow, ImageFacts
from sandboxes.graders import pairs
from sandboxes.graders.text import a_size, command_line, in_bytes, in_words, is_user, listing, same_command

Fault = tuple[str, str, str]

ORIGINS = {
    "build": "se construyó con «docker build»",
    "commit": "se hizo con «docker commit»",
    "import": "se hizo con «docker import»",
    "pull": "se trajo con «docker pull»",
}


class Wanted(BaseModel):
    """Fields of the specification, most of them written as a Dockerfile does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    imagen: str
    entrypoint: list[str] | None = None
    usuario: str = ""
    env: pairs.Pairs = {}
    carpeta: str = ""
    puertos: list[Annotated[str, Field(pattern=r"^\d{1,5}(/(tcp|udp))?$")]] = []
    etiquetas: dict[str, str | None] = {}
    healthcheck: bool | None = None
    tamano_maximo: Annotated[str, AfterValidator(lambda size: a_size(size) if size else size)] = ""
    creada_por: Literal["", "build", "commit", "import", "pull"] = ""
    arquitectura: str = ""
    autor: str = ""


class Config(Evidence):
    """What the image brings, as far as this check cares."""

    entrypoint: list[str]
    user: str
    env: pairs.Pairs
    folder: str
    ports: list[str]
    labels: pairs.Pairs
    healthcheck: bool
    size: int
    origins: list[str]
    """How it may have come to be; more than one where the engine keeps no difference."""
    architecture: str | None = None
    author: str | None = None
    """None in what was seen before these two were looked at."""


def see(wanted: Wanted, found: ImageFacts, history: list[HistoryRow]) -> Config:
    return Config(
        entrypoint=found.entrypoint,
        user=found.user,
        env=pairs.see(wanted.env, found.env),
        folder=found.folder,
        ports=found.ports[:20],
        labels=pairs.see(wanted.etiquetas, found.labels),
        healthcheck=found.healthcheck,
        size=found.size,
        origins=origins(found, history),
        architecture=found.architecture[:50],
        author=found.author[:200],
    )


def origins(image: ImageFacts, history: list[HistoryRow]) -> list[str]:
    """How an image may have come to be, from the traces that engine 26 leaves."""
    newest = history[0] if history else HistoryRow()
    if image.comment.startswith("Imported from") or newest.comment.startswith("Imported from"):
        return ["import"]
    if image.parent:
        # The old builder has a parent too; of its RUN and of a commit of `sh -c …` the same row is left.
        if newest.created_by.startswith("/bin/sh -c #(nop)"):
            return ["build"]
        return ["build", "commit"] if newest.created_by.startswith("/bin/sh -c") else ["commit"]
    built = newest.comment.startswith("buildkit.dockerfile")
    if not image.digests:
        return ["build"] if built else []
    # Pushing leaves a digest as pulling does, but only to a registry with a host's name.
    pushed = any("." in digest.split("/")[0] or ":" in digest.split("/")[0] for digest in image.digests if "/" in digest)
    return ["build", "pull"] if built and pushed else ["pull"]


def fault(wanted: Wanted, found: Config | None) -> Fault | None:
    """The first thing that is not as asked. `found` is None in evidence from before this was looked at."""
    if found is None:
        if any(not field.is_required() and getattr(wanted, name) != field.default for name, field in Wanted.model_fields.items()):
            raise NotEnoughEvidence
        return None
    looks = (_origin, _entrypoint, _user_and_folder, _env_and_labels, _ports, _healthcheck, _architecture_and_author, _size)
    return next((said for look in looks if (said := look(wanted, found))), None)


def _origin(wanted: Wanted, found: Config) -> Fault | None:
    if wanted.creada_por and wanted.creada_por not in found.origins:
        said = [ORIGINS[origin] for origin in found.origins]
        return (
            _("una imagen que %(how)s") % {"how": ORIGINS[wanted.creada_por]},
            said[0] if said else _("no se sabe cómo se hizo"),
            _origin_hint(wanted),
        )
    return None


def _entrypoint(wanted: Wanted, found: Config) -> Fault | None:
    if wanted.entrypoint is not None and not same_command(wanted.entrypoint, found.entrypoint):
        hint = (
            _('Escribe ENTRYPOINT ["programa", "argumento"] con corchetes y comillas dobles: sin ellos, lo ejecuta /bin/sh -c.')
            if found.entrypoint[:2] == ["/bin/sh", "-c"]
            else _("Lo pone la última instrucción ENTRYPOINT del Dockerfile.")
        )
        return (
            _("su ENTRYPOINT es «%(words)s»") % {"words": command_line(wanted.entrypoint)},
            _("es «%(words)s»") % {"words": command_line(found.entrypoint)} if found.entrypoint else _("no tiene"),
            hint,
        )
    return None


def _user_and_folder(wanted: Wanted, found: Config) -> Fault | None:
    user, folder = is_user(wanted.usuario, found.user), posixpath.normpath(wanted.carpeta) == posixpath.normpath(found.folder)
    for word, asked, seen, right in (("USER", wanted.usuario, found.user, user), ("WORKDIR", wanted.carpeta, found.folder, folder)):
        if asked and not right:
            hint = _("Un comentario al final de la línea pasa a formar parte del valor: ponlo en una línea aparte.") if "#" in seen else ""
            return (
                _("%(word)s es «%(value)s»") % {"word": word, "value": asked},
                _("es «%(value)s»") % {"value": seen[:100]} if seen else _("no tiene"),
                hint or _("Lo pone la última instrucción %(word)s del Dockerfile.") % {"word": word},
            )
    return None


def _env_and_labels(wanted: Wanted, found: Config) -> Fault | None:
    for word, asked, have in (("ENV", wanted.env, found.env), ("LABEL", wanted.etiquetas, found.labels)):
        for name, value in asked.items():
            seen = pairs.value(name, have)
            if seen is None or (value is not None and seen != value):
                return (
                    f"{word} {name}" if value is None else f"{word} {name}={value}",
                    _("no está") if seen is None else _("vale «%(value)s»") % {"value": seen[:100]},
                    _("Se escribe «%(word)s NOMBRE=valor» en el Dockerfile; si el valor tiene espacios, entre comillas dobles.")
                    % {"word": word},
                )
    return None


def _ports(wanted: Wanted, found: Config) -> Fault | None:
    for port in wanted.puertos:
        if (port if "/" in port else f"{port}/tcp") not in found.ports:
            return (
                _("anuncia el puerto %(port)s") % {"port": port},
                _("anuncia %(ports)s") % {"ports": listing(found.ports, nothing="")} if found.ports else _("no anuncia ninguno"),
                _("Se anuncia con EXPOSE %(port)s en el Dockerfile; para publicarlo hace falta además -p al crear el contenedor.")
                % {"port": port},
            )
    return None


def _healthcheck(wanted: Wanted, found: Config) -> Fault | None:
    if wanted.healthcheck is not None and wanted.healthcheck != found.healthcheck:
        return (
            _("con HEALTHCHECK") if wanted.healthcheck else _("sin HEALTHCHECK"),
            _("tiene") if found.healthcheck else _("no tiene"),
            _("Se escribe «HEALTHCHECK CMD orden» en el Dockerfile: 0 es sano y 1 es enfermo.")
            if wanted.healthcheck
            else _("Quita la instrucción HEALTHCHECK o pon HEALTHCHECK NONE."),
        )
    return None


def _architecture_and_author(wanted: Wanted, found: Config) -> Fault | None:
    for asked_for, known, word, advice in (
        (
            wanted.arquitectura,
            found.architecture,
            _("su arquitectura"),
            _("Se elige al construir o al traerla, con --platform linux/%(value)s."),
        ),
        (wanted.autor, found.author, _("su autor"), _("Se pone con «docker commit --author» («-a»).")),
    ):
        if asked_for and known is None:
            raise NotEnoughEvidence
        if asked_for and asked_for != known:
            return (
                _("%(word)s es «%(value)s»") % {"word": word, "value": asked_for},
                _("es «%(value)s»") % {"value": known} if known else _("no tiene"),
                advice % {"value": asked_for},
            )
    return None


def _size(wanted: Wanted, found: Config) -> Fault | None:
    if wanted.tamano_maximo and found.size > in_bytes(wanted.tamano_maximo):
        return (
            _("ocupa %(size)s como mucho") % {"size": in_words(in_bytes(wanted.tamano_maximo))},
            _("ocupa %(size)s") % {"size": in_words(found.size)},
            _("Mira qué capa pesa con «docker history %(image)s». Lo que una capa borra sigue en la anterior: bórralo en el mismo RUN.")
            % {"image": wanted.imagen},
        )
    return None


def _origin_hint(wanted: Wanted) -> str:
    match wanted.creada_por:
        case "build":
            return _("Constrúyela desde un Dockerfile con «docker build -t %(image)s .».") % {"image": wanted.imagen}
        case "commit":
            return _("Se hace de un contenedor: docker commit CONTENEDOR %(image)s.") % {"image": wanted.imagen}
        case "import":
            return _("Se hace de un fichero de «docker export»: docker import FICHERO %(image)s.") % {"image": wanted.imagen}
        case _:
            return _("Se trae de un registro: docker pull %(image)s.") % {"image": wanted.imagen}
