"""What lint_course says of texts, with file and line; new_lesson and new_exercise; the author's guide; the preview."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.test import Client

from lessons import catalog, kinds
from lessons.authoring import EXERCISE_START, new_exercise, new_lesson
from lessons.exercises import ExerciseFile, load_exercise
from lessons.lint import lint
from lessons.sources import CourseError
from lessons.values import fill_all

TODAY = date(2026, 11, 27)
GUIDE = (Path(__file__).parents[2] / "docs" / "autoria.md").read_text()


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """What an author has after the guide's first step."""
    folder = tmp_path / "mi-curso"
    new_lesson(folder, slug="primeros-pasos", title="Primeros pasos: uno")
    new_exercise(folder, lesson="primeros-pasos", slug="tu-nombre", title="Tu nombre")
    return folder


def lesson_file(course: Path) -> Path:
    return course / "01-primeros-pasos" / "leccion.md"


def test_what_the_commands_write_has_nothing_wrong(course: Path) -> None:
    assert lint(course, today=TODAY) == []
    loaded = catalog.load(course)
    assert loaded.exercises["mi-curso/primeros-pasos/tu-nombre"].hints
    assert loaded.lessons[0].title == "Primeros pasos: uno"


def test_lessons_and_exercises_are_added_and_the_rest_stays(course: Path) -> None:
    index = course / "curso.yaml"
    listed = "    ejercicios: # los de aquí\n      - tu-nombre\n"
    index.write_text(index.read_text().replace("    ejercicios: [tu-nombre]", listed) + "# fin\n")
    new_lesson(course, slug="segunda", title="Segunda")
    new_exercise(course, lesson="primeros-pasos", slug="otro", title="Otro")
    new_exercise(course, lesson="segunda", slug="tercero", title="Tercero")
    text = index.read_text()
    assert "ejercicios: [tu-nombre, otro]" in text
    assert "# fin" in text
    loaded = catalog.load(course)
    assert list(loaded.exercises) == ["mi-curso/primeros-pasos/tu-nombre", "mi-curso/primeros-pasos/otro", "mi-curso/segunda/tercero"]


@pytest.mark.parametrize(
    ("lesson", "slug", "said"),
    [
        ("primeros-pasos", "tu-nombre", "ya existe"),
        ("nada", "x", "no hay ninguna lección «nada»"),
        ("primeros-pasos", "Á", "no vale de nombre"),
    ],
)
def test_a_start_that_cannot_be_written_is_told(course: Path, lesson: str, slug: str, said: str) -> None:
    before = (course / "curso.yaml").read_text()
    with pytest.raises(CommandError, match=said):
        call_command("new_exercise", lesson, slug, "X", "--curso", str(course))
    with pytest.raises(CommandError, match="ya hay una lección"):
        call_command("new_lesson", "primeros-pasos", "X", "--curso", str(course))
    assert (course / "curso.yaml").read_text() == before


TEXTS = {
    "a broken link": ("[x](no-esta.md)", "«no-esta.md» no existe", False),
    "a page that is not": ("[x](/curso/mi-curso/nada/)", "no es ninguna página", False),
    "another scheme": ("[x](ftp://a/b)", "son a https", False),
    "a figure that is not": ("![capas](figuras/capas.svg)", "figuras/capas.svg» no existe", False),
    "a figure without a text": ("![](leccion.md)", "no tiene texto alternativo", False),
    "an unknown term": ("una [[capa|capas]]", "«capa» no está en el glosario", False),
    "an old sentence": ('::: version fecha=2025-10 fuente="https://x"\nhola\n:::', "hace más de un año", True),
    "a sentence without a date": ("::: version\nhola\n:::", "lleva «fecha=", False),
    "an odd month": ('::: version fecha=2026-13 fuente="x"\n:::', "no hay mes", False),
    "an open box": ("::: aviso\nhola", "no se cierra: falta «:::»", False),
    "a box that closes nothing": (":::", "no cierra ningún recuadro", False),
    "a box that is none": ("::: nota\nx\n:::", "no hay recuadros «nota»", False),
    "a question without an answer": ("::: predice\n¿Qué?\n:::", "le falta su respuesta", False),
    "an error without its message": ("::: error\nx\n:::", "lleva su mensaje", False),
    "a machine's box without a condition": ("::: maquina\nx\n:::", "dice dónde es verdad", False),
    "a fact that is none": ("::: maquina motro<29\nx\n:::", "no hay ningún dato «motro»", False),
    "a condition that is none": ("::: maquina motor\nx\n:::", "no es una condición", False),
    "an old machine's box": ('::: maquina cgroup=1 fecha=2025-10 fuente="https://x"\nx\n:::', "hace más de un año", True),
    "a machine's box without its source": ("::: maquina cgroup=1 fecha=2026-10\nx\n:::", "«fecha=2026-11» y «fuente=", False),
    "a box with more": ("::: aviso mucho\nx\n:::", "no lleva nada más", False),
    "a block with more": ("```terminal nodos=a\n$ ls\n```", "no lleva «nodos=a»", False),
    "a block without a command": ("```terminal\nls\n```", "lleva alguna orden", False),
    "a figure from outside": ("![x](https://x.org/a.png)", "nada se pide fuera", False),
    "an open block": ("```terminal\n$ ls", "el bloque de código no se cierra", False),
}


