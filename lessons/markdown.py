"""Renders the course's Markdown. Raw HTML is not interpreted; code is coloured by CSS classes (strict CSP)."""

from __future__ import annotations

from functools import lru_cache

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from mdit_py_plugins.admon import admon_plugin
from mdit_py_plugins.anchors import anchors_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

_formatter = HtmlFormatter(nowrap=True)


def _colour(code: str, language: str, _attributes: str) -> str:
    try:
        lexer = get_lexer_by_name(language or "text")
    except ClassNotFound:
        return escape(code)
    coloured: str = highlight(code, lexer, _formatter)
    return coloured


_parser = (
    MarkdownIt("commonmark", {"html": False, "linkify": True, "typographer": False, "highlight": _colour})
    .enable(["table", "strikethrough", "linkify"])
    .use(admon_plugin)
    .use(anchors_plugin, max_level=3)
)


def _align_by_class(state: StateCore) -> None:
    """markdown-it aligns cells with a style attribute, which the page's policy blocks."""
    for token in state.tokens:
        if token.type in ("th_open", "td_open") and (style := str(token.attrs.pop("style", ""))):
            token.attrJoin("class", style.replace("text-align:", "align-"))


_parser.core.ruler.push("align_by_class", _align_by_class)


@lru_cache(maxsize=256)
def render(text: str) -> SafeString:
    """HTML of a Markdown text, safe because the parser escapes what it does not make itself."""
    html: str = _parser.render(text)
    return mark_safe(html)  # noqa: S308  # the parser makes it, from text it escaped
