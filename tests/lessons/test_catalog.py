"""The course's files: the real ones load, and wrong ones are told with their place."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from lessons import catalog, faults, kinds
from lessons.catalog import CourseError, Exercise
from lessons.exercises import ExerciseFile
from lessons.sources import LOADER

COURSE = catalog.course()


def test_the_course_has_its_21_lessons_in_order() -> None:
    assert [lesson.number for lesson in COURSE.lessons] == list(range(1, 22))
    assert len({lesson.slug for lesson in COURSE.lessons}) == 21
    assert COURSE.title == "Docker Intensivo para DevOps y Desarrolladores"


def test_every_exercise_is_found_by_its_key() -> None:
    listed = [exercise for lesson in COURSE.lessons for exercise in lesson.exercises]
    assert len(listed) == len(COURSE.exercises) >= 3
    for found in listed:
        assert catalog.exercise(found.key) is found
        assert found.key == f"{found.course_slug}/{found.lesson_slug}/{found.slug}"
        assert found in COURSE.lesson(found.lesson_slug).exercises  # type: ignore[union-attr]


def test_unknown_names_are_nothing() -> None:
    assert catalog.exercise("docker-intensivo/hello-world/no") is None
    assert COURSE.lesson("no") is None


def test_lessons_with_exercises_are_written() -> None:
    assert [lesson.slug for lesson in COURSE.lessons if lesson.exercises and not lesson.written] == []


def test_no_folder_of_the_course_is_left_out() -> None:
    folder = catalog.CONTENT / COURSE.slug
    listed = {f"{lesson.number:02}-{lesson.slug}" for lesson in COURSE.lessons}
    assert {path.name for path in folder.iterdir() if path.is_dir()} <= listed
    on_disk = {path.parent.name for path in folder.glob("*/ejercicios/*/ejercicio.yaml")}
    assert on_disk == {exercise.slug for exercise in COURSE.exercises.values()}


@pytest.mark.parametrize("exercise", COURSE.exercises.values(), ids=COURSE.exercises)
def test_every_exercise_is_whole(exercise: Exercise) -> None:
    asks_only = all(check.tipo == "quiz" for check in exercise.checks)
    assert asks_only or len(exercise.mistakes) >= 3
    assert asks_only or len(exercise.solutions) >= 1
    assert exercise.text.strip()
    assert exercise.points == sum(check.puntos for check in exercise.checks) >= len(exercise.checks)
    assert {mistake.comprobacion for mistake in exercise.mistakes} <= {check.id for check in exercise.checks}
    assert all(mistake.mensaje.strip() and mistake.ordenes.strip() for mistake in exercise.mistakes)
    assert all(isinstance(check, kinds.get(check.tipo).spec) for check in exercise.checks)


CURSO = """\
titulo: Un curso
resumen: De prueba
lecciones:
  - carpeta: 01-primera
    titulo: La primera
    ejercicios: [uno]
  - carpeta: 02-segunda
    titulo: La segunda
"""
EJERCICIO = """\
titulo: Uno
resumen: De prueba
comprobaciones:
  - id: imagen
    tipo: image
    titulo: Está la imagen
    imagen: busybox:1.37
  - id: contenedor
    tipo: container
    titulo: Está el contenedor
    nombre: web
    puntos: 2