@pytest.mark.parametrize(("text", "said", "warning"), TEXTS.values(), ids=TEXTS)
def test_texts_are_read_over(course: Path, text: str, said: str, warning: bool) -> None:
    path = lesson_file(course)
    line = path.read_text().count("\n") + 2
    path.write_text(path.read_text() + f"\n{text}\n")
    found = lint(course, today=TODAY)
    assert [(fault.path, fault.line, fault.warning) for fault in found if said in fault.said] == [(path, line, warning)]
    assert len(found) == 1


def test_a_value_that_is_no_fact_is_told_where_it_stands(course: Path) -> None:
    path = lesson_file(course)
    line = path.read_text().count("\n") + 3
    path.write_text(path.read_text() + "\n::: maquina motor<29\n{{motor}}, {{.State}} y {{moto}}.\n:::\n\n{{usuario}}\n")
    assert [(fault.line, fault.said[:30]) for fault in lint(course, today=TODAY)] == [(line, "no hay ningún dato «moto» de la"[:30])]


def test_a_lesson_without_an_exercise_is_a_fault(course: Path) -> None:
    new_lesson(course, slug="segunda", title="Segunda")
    assert [str(fault) for fault in lint(course, today=TODAY)] == [
        f"{course / '02-segunda' / 'leccion.md'}:1: la lección no tiene ningún ejercicio."
    ]


def test_good_links_terms_and_code_are_left_alone(course: Path) -> None:
    (course / "glosario.yaml").write_text("capa: Un piso de una imagen.\n")
    path = lesson_file(course)
    links = "[a](https://x.org) [b](/curso/mi-curso/primeros-pasos/tu-nombre/) [c](#aqui) [[Capa]] `[[otra]](x)`"
    good = [links, "```", "![](x) :::", "```"]
    path.write_text(path.read_text() + "\n".join(good) + "\n")
    assert lint(course, today=TODAY) == []


FRONT = {
    "an unknown field": ("minutos: 3\nautor: yo", 3, "autor"),
    "a bad value": ("minutos: mucho", 2, "minutos"),
    "bad YAML": ("minutos: [", 3, "un corchete o una llave que no se cierra"),
    "a question without an answer": ("repaso:\n  - pregunta: a", 3, "respuesta"),
}


@pytest.mark.parametrize(("head", "line", "said"), FRONT.values(), ids=FRONT)
def test_what_is_above_a_text_is_read_over(course: Path, head: str, line: int, said: str) -> None:
    path = lesson_file(course)
    path.write_text(f"---\n{head}\n---\n\nHola.\n")
    found = lint(course, today=TODAY)
    assert [(fault.path, fault.line) for fault in found if said in fault.said] == [(path, line)]


FIGURES = {
    "a script": "<script>alert(1)</script>",
    "a handler": '<rect onload="x()"/>',
    "HTML": "<foreignObject/>",
    "a link": '<a href="https://x.org"/>',
    "something from outside": "<style>@import 'x'</style>",
}


@pytest.mark.parametrize("harm", FIGURES.values(), ids=FIGURES)
def test_figures_that_do_something_are_told(course: Path, harm: str) -> None:
    path = lesson_file(course)
    (path.parent / "figuras").mkdir()
    figure = path.parent / "figuras" / "a.svg"
    path.write_text(path.read_text() + "\n![a](figuras/a.svg)\n")
    figure.write_text('<svg viewBox="0 0 1 1"></svg>')
    assert lint(course, today=TODAY) == []
    figure.write_text(f'<svg viewBox="0 0 1 1">{harm}</svg>')
    assert "«a.svg» lleva" in lint(course, today=TODAY)[0].said


def test_every_bad_exercise_is_told_at_once(course: Path) -> None:
    new_exercise(course, lesson="primeros-pasos", slug="otro", title="Otro")
    for path in course.glob("*/ejercicios/*/ejercicio.yaml"):
        path.write_text(path.read_text().replace("tipo: container", "tipo: raro"))
    assert sorted(fault.path.parent.name for fault in lint(course, today=TODAY)) == ["otro", "tu-nombre"]


def test_the_command_fails_on_faults_and_not_on_warnings(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exercise = course / "01-primeros-pasos" / "ejercicios" / "tu-nombre" / "ejercicio.yaml"
    exercise.write_text(re.sub(r"pistas:\n(  - .*\n)+", "", exercise.read_text()))
    call_command("lint_course", str(course), "--json")
    said = json.loads(capsys.readouterr().out)
    assert said["ok"]
    assert f"{exercise}:1: aviso: el ejercicio no tiene pistas" in said["warnings"][0]
    lesson_file(course).write_text("[x](nada)")
    with pytest.raises(CommandError, match=r"leccion\.md:1: «nada» no existe"):
        call_command("lint_course", str(course))


def test_our_own_course_has_no_faults() -> None:
    assert [str(fault) for fault in lint(catalog.CONTENT / "docker-intensivo", today=TODAY) if not fault.warning] == []


# The guide.


def blocks() -> list[Any]:
    return [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)]


