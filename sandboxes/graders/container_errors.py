"""Why a container did not start or ended badly, by the messages of engine 26 and of what it said last. Pure."""

from __future__ import annotations

from django.utils.translation import gettext as _


def explain(said: str, command: list[str], code: int) -> str:
    """One or two sentences in plain Spanish; empty for what says nothing. Causes that look the same are both told."""
    if "port is already allocated" in said or "address already in use" in said:
        return _("Ese puerto de tu máquina ya lo usa otro: mira cuál con «docker ps», y páralo o elige otro puerto.")
    if "unable to find user" in said:
        if "#" in said:
            return _("El usuario lleva un comentario detrás: en USER, # no empieza un comentario. Ponlo en una línea aparte.")
        return _("Ese usuario no está en la imagen: créalo con RUN useradd antes de USER.")
    if "[" in said and ": not found" in said and command[:2] == ["/bin/sh", "-c"] and command[2:3] and command[2].startswith("["):
        return _('La lista de CMD va entre comillas simples y no vale: escribe CMD ["orden", "argumento"], con comillas dobles.')
    if "exec format error" in said:
        return _("A ese guion le falta la primera línea, #!/bin/sh; o el programa es de otra arquitectura.")
    if "executable file not found" in said:
        if len(command) == 1 and " " in command[0]:
            return _("Toda la orden va entre comillas y Docker la toma por el nombre de un programa: entrecomilla solo el texto.")
        return _("En esa imagen no hay ningún programa con ese nombre: muchas no traen «bash», pero sí «sh».")
    if "no such file or directory" in said and ("exec " in said or "exec:" in said):
        return _("Ese programa no está en la imagen; o está, y sus líneas acaban como en Windows: quítalo con sed -i 's/\\r$//'.")
    if "permission denied" in said.lower() and (code in (126, 127) or "exec" in said):
        return _("El programa no tiene permiso de ejecución: dáselo con «chmod +x» y construye de nuevo la imagen.")
    if "Cannot link to a non running container" in said:
        return _("Un enlace necesita en marcha al otro contenedor: arráncalo antes.")
    if "not a directory" in said and "mount" in said:
        return _("Con -v se monta un fichero sobre una carpeta, o al revés: mira qué hay a cada lado de los dos puntos.")
    if code == 137:
        return _(
            "Lo mató una señal: «docker kill», un «docker stop» tras diez segundos, o le faltó memoria (OOMKilled en «docker inspect»)."
        )
    return ""
