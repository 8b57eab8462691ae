"""Boxes of a text: `::: aviso` … `:::`, which may hold anything, boxes included.

What each kind is called and what it takes is here, for the renderer and for lint alike. `::: maquina motor<29` is there only
where that is true (`where_true`). Refuses to be strict: a box that does not close ends with the text, and a kind that is
none is text. Lint is who says so.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from django.utils.dates import MONTHS
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from lessons import facts
from lessons.facts import Condition, Facts
from lessons.values import fill

MACHINE = "maquina"
OPEN = re.compile(r":::+[ \t]*(\S.*?)[ \t]*$")
CLOSE = re.compile(r":::+[ \t]*$")
FENCE = re.compile(r"[ \t]*(```+|~~~+)")
TITLES = {
    "predice": gettext_lazy("Antes de seguir, piénsalo"),
    "maquina": gettext_lazy("En tu máquina"),
    "aviso": gettext_lazy("Atención"),
    "error": gettext_lazy("Un error corriente"),
    "version": gettext_lazy("Según la versión"),
    "resumen": gettext_lazy("Para recordar"),
}


@dataclass(frozen=True)
class Head:
    """What stands behind a box's `:::`."""

    kind: str
    message: str = ""
    """Of an error: its exact text."""
    year: int = 0
    month: int = 0
    source: str = ""
    conditions: tuple[Condition, ...] = ()
    """Of a machine's: where it is true."""
    faults: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        return self.kind in TITLES


def head_of(said: str) -> Head:
    """Read `error "no such image"`, `maquina motor<29` or `version fecha=2026-11 fuente="https://…"`."""
    try:
        kind, *words = shlex.split(said)
    except ValueError:
        return Head(said.split()[0], faults=(f"las comillas de «{said}» no se cierran.",))
    if kind == "version":
        return _dated(kind, words)
    if kind == MACHINE:
        return _machine(words)
    if kind == "error":
        message = " ".join(words)
        return Head(kind, message, faults=() if message else ('un error corriente lleva su mensaje: «::: error "no such image"».',))
    return Head(kind, faults=(f"un recuadro «{kind}» no lleva nada más: «{' '.join(words)}».",) if words and kind in TITLES else ())


def _dated(kind: str, words: list[str]) -> Head:
    given = dict(word.partition("=")[::2] for word in words)
    date = re.fullmatch(r"(\d{4})-(\d{2})(?:-\d{2})?", given.get("fecha", ""))
    source = given.get("fuente", "")
    if not date or not source or set(given) - {"fecha", "fuente"}:
        return Head(kind, faults=('una frase sobre una versión lleva «fecha=2026-11» y «fuente="https://…"».',))
    if not 1 <= int(date[2]) <= 12:
        return Head(kind, faults=(f"no hay mes {date[2]}.",))
    if urlsplit(source).scheme not in ("https", "http"):
        return Head(kind, year=int(date[1]), month=int(date[2]), faults=(f"«{source}»: la fuente es una dirección https.",))
    return Head(kind, year=int(date[1]), month=int(date[2]), source=source)


def _machine(words: list[str]) -> Head:
    """What it speaks of may also be a version's: then it has its date and source."""
    dated = [word for word in words if word.startswith(("fecha=", "fuente="))]
    head = _dated(MACHINE, dated) if dated else Head(MACHINE)
    said = [facts.condition(word) for word in words if word not in dated]
    faults = [each for each in said if isinstance(each, str)]
    if not said:
        faults.append("un recuadro «maquina» dice dónde es verdad: «::: maquina motor<29».")
    conditions = tuple(each for each in said if isinstance(each, Condition))
    return replace(head, conditions=conditions, faults=(*head.faults, *faults))


def where_true(text: str, known: Facts) -> str:
    """The text as it is read where the machines are so: without the machine boxes that are not true there, and with the
    facts' values in those that are."""
    lines = text.split("\n")
    out: list[str] = []
    begun = 0
    for first, last, head in _of_machines(lines):
        out += lines[begun:first]
        if all(condition.holds(known) for condition in head.conditions):
            inner = fill(where_true("\n".join(lines[first + 1 : last]), known), known)
            out += [lines[first], inner, *lines[last : last + 1]]
        begun = last + 1
    return "\n".join([*out, *lines[begun:]])


def of_machines(text: str) -> list[str]:
    """The machine boxes of a text, each whole."""
    lines = text.split("\n")
    return ["\n".join(lines[first : last + 1]) for first, last, _head in _of_machines(lines)]