soluciones: ["true"]
errores:
  - {titulo: A, ordenes: a, comprobacion: imagen, mensaje: x}
  - {titulo: B, ordenes: b, comprobacion: imagen, mensaje: x}
  - {titulo: C, ordenes: c, comprobacion: contenedor, mensaje: x}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A course of two lessons and one exercise, without a fault."""
    folder = tmp_path / "prueba"
    exercise = folder / "01-primera" / "ejercicios" / "uno"
    exercise.mkdir(parents=True)
    (folder / "curso.yaml").write_text(CURSO)
    (folder / "01-primera" / "leccion.md").write_text("# Hola")
    (exercise / "ejercicio.yaml").write_text(EJERCICIO)
    (exercise / "enunciado.md").write_text("Haz algo.")
    return folder


def exercise_file(folder: Path) -> Path:
    return folder / "01-primera" / "ejercicios" / "uno" / "ejercicio.yaml"


def test_a_small_course_loads(folder: Path) -> None:
    course = catalog.load(folder)
    first, second = course.lessons
    assert (first.written, second.written) == (True, False)
    uno = course.exercises["prueba/primera/uno"]
    assert (uno.points, uno.minutes, uno.lab.disco, uno.lab.nodos) == (3, 10, "3G", ["lab"])


EVERYTHING = """\
titulo: Uno
resumen: De prueba
laboratorio: {nodos: [lab, servidor]}
valores:
  puerto: {numero: [8100, 8900]}
  color: {elige: [rojo, verde]}
  clave: {palabra: true}
ficheros:
  web/{{color}}.sh: |
    echo {{clave}}
preparar:
  servidor: docker network create {{color}}
pistas: ["Mira {{puerto}}", dos, tres]
comprobaciones:
  - id: web
    tipo: http
    titulo: Contesta en {{puerto}}
    puerto: "{{puerto}}"
  - id: pid
    tipo: command
    titulo: El proceso
    orden: docker inspect -f '{{.State.Pid}}' {{clave}}
    guarda: {pid: salida, fin: codigo}
  - id: fichero
    tipo: file
    titulo: Está apuntado
    ruta: "{{usuario}}.txt"
    texto: "{{pid}}"
soluciones: ["curl localhost:{{puerto}}"]
errores:
  - {titulo: A, ordenes: "a {{clave}}", comprobacion: web, mensaje: "no {{color}}"}
  - {titulo: B, ordenes: b, comprobacion: web, mensaje: x}
  - {titulo: C, ordenes: c, comprobacion: pid, mensaje: x}
