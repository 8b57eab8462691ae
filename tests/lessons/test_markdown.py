"""The course's Markdown: nothing of it is interpreted but what the parser makes."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lessons import catalog
from lessons.boxes import TITLES
from lessons.glossary import Glossary, Term
from lessons.markdown import Place, render, render_text, whole_options

HARMFUL_LINKS = re.compile(r"^\s*(javascript|vbscript|file|data):", re.IGNORECASE)


class _Page(HTMLParser):
    """Tags and attributes of a rendered text, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "hola <img src=x onerror=alert(1)>",
        "<div onclick='x'>\n\nhola\n\n</div>",
        "<!-- nota -->",
        "    <b>código</b>",
        "`<b>código</b>`",
        "```\n</code></pre><script>alert(1)</script>\n```",
        "```bash\n</code></pre><script>alert(1)</script>\n```",
        "```<script>\nx\n```",
        "```nolang\n<script>alert(1)</script>\n```",
        '!!! note "<script>alert(1)</script>"\n    hola',
        '# <img src=x onerror="x">',
        '[x](/y "a\\"><script>")',
        '![" onerror="alert(1)](/x.png)',
    ],
)
def test_raw_html_is_not_interpreted(text: str) -> None:
    page = _Page(render(text))
    assert not {"script", "b", "iframe"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert page.tags.count("img") == text.count("![")


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](java&#10;script:alert(1))",
        "[x]( javascript:alert(1))",
        "<javascript:alert(1)>",
        "[x][y]\n\n[y]: javascript:alert(1)",
        "[x](vbscript:x)",
        "[x](data:text/html,<script>)",
        "![x](javascript:alert(1))",
    ],
)
def test_links_that_run_code_are_not_links(text: str) -> None:
    assert not [value for name, value in _Page(render(text)).attributes if name in ("href", "src") and HARMFUL_LINKS.match(value or "")]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("[x](https://docs.docker.com/)", '<a href="https://docs.docker.com/">x</a>'),
        ("https://docs.docker.com/", '<a href="https://docs.docker.com/">https://docs.docker.com/</a>'),
        ("~~a~~ **b**", "<s>a</s> <strong>b</strong>"),
        ("| a |\n|---|\n| b |", "<th>a</th>"),
        ("### Un título", '<h3 id="un-título">Un título</h3>'),
        ("«¿qué?» -- ...", "<p>«¿qué?» -- ...</p>"),
        ("```\na < b\n```", "a &lt; b"),
        ("```nolang\na < b\n```", "a &lt; b"),
    ],
)
def test_what_the_course_uses_is_rendered(text: str, html: str) -> None:
    assert html in render(text)


@pytest.mark.parametrize("language", ["bash", "dockerfile", "yaml", "python", "console"])
def test_code_is_coloured_by_classes(language: str) -> None:
    html = render(f'```{language}\n# nota\nname: "x" # y\n$ echo "hola"\n```')
    assert f'<code class="language-{language}">' in html
    assert re.search(r'<span class="[a-z0-9 ]+">', html)
    assert "style" not in {name for name, _ in _Page(html).attributes}


def test_admonitions_are_boxes() -> None:
    page = _Page(render('!!! warning "Cuidado"\n    Esto borra *todo*.'))
    assert ("class", "admonition warning") in page.attributes
    assert ("class", "admonition-title") in page.attributes
    assert "em" in page.tags


def test_aligned_tables_need_no_style() -> None:
    assert "style" not in {name for name, _ in _Page(render("| a |\n|--:|\n| b |")).attributes}