def _of_machines(lines: list[str]) -> Iterator[tuple[int, int, Head]]:
    """Where each machine box begins and ends, without those within another."""
    at, fence = 0, ""
    while at < len(lines):
        before, fence = fence, fence_after(fence, lines[at])
        opened = None if before or fence else OPEN.match(lines[at].strip())
        head = head_of(opened[1]) if opened else None
        if head and head.kind == MACHINE:
            last = _closing(lines.__getitem__, at, len(lines))
            yield at, last, head
            at = last
        at += 1


def boxes_plugin(md: MarkdownIt) -> None:
    """Make a markdown-it parser understand boxes."""
    md.block.ruler.before("fence", "box", _rule, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    md.core.ruler.after("block", "box_answers", _answers)
    md.add_render_rule("box_open", _render_open)
    md.add_render_rule("box_close", _render_close)
    md.add_render_rule("answer_open", _render_answer)


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    opened = OPEN.match(_line(state, start))
    if not opened or state.is_code_block(start):
        return False
    head = head_of(opened[1])
    if not head.known:
        return False
    if silent:
        return True
    last = _closing(lambda number: _line(state, number), start, end)
    parent, limit = state.parentType, state.lineMax
    state.parentType, state.lineMax = "box", last
    token = state.push("box_open", "div", 1)
    token.map = [start, last]
    token.meta = {"head": head}
    state.md.block.tokenize(state, start + 1, last)
    state.push("box_close", "div", -1).meta = {"head": head}
    state.parentType, state.lineMax = parent, limit
    state.line = min(last + 1, end)
    return True


def _closing(line_at: Callable[[int], str], start: int, end: int) -> int:
    """The line that closes the box that opens at `start`, or the end of what it is in."""
    depth, fence = 1, ""
    for number in range(start + 1, end):
        line = line_at(number)
        before, fence = fence, fence_after(fence, line)
        if before or fence:
            continue
        if CLOSE.match(line.strip()):
            depth -= 1
            if not depth:
                return number
        elif (inner := OPEN.match(line.strip())) and head_of(inner[1]).known:
            depth += 1
    return end


def fence_after(fence: str, line: str) -> str:
    """The block of code that is open after a line, if `fence` was open before it; empty: none."""
    mark = FENCE.match(line)
    if not mark:
        return fence
    if not fence:
        return mark[1]
    return "" if mark[1].startswith(fence) and line.strip() == mark[1] else fence


def _answers(state: StateCore) -> None:
    """In a question's box, what follows `---` is its answer. Right under a line of text, `---` would make it a heading."""
    out: list[Token] = []
    boxes: list[Head] = []
    answered: list[bool] = []
    for token in state.tokens:
        if token.type == "box_open":
            boxes.append(token.meta["head"])
            answered.append(False)
        asks = bool(boxes) and boxes[-1].kind == "predice" and not answered[-1]
        if token.type == "box_close":
            boxes.pop()
            if answered.pop():
                out.append(Token("answer_close", "details", -1))
        if asks and token.type == "hr":
            answered[-1] = True
            out.append(Token("answer_open", "details", 1))
            continue
        if asks and token.type.startswith("heading_") and token.markup == "-":
            out.append(_as_paragraph(token))
            if token.nesting == -1:
                answered[-1] = True
                out.append(Token("answer_open", "details", 1))
            continue
        out.append(token)
    state.tokens = out


def _as_paragraph(token: Token) -> Token:
    return Token(token.type.replace("heading", "paragraph"), "p", token.nesting, map=token.map, block=True)


def _render_open(_renderer: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    head: Head = tokens[at].meta["head"]
    title = escape(TITLES[head.kind])
    message = f' <code class="said">{escape(head.message)}</code>' if head.message else ""
    return f'<div class="box box-{head.kind}" role="note" aria-label="{title}">\n<p class="box-title">{title}{message}</p>\n'


def _render_close(_renderer: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    head: Head = tokens[at].meta["head"]
    if not head.year:
        return "</div>\n"
    when = _("Comprobado en %(month)s de %(year)d") % {"month": MONTHS[head.month], "year": head.year}
    source = f' · <a href="{escape(head.source)}">{escape(_("Fuente"))}</a>' if head.source else ""
    return f'<p class="checked-on">{escape(when)}{source}</p>\n</div>\n'


def _render_answer(_renderer: Any, _tokens: Sequence[Token], _at: int, _options: Any, _env: Any) -> str:
    return f'<details class="answer"><summary>{escape(_("Ver la respuesta"))}</summary>\n'
