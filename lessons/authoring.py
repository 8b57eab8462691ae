"""Writes a working start of a lesson or an exercise into a course's folder, and its line into curso.yaml.

The rest of curso.yaml, comments included, stays as its author left it.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from lessons import catalog
from lessons.sources import CourseError, line_of, lines_of

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
COURSE_START = """\
titulo: {title}
resumen: De qué trata y qué se sabrá al acabarlo.
lecciones:
"""
LESSON_START = """\
---
minutos: 20
objetivos:
  - Decir qué imagen usa un contenedor
antes: []
lecturas:
  - titulo: Documentación de Docker
    url: https://docs.docker.com/
repaso:
  - pregunta: ¿Qué queda de un contenedor cuando su proceso termina?
    respuesta: El contenedor parado, con lo que escribió, hasta que se borra.
---

Un contenedor vive lo que vive su primer proceso.

::: predice
¿Seguirá en marcha este contenedor dentro de un minuto?

---

No: su proceso escribe y termina.
:::

```terminal
$ docker run busybox:1.37 echo hola
hola
```

::: resumen
- `docker run` crea un contenedor y lo arranca.
:::
"""
STATEMENT_START = """\
1. Crea un contenedor de `busybox:1.37` que se llame `{{nombre}}`.
2. Que escriba tu nombre de usuario, `{{usuario}}`.
"""
EXERCISE_START = """\
titulo: {title}
resumen: Qué se practica, en una frase.
minutos: 10
valores:
  nombre: {{palabra: true}}
pistas:
  - Mira qué contenedores tienes, también los parados, con `docker ps -a`.
  - El nombre se elige al crearlo, con `--name`.
  - "`docker run --name … busybox:1.37 echo …`"
comprobaciones:
  - id: contenedor
    tipo: container
    titulo: «{{{{nombre}}}}» ha escrito tu nombre
    nombre: "{{{{nombre}}}}"
    imagen: busybox:1.37
    estado: exited
    codigo: 0
    salida: "{{{{usuario}}}}"
soluciones:
  - |
    docker run --name {{{{nombre}}}} busybox:1.37 echo {{{{usuario}}}}
errores:
  - titulo: Sin nombre
    ordenes: |
      docker run busybox:1.37 echo {{{{usuario}}}}
    comprobacion: contenedor
    mensaje: Docker le puso el nombre
  - titulo: El nombre, después de la imagen
    ordenes: |
      docker run busybox:1.37 --name {{{{nombre}}}} echo {{{{usuario}}}}
    comprobacion: contenedor
    mensaje: antes de la imagen
  - titulo: Todo entre comillas
    ordenes: |
      docker run --name {{{{nombre}}}} busybox:1.37 "echo {{{{usuario}}}}"
    comprobacion: contenedor
    mensaje: no llegó a arrancar
"""


def new_lesson(course: Path, *, slug: str, title: str) -> Path:
    """Add a lesson at the end of a course (a new one if the folder has none); the file to go on with. Raises CourseError."""
    _check_slug(slug)
    _check_slug(course.resolve().name)
    index = course / "curso.yaml"
    if not index.exists():
        course.mkdir(parents=True, exist_ok=True)
        index.write_text(COURSE_START.format(title=_quoted(course.resolve().name.replace("-", " ").capitalize())), encoding="utf-8")
        number = 1
    else:
        loaded = catalog.load(course)
        number = len(loaded.lessons) + 1
        if loaded.lesson(slug):
            raise CourseError(f"{index}:1: ya hay una lección «{slug}».")
    folder = f"{number:02}-{slug}"
    text = index.read_text(encoding="utf-8").rstrip("\n")
    index.write_text(f"{text}\n  - carpeta: {folder}\n    titulo: {_quoted(title)}\n", encoding="utf-8")
    lesson = course / folder / "leccion.md"
    _write(lesson, LESSON_START)
    catalog.load(course)
    return lesson


def new_exercise(course: Path, *, lesson: str, slug: str, title: str) -> Path:
    """Add an exercise, which works and can be proven as it is, at the end of a lesson; the file to go on with."""
    _check_slug(slug)
    loaded = catalog.load(course)
    found = loaded.lesson(lesson)
    if found is None:
        there = ", ".join(each.slug for each in loaded.lessons)
        raise CourseError(f"{course / 'curso.yaml'}:1: no hay ninguna lección «{lesson}»; las hay: {there}.")
    home = course / f"{found.number:02}-{found.slug}"
    folder = home / "ejercicios" / slug
    _write(folder / "ejercicio.yaml", EXERCISE_START.format(title=_quoted(title)))
    _write(folder / "enunciado.md", STATEMENT_START)
    _list_exercise(course / "curso.yaml", position=found.number - 1, slugs=[*(each.slug for each in found.exercises), slug])
    catalog.load(course)
    return folder / "ejercicio.yaml"


def _list_exercise(index: Path, *, position: int, slugs: list[str]) -> None:
    """Write a lesson's list of exercises in place of the one it has."""
    lines, places = index.read_text(encoding="utf-8").splitlines(), lines_of(index)
    here = ("lecciones", position)
    indent = " " * (len(lines[line_of(places, here) - 1]) - len(lines[line_of(places, here) - 1].lstrip(" -")))
    listed = f"{indent}ejercicios: [{', '.join(slugs)}]"
    start = places.get((*here, "ejercicios"))
    if start is None:
        # After the entry's last key, wherever its value ends.
        later = [line for where, line in places.items() if len(where) == 2 and where[0] == "lecciones" and line > line_of(places, here)]
        at = (min(later) if later else len(lines) + 1) - 1
        while not lines[at - 1].strip() or lines[at - 1].lstrip().startswith("#"):
            at -= 1
        lines.insert(at, listed)
    else:
        last = max(line for where, line in places.items() if where[:3] == (*here, "ejercicios"))
        while "[" in lines[start - 1] and "]" not in lines[last - 1]:
            last += 1
        lines[start - 1 : last] = [listed]
    index.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _check_slug(slug: str) -> None:
    if not SLUG.fullmatch(slug):
        raise CourseError(f"«{slug}» no vale de nombre: letras minúsculas sin acentos, cifras y guiones, como «mi-primer-contenedor».")


def _quoted(text: str) -> str:
    """A text as YAML writes it, in one line."""
    return yaml.safe_dump(text, allow_unicode=True, width=10_000).splitlines()[0]


def _write(path: Path, text: str) -> None:
    if path.exists():
        raise CourseError(f"{path}:1: ya existe; no se toca.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