TEXTS = {lesson.slug: lesson.text for lesson in catalog.course().lessons if lesson.written} | {
    key: exercise.text for key, exercise in catalog.course().exercises.items()
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_courses_texts_keep_to_the_csp(text: str) -> None:
    page = _Page(render(text))
    assert page.tags
    assert not {"script", "style", "iframe"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name == "style" or name.startswith("on")]


# What docs/autoria.md says of a lesson's text.

TERMS = (Term("capa", "capa", "Cada **piso** de una [[imagen|imagen]], con `ficheros`."),)
GLOSSARY = Glossary(TERMS, "prueba", {"capa": TERMS[0]})


def html(text: str, place: Place | None = None) -> str:
    return render_text(text, place=place, glossary=GLOSSARY).html


@pytest.mark.parametrize("kind", TITLES)
def test_boxes_have_their_title_and_hold_anything(kind: str) -> None:
    shown = html(f"::: {kind}\nUn *texto*.\n\n- y una lista\n:::\n\nfuera")
    assert f'<div class="box box-{kind}" role="note" aria-label="{TITLES[kind]}">' in shown
    assert shown.index("<li>") < shown.index("</div>") < shown.index("<p>fuera")


@pytest.mark.parametrize("between", ["¿Qué pasa?\n\n---\n\nNada.", "¿Qué pasa?\n---\nNada."], ids=["apart", "right under"])
def test_the_answer_to_a_question_waits(between: str) -> None:
    shown = html(f"::: predice\n{between}\n:::\n")
    assert re.search(r"<p>¿Qué pasa\?</p>\s*<details class=\"answer\"><summary>Ver la respuesta</summary>\s*<p>Nada.</p>", shown)
    assert "<h2" not in shown
    assert "<hr" not in shown


def test_boxes_within_boxes_and_blocks_within_boxes_close_in_their_order() -> None:
    shown = html("::: predice\na\n\n---\n\n::: aviso\nb\n:::\n\n```terminal\n$ echo :::\n:::\n```\n:::\n\nfin")
    assert shown.count('<div class="box') == 2
    assert shown.endswith("</details></div>\n<p>fin</p>\n")


def test_a_sentence_on_a_version_says_when_and_where_it_was_seen() -> None:
    shown = html('::: version fecha=2026-11 fuente="https://docs.docker.com/x"\nHoy.\n:::')
    assert 'Comprobado en noviembre de 2026 · <a href="https://docs.docker.com/x">Fuente</a>' in shown


def test_an_error_shows_its_message() -> None:
    assert '<code class="said">no such image: &lt;b&gt;</code>' in html('::: error "no such image: <b>"\nx\n:::')


@pytest.mark.parametrize("text", ["::: nota\nx\n:::", ":::\nx", "::: aviso\nx", '::: error "sin cerrar\nx\n:::'])
def test_what_is_no_box_is_text_and_loses_nothing(text: str) -> None:
    assert "x" in html(text)


@pytest.mark.parametrize(
    ("text", "shown"), [("[[capa]]", "capa"), ("[[Capa|capas]]", "capas"), ("| a |\n|--|\n| [[capa\\|capas]] |", "capas")]
)
def test_terms_lead_to_the_glossary_and_bring_their_definition(text: str, shown: str) -> None:
    about = 'data-term="capa" data-definition="Cada piso de una imagen, con ficheros."'
    assert f'<a class="term" href="/glosario/#capa" {about}>{shown}</a>' in html(text)


def test_an_unknown_term_is_its_words_and_code_is_left_alone() -> None:
    assert html("una [[cosa|rara]] y `[[capa]]`") == "<p>una rara y <code>[[capa]]</code></p>\n"


def test_a_terminals_block_knows_its_commands() -> None:
    page = _Page(html('```terminal nodo=servidor falla\n$ docker run \\\n    "a"\nhola\n$ cat <<F\n> <b>\n> F\n```'))
    assert [value for name, value in page.attributes if name == "data-command"] == ['docker run \\\n    "a"', "cat <<F\n<b>\nF"]
    assert ("data-node", "servidor") in page.attributes
    assert ("data-runnable", None) in page.attributes
    assert ("data-runnable", None) not in _Page(html("```console\n$ ls\n```")).attributes


def test_figures_keep_their_room_and_come_from_the_lessons_folder(tmp_path: Path) -> None:
    (tmp_path / "figuras").mkdir()
    (tmp_path / "figuras" / "capas.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 260"></svg>')
    shown = html("![Tres capas](figuras/capas.svg)", Place(tmp_path, "/curso/c/l/"))
    assert '<figure><img src="/curso/c/l/figuras/capas.svg" alt="Tres capas" width="640" height="260"' in shown


def test_a_text_is_rendered_once() -> None:
    first = render_text("una vez", glossary=GLOSSARY)
    assert render_text("una vez", glossary=GLOSSARY) is first
    assert render_text("otra vez", glossary=GLOSSARY).digest != first.digest


def test_the_headings_of_a_text_are_its_contents() -> None:
    found = render_text("## Una `cosa`\n\n### no\n\n## Otra", glossary=GLOSSARY)
    assert [(heading.id, heading.text) for heading in found.headings] == [("una-cosa", "Una cosa"), ("otra", "Otra")]


def test_the_empty_corner_of_a_table_heads_nothing() -> None:
    html = render("| | b |\n|---|---|\n| 1 | 2 |\n")
    assert "<td></td>" in html
    assert "<th>b</th>" in html


def test_an_option_is_not_broken_over_two_lines_and_a_text_stays_a_text() -> None:
    said = whole_options("<b>«docker run --rm -it» no-es -1 sha256:a-b")
    assert said == '&lt;b&gt;«docker run <span class="whole">--rm</span> <span class="whole">-it</span>» no-es -1 sha256:a-b'
    assert html("`docker ps -a`") == '<p><code>docker ps <span class="whole">-a</span></code></p>\n'
