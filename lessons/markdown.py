"""Renders the course's Markdown: docs/autoria.md says what is written, this what is seen.

Raw HTML is not interpreted; code is coloured by CSS classes (strict CSP). What is rendered is kept by its content, so that
the same text is never rendered twice. Refuses to know who reads it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.admon import admon_plugin
from mdit_py_plugins.anchors import anchors_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from lessons import boxes, catalog, facts, figures, transcripts
from lessons.glossary import MARK, Glossary

GLOSSARY_URL = "/glosario/"
_formatter = HtmlFormatter(nowrap=True)


@dataclass(frozen=True)
class Place:
    """Where a text is: its folder, and its address, from which its figures are asked."""

    folder: Path
    url: str


@dataclass(frozen=True)
class Heading:
    id: str
    text: str


@dataclass(frozen=True)
class Text:
    """A rendered text. `html` is safe: the parser makes it from text it escaped. `headings` are those of the second level."""

    html: SafeString
    headings: tuple[Heading, ...]
    digest: str


def _colour(code: str, language: str, _attributes: str) -> str:
    try:
        lexer = get_lexer_by_name(language or "text")
    except ClassNotFound:
        return escape(code)
    coloured: str = highlight(code, lexer, _formatter)
    return coloured


def _align_by_class(state: StateCore) -> None:
    """markdown-it aligns cells with a style attribute, which the page's policy blocks."""
    for token in state.tokens:
        if token.type in ("th_open", "td_open") and (style := str(token.attrs.pop("style", ""))):
            token.attrJoin("class", style.replace("text-align:", "align-"))


def _corner_is_no_heading(state: StateCore) -> None:
    """The empty corner of a table heads nothing."""
    for number, token in enumerate(state.tokens):
        if token.type == "th_open" and not state.tokens[number + 1].content:
            token.tag = state.tokens[number + 2].tag = "td"


def _figures_alone(state: StateCore) -> None:
    """An image that is a paragraph by itself is a figure, not a part of a sentence."""
    for number, token in enumerate(state.tokens):
        alone = token.type == "inline" and token.children and len(token.children) == 1 and token.children[0].type == "image"
        if alone and state.tokens[number - 1].type == "paragraph_open":
            for around in (state.tokens[number - 1], state.tokens[number + 1]):
                around.tag, around.hidden = "figure", False


def _titles_below(state: StateCore) -> None:
    """The page's title is the lesson's; what begins a page of it (lessons/pages.py) comes below."""
    for token in state.tokens:
        if token.type.startswith("heading_") and token.tag == "h1":
            token.tag = "h2"
            if token.nesting == 1:
                token.attrJoin("class", "part")


def _term_rule(state: StateInline, silent: bool) -> bool:
    found = MARK.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    glossary: Glossary = state.env.get("glossary") or catalog.course().glossary
    term = glossary.find(found[1])
    if not silent:
        token = state.push("term", "", 0)
        token.content = found[2] or found[1]
        token.meta = {"term": term}
    state.pos = found.end()
    return True


