"""The course's Markdown: nothing of it is interpreted but what the parser makes."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from lessons import catalog
from lessons.markdown import render

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