"""


def test_values_come_wherever_they_are_asked_for(folder: Path) -> None:
    exercise_file(folder).write_text(EVERYTHING)
    exercise_file(folder).with_name("enunciado.md").write_text("El puerto es {{ puerto }}; usa `{{.ID}}`.")
    loaded = catalog.load(folder).exercises["prueba/primera/uno"]
    assert loaded.varies
    uno = loaded.bound({"puerto": "8417", "color": "verde", "clave": "faro", "usuario": "ana"})
    assert uno.text == "El puerto es 8417; usa `{{.ID}}`."
    assert uno.files == {"web/verde.sh": "echo faro\n"}
    assert uno.preparation == {"servidor": "docker network create verde"}
    assert uno.hints[0] == "Mira 8417"
    assert uno.solutions == ("curl localhost:8417",)
    assert (uno.mistakes[0].ordenes, uno.mistakes[0].mensaje) == ("a faro", "no verde")
    web, pid, file = uno.checks
    assert (web.titulo, web.model_dump()["puerto"]) == ("Contesta en 8417", 8417)
    assert pid.model_dump()["orden"] == "docker inspect -f '{{.State.Pid}}' faro"
    assert file.awaited() == ["pid"]
    assert file.completed({"pid": "77"}).model_dump()["texto"] == "77"
    assert file.model_dump()["ruta"] == "ana.txt"


def test_another_folder_is_the_course_when_the_setting_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "ENV", settings.ENV.model_copy(update={"course_dir": str(folder)}))
    assert catalog.home() == folder
    assert catalog.home("docker-intensivo") == catalog.CONTENT / "docker-intensivo"


def told(folder: Path) -> list[tuple[str, int, str]]:
    """What loading a wrong course says: file, line and message of each fault."""
    with pytest.raises(CourseError) as error:
        catalog.load(folder)
    said = []
    for line in str(error.value).splitlines():
        place = re.match(r"(/\S+?):(\d+): (.+)", line)
        assert place, f"no file and line in: {line}"
        said.append((str(Path(place[1]).relative_to(folder)), int(place[2]), place[3]))
    return said


EXERCISE = "01-primera/ejercicios/uno/ejercicio.yaml"
FAULTS: dict[str, tuple[str, str, str, int, str]] = {
    "bad YAML": (EXERCISE, "resumen: De prueba", "resumen: [De prueba", 2, "este corchete no se cierra"),
    "bad YAML in the course": ("curso.yaml", "titulo: La segunda", "titulo: La: segunda", 8, "YAML mal escrito: sobran dos puntos"),
    "unknown kind": (
        EXERCISE,
        "tipo: container",
        "tipo: adivinar",
        9,
        "no hay comprobaciones de tipo «adivinar»; las hay de all, any",
    ),
    "no kind": (EXERCISE, "    tipo: container\n", "", 8, "no hay comprobaciones de tipo"),
    "unknown key of a check": (EXERCISE, "nombre: web", "nonbre: web", 11, "comprobaciones.1.nonbre: no hay ningún campo que se llame así"),
    "key of another kind": (EXERCISE, "imagen: busybox:1.37", "desde: web", 7, "comprobaciones.0.desde"),
    "unknown key": (EXERCISE, "resumen: De prueba", "resumen: De prueba\nautor: yo", 3, "autor"),
    "missing key": (EXERCISE, "resumen: De prueba\n", "", 1, "resumen: falta"),
    "wrong type": (EXERCISE, "puntos: 2", "puntos: dos", 12, "comprobaciones.1.puntos: ha de ser un número entero"),
    "two mistakes": (EXERCISE, "  - {titulo: C, ordenes: c, comprobacion: contenedor, mensaje: x}\n", "", 14, "errores"),
    "no solutions": (EXERCISE, 'soluciones: ["true"]', "soluciones: []", 13, "soluciones"),
    "a disk of another size": (
        EXERCISE,
        "comprobaciones:",
        "laboratorio: {disco: 5G}\ncomprobaciones:",
        3,
        "«5G» no vale; ha de ser 1G, 3G o 8G",
    ),
    "a greedy lab": (
        EXERCISE,
        "comprobaciones:",
        "laboratorio:\n  memoria: 99999\ncomprobaciones:",
        4,
        "99999 es demasiado: 4096 como máximo",
    ),
    "an odd folder": ("curso.yaml", "carpeta: 02-segunda", "carpeta: Segunda", 7, "lecciones.1.carpeta"),
    "no lessons": ("curso.yaml", CURSO[CURSO.index("lecciones") :], "lecciones: []\n", 3, "lecciones"),
    "a later requirement": (EXERCISE, "    puntos: 2", "    requiere: [otra]", 12, "«contenedor» requiere «otra»"),
    "an odd key of a part": (
        EXERCISE,
        "    puntos: 2",
        "  - id: uno-u-otro\n    tipo: any\n    titulo: x\n    de:\n      - tipo: container\n        raro: 1",
        17,
        "comprobaciones.2.de.0.raro",
    ),
    "an unknown value": (EXERCISE, "nombre: web", 'nombre: "{{puerto}}"', 11, "no hay ningún valor «puerto»; los hay: usuario"),
    "an unknown value in a text": ("01-primera/ejercicios/uno/enunciado.md", "Haz algo.", "Haz\n\nesto: {{ puerto }}", 3, "«puerto»"),
    "an unknown value, inside a block": (EXERCISE, 'soluciones: ["true"]', "soluciones:\n  - |\n    ls\n    echo {{no}}", 16, "«no»"),
    "a value in a title": (EXERCISE, "titulo: Uno", "titulo: '{{usuario}}'", 1, "aquí no puede ir «{{usuario}}»"),
    "a value drawn in two ways": (
        EXERCISE,
        "comprobaciones:",
        "valores:\n  n: {numero: [1, 2], palabra: true}\ncomprobaciones:",
        4,
        "una sola",
    ),
    "a number the wrong way round": (EXERCISE, "comprobaciones:", "valores:\n  n: {numero: [9, 2]}\ncomprobaciones:", 4, "menor"),
    "a value called as ours": (
        EXERCISE,
        "comprobaciones:",
        "valores:\n  usuario: {palabra: true}\ncomprobaciones:",
        4,
        "no puede llamarse",
    ),
    "a value that does not suit": (
        EXERCISE,
        "    puntos: 2",
        '    puntos: "{{n}}"\nvalores: {n: {elige: [1, dos]}}',
        12,
        "comprobaciones.1.puntos",
    ),
    "an absolute path": (EXERCISE, "comprobaciones:", "ficheros:\n  /etc/passwd: x\ncomprobaciones:", 4, "no es una ruta dentro"),
    "a path that climbs": (EXERCISE, "comprobaciones:", "ficheros:\n  a/../../b: x\ncomprobaciones:", 4, "no es una ruta dentro"),
    "two hints": (EXERCISE, "comprobaciones:", "pistas: [a, b]\ncomprobaciones:", 3, "hay 2 pistas y han de ser tres"),
    "an unknown node prepared": (EXERCISE, "comprobaciones:", "preparar: {otro: ls}\ncomprobaciones:", 3, "no hay ningún nodo «otro»"),
    "a kind that keeps nothing": (
        EXERCISE,
        "comprobaciones:",
        "comprobaciones:\n  - {id: z, tipo: all, titulo: x, guarda: cosa, de: [{tipo: image, imagen: a}]}",
        4,
        "no guarda nada",
    ),
    "what a kind does not keep": (EXERCISE, "    puntos: 2", "    guarda: {a: cosa}", 12, "puede guardar nombre, id, pid"),
    "a kept value before its time": (
        EXERCISE,
        "    nombre: web\n    puntos: 2",
        '    nombre: "{{pid}}"\n  - {id: c, tipo: command, titulo: x, orden: ls, guarda: pid}',
        11,
        "solo en las comprobaciones que siguen",
    ),
    "an empty file": (EXERCISE, EJERCICIO, "", 1, "fichero"),
    "a list": (EXERCISE, EJERCICIO, "- a\n- b\n", 1, "fichero"),
}


@pytest.mark.parametrize(("file", "old", "new", "line", "message"), FAULTS.values(), ids=FAULTS)
def test_faults_are_told_with_file_and_line(folder: Path, file: str, old: str, new: str, line: int, message: str) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    faults = told(folder)
    assert any(fault[:2] == (file, line) and message in fault[2] for fault in faults), faults


def test_every_fault_of_a_file_is_told_at_once(folder: Path) -> None:
    path = exercise_file(folder)
    path.write_text(path.read_text().replace("resumen: De prueba", "minutos: 0\npistas: 3"))
    assert {message.split(":")[0] for _, _, message in told(folder)} == {"resumen", "minutos", "pistas"}


def test_one_id_for_two_checks_is_told(folder: Path) -> None:
    path = exercise_file(folder)
    path.write_text(EJERCICIO.replace("id: contenedor", "id: imagen").replace("comprobacion: contenedor", "comprobacion: imagen"))
    with pytest.raises(CourseError, match="ya hay una comprobación") as error:
        catalog.load(folder)
    assert str(path) in str(error.value)


def test_a_mistake_about_an_unknown_check_is_told(folder: Path) -> None:
    path = exercise_file(folder)
    path.write_text(EJERCICIO.replace("comprobacion: contenedor", "comprobacion: contendor"))
    with pytest.raises(CourseError, match="«C» habla de «contendor», que no es ninguna comprobación") as error:
        catalog.load(folder)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("name", ["enunciado.md", "ejercicio.yaml"])
def test_a_missing_file_is_told(folder: Path, name: str) -> None:
    missing = exercise_file(folder).with_name(name)
    missing.unlink()
    with pytest.raises(CourseError, match="falta el") as error:
        catalog.load(folder)
    assert str(missing) in str(error.value)


def test_a_folder_without_a_course_is_told(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=re.escape(str(tmp_path / "curso.yaml"))):
        catalog.load(tmp_path)


def test_a_lesson_out_of_order_is_told(folder: Path) -> None:
    (folder / "curso.yaml").write_text(CURSO.replace("02-segunda", "03-segunda"))
    with pytest.raises(CourseError, match="«03-segunda» es la lección 2"):
        catalog.load(folder)


def _same_id(folder: Path) -> None:
    exercise_file(folder).write_text(
        EJERCICIO.replace("id: contenedor", "id: imagen").replace("comprobacion: contenedor", "comprobacion: imagen")
    )


def _lost_mistake(folder: Path) -> None:
    exercise_file(folder).write_text(EJERCICIO.replace("comprobacion: contenedor", "comprobacion: contendor"))


def _out_of_order(folder: Path) -> None:
    (folder / "curso.yaml").write_text(CURSO.replace("02-segunda", "03-segunda"))


def _exercise_twice(folder: Path) -> None:
    (folder / "curso.yaml").write_text(CURSO.replace("[uno]", "[uno, uno]"))


def _lesson_twice(folder: Path) -> None:
    (folder / "curso.yaml").write_text(CURSO.replace("02-segunda", "02-primera"))
    shutil.copytree(folder / "01-primera", folder / "02-primera")


def _not_utf8(folder: Path) -> None:
    exercise_file(folder).write_bytes(EJERCICIO.replace("Está", "Est\udce1").encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    "spoil",
    [_same_id, _lost_mistake, _out_of_order, _exercise_twice, _lesson_twice, _not_utf8],
    ids=lambda spoil: spoil.__name__.strip("_"),
)
def test_faults_between_parts_are_told_with_file_and_line(folder: Path, spoil: Callable[[Path], None]) -> None:
    spoil(folder)
    assert told(folder)


BROKEN = {
    "a: b: c": "sobran dos puntos",
    "a:\n\t- b": "un tabulador",
    "a: 'x\n\n": "estas comillas no se cierran",
    "a:\n  - b\n c: d": "mira el sangrado",
    "- a\n - b\nc: d": "otro sangrado",
    "- a\n-c\n": "a un guion su espacio",
    "a: {b: 1": "esta llave no se cierra",
    "a: *x": "empieza por *",
    "a: {{x}}": "empieza por {{",
    'a: "\\d"': "barra invertida",
    "a: 1\n---\nb: 2": "un solo documento",
    "a:\n  - b: 1\n\tc: 2": "un tabulador no sangra",
    "a: >\n b\n\tc: 1": "un tabulador no sangra",
    "a: - b": "línea suya",
    "a: |x\n  b": "línea siguiente",
    "a: &": "empieza por &",
}


@pytest.mark.parametrize("source", BROKEN)
def test_what_is_no_yaml_is_said_in_the_authors_words(source: str) -> None:
    with pytest.raises(yaml.YAMLError) as error:
        yaml.load(source, LOADER)  # noqa: S506  # a safe loader
    line, said = faults.of_yaml(error.value)
    assert BROKEN[source] in said
    assert 1 <= line <= source.count("\n") + 1


def test_no_fault_of_an_exercise_is_said_in_english() -> None:
    """Every field of the file and of each kind of check, with a value of each wrong type."""
    said = set()
    for model in [ExerciseFile, *(kinds.get(name).spec for name in kinds.names())]:
        for name, field in model.model_fields.items():
            for value in (None, 3.5, "ñ?", [], {}, [None], {"ñ": None}, -1, 10**9, [1] * 20):
                try:
                    model.model_validate({field.alias or name: value, "raro": 1})
                except ValidationError as error:
                    said |= {faults.of_value(fault) for fault in error.errors()}
    assert len(said) > 20
    assert [text for text in said if re.search(r"\b(should|input|must|valid|required|permitted|the)\b", text, re.IGNORECASE)] == []