def _render_term(_renderer: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    term, shown = tokens[at].meta["term"], escape(tokens[at].content)
    if term is None:
        return str(shown)
    about = f'data-term="{escape(term.name)}" data-definition="{escape(term.plain)}"'
    return f'<a class="term" href="{GLOSSARY_URL}#{term.slug}" {about}>{shown}</a>'


def _render_image(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    token = tokens[at]
    place: Place | None = env.get("place")
    source = str(token.attrs.get("src", ""))
    parts = urlsplit(source)
    if place and source and not (parts.scheme or parts.netloc or source.startswith("/")):
        token.attrSet("src", place.url + source)
        if size := figures.measure(place.folder / parts.path):
            token.attrSet("width", size.width)
            token.attrSet("height", size.height)
            if size.adapts:
                token.attrSet("class", "adapts")
    token.attrSet("decoding", "async")
    return renderer.image(tokens, at, options, env)


def _render_fence(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    token = tokens[at]
    if not transcripts.is_transcript(token.info):
        return renderer.fence(tokens, at, options, env)
    block = transcripts.parse(token.info, token.content)
    if not block.commands:
        return renderer.fence(tokens, at, options, env)
    language = token.info.split(maxsplit=1)[0]
    label = _("Terminal de %(node)s") % {"node": block.node} if block.node else _("Terminal")
    fails = f'<span class="expected-failure">{escape(_("da un error, y es lo que se busca"))}</span>' if block.fails else ""
    return (
        f'<div class="shell" data-node="{escape(block.node)}"{" data-runnable" if block.runnable else ""}>'
        f'<p class="shell-bar"><span class="shell-name">{escape(label)}</span>{fails}</p>'
        f'<pre><code class="language-{language}">{"".join(map(_piece, block.pieces))}</code></pre></div>\n'
    )


def _piece(piece: transcripts.Piece) -> str:
    if not piece.command:
        return f'<span class="go">{escape(piece.shown)}</span>\n'
    shown = [f'<span class="gp">{escape(line[:2])}</span>{_shell(line[2:])}' if line[:2] in ("$ ", "> ") else _shell(line)
             for line in piece.shown.splitlines()]  # fmt: skip
    return f'<span class="command" data-command="{escape(piece.command)}">{chr(10).join(shown)}</span>\n'


def _shell(line: str) -> str:
    return _colour(line, "bash", "").rstrip("\n")


def _wrap_table(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    """A wide table scrolls by itself, not the page with it."""
    drawn = renderer.renderToken(tokens, at, options, env)
    return f'<div class="table">{drawn}' if tokens[at].nesting == 1 else f"{drawn}</div>\n"


_OPTION = re.compile(r"((?<![\w/.-])--?[A-Za-z][\w-]*)")


def whole_options(text: str) -> SafeString:
    """HTML of a text whose options, as `--rm`, are not broken after their hyphens at the end of a line."""
    pieces = enumerate(_OPTION.split(text))
    return format_html_join(
        "", "{}", ((format_html('<span class="whole">{}</span>', piece) if odd % 2 else piece,) for odd, piece in pieces)
    )


def _render_code(_renderer: RendererHTML, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    return f"<code>{whole_options(tokens[at].content)}</code>"


_parser = (
    MarkdownIt("commonmark", {"html": False, "linkify": True, "typographer": False, "highlight": _colour})
    .enable(["table", "strikethrough", "linkify"])
    .use(admon_plugin)
    .use(anchors_plugin, max_level=3)
    .use(boxes.boxes_plugin)
)
_parser.core.ruler.push("align_by_class", _align_by_class)
_parser.core.ruler.push("corner_is_no_heading", _corner_is_no_heading)
_parser.core.ruler.push("figures_alone", _figures_alone)
_parser.core.ruler.push("titles_below", _titles_below)
_parser.inline.ruler.before("link", "term", _term_rule)
for _name, _rule in {
    "term": _render_term,
    "code_inline": _render_code,
    "image": _render_image,
    "fence": _render_fence,
    "table_open": _wrap_table,
    "table_close": _wrap_table,
}.items():
    _parser.add_render_rule(_name, _rule)


def render_text(text: str, *, place: Place | None = None, glossary: Glossary | None = None) -> Text:
    """A text with its headings, from memory if it was rendered before. What is not true of our machines is left out."""
    if f"::: {boxes.MACHINE}" in text:
        text = boxes.where_true(text, facts.current())
    return _rendered(text, place, glossary or catalog.course().glossary)


def render(text: str, *, place: Place | None = None) -> SafeString:
    """HTML of a Markdown text, safe because the parser escapes what it does not make itself."""
    return render_text(text, place=place).html


def render_line(text: str) -> SafeString:
    """The same of a text without paragraphs."""
    return _line(text, catalog.course().glossary)


def forget() -> None:
    """Render all anew: a figure's file may have changed under a text that did not."""
    _rendered.cache_clear()
    _line.cache_clear()


@lru_cache(maxsize=512)
def _rendered(text: str, place: Place | None, glossary: Glossary) -> Text:
    env: dict[str, Any] = {"place": place, "glossary": glossary}
    tokens = _parser.parse(text, env)
    headings = [
        Heading(str(token.attrs.get("id", "")), "".join(child.content for child in tokens[number + 1].children or []))
        for number, token in enumerate(tokens)
        if token.type == "heading_open" and token.tag == "h2"
    ]
    html: str = _parser.renderer.render(tokens, _parser.options, env)
    return Text(mark_safe(html), tuple(headings), hashlib.sha256(html.encode()).hexdigest()[:16])  # noqa: S308  # see Text


@lru_cache(maxsize=512)
def _line(text: str, glossary: Glossary) -> SafeString:
    html: str = _parser.renderInline(text, {"glossary": glossary})
    return mark_safe(html)  # noqa: S308  # the parser makes it, from text it escaped