@pytest.mark.parametrize("number", range(len(blocks())))
def test_the_guides_examples_are_right(course: Path, number: int) -> None:
    block = blocks()[number]
    if isinstance(block, list):
        # Parts of a `comprobaciones`, with what earlier ones keep.
        raws = fill_all(block, {})
        assert [kinds.parse(raw).id for raw in raws] == [raw["id"] for raw in raws]
    elif "objetivos" not in block:
        home = course / "01-primeros-pasos" / "ejercicios" / "tu-nombre"
        base = yaml.safe_load((home / "ejercicio.yaml").read_text())
        for name in ("clave", "nombre"):
            base["valores"][name] = {"palabra": True}
        changed = {**base, **block, "valores": {**base["valores"], **block.get("valores", {})}}
        if "pasos" in block:
            changed["pasos"] = [{**step, "comprobacion": "contenedor"} for step in block["pasos"]]
        (home / "ejercicio.yaml").write_text(yaml.safe_dump(changed, allow_unicode=True))
        load_exercise(home, "mi-curso/primeros-pasos/tu-nombre")


def test_the_guide_explains_every_key_and_runs_real_commands() -> None:
    assert [name for name in ExerciseFile.model_fields if f"`{name}`" not in GUIDE and f"{name}:" not in GUIDE] == []
    lab = ExerciseFile.model_fields["laboratorio"].default
    assert [name for name in type(lab).model_fields if f"  {name}:" not in GUIDE] == []
    from django.core.management import get_commands

    assert set(re.findall(r"manage\.py (\w+)", GUIDE)) <= set(get_commands())


def test_the_guides_smallest_exercise_is_the_whole_of_one(course: Path) -> None:
    smallest = next(block for block in blocks() if isinstance(block, dict) and "errores" in block)
    home = course / "01-primeros-pasos" / "ejercicios" / "tu-nombre"
    (home / "ejercicio.yaml").write_text(yaml.safe_dump(smallest, allow_unicode=True))
    (home / "enunciado.md").write_text("# Hazlo")
    assert load_exercise(home, "a/b/c").checks[0].id == "web"
    assert "{{usuario}}" in EXERCISE_START.format(title="x")


# The preview.


@pytest.fixture
def preview(course: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The preview of the course, as a browser sees it."""
    settings.ENV = settings.ENV.model_copy(update={"course_dir": str(course)})
    after = settings.MIDDLEWARE.index("django.contrib.messages.middleware.MessageMiddleware") + 1
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:after], "lessons.preview.Preview", *settings.MIDDLEWARE[after:]]
    # Its own memory of the course: others' stays.
    monkeypatch.setattr(catalog, "course", cache(catalog.course.__wrapped__))
    return Client()


PAGE = "/curso/mi-curso/primeros-pasos/tu-nombre/"


@pytest.mark.django_db
def test_the_preview_shows_what_is_saved(preview: Client, course: Path) -> None:
    first = preview.get(PAGE).content.decode()
    assert "recarga.js" in first
    assert "vista-previa" in first
    assert "¿Dónde miro?" in first
    before = preview.get("/vista-previa/estado/").json()
    path = course / "01-primeros-pasos" / "ejercicios" / "tu-nombre" / "enunciado.md"
    path.write_text("# Otra cosa muy distinta")
    assert preview.get("/vista-previa/estado/").json() != before
    assert "Otra cosa muy distinta" in preview.get(PAGE).content.decode()
    assert "fetch" in preview.get("/vista-previa/recarga.js").content.decode()
    assert preview.post(f"{PAGE}iniciar/").status_code == 409


@pytest.mark.django_db
def test_the_preview_shows_faults_in_their_place(preview: Client, course: Path) -> None:
    lesson_file(course).write_text("# Hola\n\n[x](nada.md)\n")
    shown = preview.get("/curso/mi-curso/primeros-pasos/").content.decode()
    assert "leccion.md:3" in shown
    assert "<mark>" in shown
    assert "nada.md» no existe" not in preview.get(PAGE).content.decode()
    path = course / "01-primeros-pasos" / "ejercicios" / "tu-nombre" / "ejercicio.yaml"
    path.write_text("titulo: [")
    whole = preview.get(PAGE).content.decode()
    assert "El curso tiene fallos" in whole
    assert "recarga.js" in whole
    shutil.rmtree(course)
    assert "curso.yaml" in preview.get(PAGE).content.decode()


def test_odd_names_of_courses_are_told(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="no vale de nombre"):
        new_lesson(tmp_path / "Mi Curso", slug="a", title="A")


def test_blocks_of_commands_may_stand_in_a_list(course: Path) -> None:
    lesson_file(course).write_text("1. Así:\n\n    ```terminal\n    $ docker ps\n    ```\n")
    assert lint(course, today=TODAY) == []
