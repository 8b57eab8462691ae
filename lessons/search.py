"""Finds words of the course in its lessons, exercises and glossary, in memory.

Words are compared by their Spanish stem, without accents: «imagenes» finds «imagen». One pass of the stemmer does not join
the two (imágenes → imagen → imag), so it is applied until nothing changes, to what is kept and to what is asked. All the
words asked must be there; the last one may be half written. Refuses to search what a student must not see: solutions,
answers, hints.
"""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache

import snowballstemmer
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from lessons import catalog
from lessons.markdown import render_text
from lessons.pages import pages_of
from lessons.values import USER, fill

WORD = re.compile(r"\w+(?:[.:/-]\w+)*", re.UNICODE)
RESULTS = 30
SNIPPET = 220
"""Characters of the text that is shown around what was found."""
LONGEST = 200
"""Characters of a question that are looked at."""
TITLE_WEIGHT = 6
_PARTS = re.compile(r"[.:/-]")
_BARS = re.compile(r'<p class="shell-bar">.*?</p>', re.DOTALL)
"""What stands above a terminal's block: said by the page, not by the text."""
_WITHIN = re.compile(r"</?(?:a|code|em|s|span|strong)\b[^>]*>")
"""Tags within a line: no space is where they stand."""
_TAGS = re.compile(r"<[^>]+>")
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'", "&amp;": "&"}
_EMPTY_WORDS = (
    "a al ante como con cual de del donde e el ella en entre es esta este esto ha hay la las le les lo los me mi mas muy no "
    "nos o para pero por porque que quien se ser si sin sobre son su sus te tu un una uno unos unas y ya"
)


Words = tuple[tuple[str, int, int], ...]
"""Stems, each with where its word begins and ends."""


@dataclass(frozen=True)
class Page:
    """What can be found: a part of a lesson, an exercise or a term."""

    kind: str
    """«lesson», «exercise» or «term»."""
    title: str
    where: str
    """What it is part of, as the reader sees it."""
    url: str
    text: str


@dataclass(frozen=True)
class Result:
    """A page that was found, with what was asked marked in its title and in a piece of its text."""

    page: Page
    title: SafeString
    snippet: SafeString
    score: float


@cache
def _stemmer() -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer("spanish")


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The stem of a word without accents: the stemmer's fixpoint."""
    bare = unicodedata.normalize("NFKD", word.casefold())
    found = "".join(letter for letter in bare if not unicodedata.combining(letter))
    while (shorter := str(_stemmer().stemWord(found))) != found:
        found = shorter
    return found


def stems(text: str) -> Iterator[tuple[str, int, int]]:
    """Every stem of a text, with where its word begins and ends. `docker-compose` is found whole and by its parts."""
    for word in WORD.finditer(text):
        yield stem(word[0]), word.start(), word.end()
        if _PARTS.search(word[0]):
            at = word.start()
            for part in _PARTS.split(word[0]):
                yield stem(part), at, at + len(part)
                at += len(part) + 1


@cache
def _empty() -> frozenset[str]:
    """Stems of the words that say nothing by themselves."""
    return frozenset(stem(word) for word in _EMPTY_WORDS.split(" "))


class Index:
    """The pages by stem. Made once for a course, and only read afterwards."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self.pages = tuple(pages)
        self._counts: dict[str, dict[int, float]] = {}
        self._lengths: list[int] = []
        self._words = tuple(tuple(stems(page.text)) for page in self.pages)
        self._titles = tuple(frozenset(found for found, _start, _end in stems(page.title)) for page in self.pages)
        for number, page in enumerate(self.pages):
            words = Counter(found for found, _start, _end in self._words[number])
            self._lengths.append(sum(words.values()) + 1)
            for found, _start, _end in stems(page.title):
                words[found] += TITLE_WEIGHT
            for found, times in words.items():
                self._counts.setdefault(found, {})[number] = float(times)
        self._sorted = sorted(self._counts)
        self._usual = sum(self._lengths) / max(1, len(self._lengths))

    def find(self, asked: str) -> list[Result]:
        """The best pages for what was asked, the best first; before all, those that are called just that."""
        words = [stem(word[0]) for word in WORD.finditer(asked[:LONGEST])]
        words = [word for word in words if word not in _empty()] or words
        if not words:
            return []
        wanted = [self._like(word, whole=number < len(words) - 1) for number, word in enumerate(words)]
        scores: dict[int, float] | None = None
        for group in wanted:
            here = self._scores(group)
            scores = here if scores is None else {page: scores[page] + here[page] for page in scores.keys() & here.keys()}
        marked = frozenset().union(*wanted)
        exact = frozenset(words)
        best = sorted((scores or {}).items(), key=lambda item: (self._titles[item[0]] != exact, -item[1], item[0]))[:RESULTS]
        return [_result(self.pages[number], self._words[number], marked, score) for number, score in best]

    def _like(self, word: str, *, whole: bool) -> frozenset[str]:
        """The stems that count as that word: itself, and, while it is being written, those that begin like it."""
        found = {word} if word in self._counts else set()
        if not whole and len(word) > 1:
            at = bisect_left(self._sorted, word)
            while at < len(self._sorted) and self._sorted[at].startswith(word) and len(found) < 200:
                found.add(self._sorted[at])
                at += 1
        return frozenset(found)

    def _scores(self, group: frozenset[str]) -> dict[int, float]:
        """BM25 of each page for a group of stems taken as one word."""
        times: dict[int, float] = {}
        for found in group:
            for page, count in self._counts[found].items():
                times[page] = times.get(page, 0.0) + count
        rarity = math.log(1 + (len(self.pages) - len(times) + 0.5) / (len(times) + 0.5))
        return {
            page: rarity * 2.2 * count / (count + 1.2 * (0.25 + 0.75 * self._lengths[page] / self._usual)) for page, count in times.items()
        }


def _result(page: Page, words: Words, marked: frozenset[str], score: float) -> Result:
    text = page.text
    places = [(start, end) for found, start, end in words if found in marked]
    first = _densest(places)
    start = max(0, first - SNIPPET // 3)
    start = text.rfind(" ", 0, start) + 1 if start else 0
    end = min(len(text), start + SNIPPET)
    end = (text.rfind(" ", start, end) if end < len(text) else end) or end
    piece = _marked(text, places, start, end)
    snippet = f"{'… ' if start else ''}{piece}{' …' if end < len(text) else ''}"
    in_title = [(here, after) for found, here, after in stems(page.title) if found in marked]
    return Result(page, _safe(_marked(page.title, in_title, 0, len(page.title))), _safe(snippet), score)


def _densest(places: list[tuple[int, int]]) -> int:
    """Where a snippet holds the most of what was asked."""
    best, most = 0, 0
    for number, (start, _end) in enumerate(places):
        inside = sum(1 for other, _ in places[number : number + 8] if other < start + SNIPPET)
        if inside > most:
            best, most = start, inside
    return best


def _marked(text: str, places: list[tuple[int, int]], start: int, end: int) -> str:
    """HTML of a piece of text, with what is at those places marked."""
    out, at = [], start
    for here, after in places:
        if at <= here and after <= end:
            out.append(f"{escape(text[at:here])}<mark>{escape(text[here:after])}</mark>")
            at = after
    return "".join([*out, escape(text[at:end])])


def _safe(html: str) -> SafeString:
    return mark_safe(html)  # noqa: S308  # its pieces were escaped


_kept: list[tuple[catalog.Course, Index]] = []


def index() -> Index:
    """The configured course's, made the first time and when the course was read anew."""
    course = catalog.course()
    if not _kept or _kept[0][0] is not course:
        _kept[:] = [(course, Index(_pages(course)))]
    return _kept[0][1]


def warm() -> None:
    """Make the index before anybody asks; a course that can't be read is told by the first page that needs it."""
    with suppress(catalog.CourseError):
        index()


def _pages(course: catalog.Course) -> Iterator[Page]:
    for lesson in course.lessons:
        if lesson.written:
            yield from _lesson(course, lesson)
        for exercise in lesson.exercises:
            url = reverse("exercise", args=exercise.key.split("/"))
            titles = " ".join(check.titulo for check in exercise.checks)
            text = plain(render_text(f"{exercise.summary}\n\n{exercise.text}").html) + f" {titles}"
            # An attempt's values are known to nobody here.
            yield Page("exercise", exercise.title, f"{lesson.number}. {lesson.title}", url, re.sub(r"\{\{\w+\}\}", "…", text))
    for term in course.glossary.terms:
        yield Page("term", term.name, _("Glosario"), f"{reverse('glossary')}#{term.slug}", term.plain)


def _lesson(course: catalog.Course, lesson: catalog.Lesson) -> Iterator[Page]:
    """A lesson's parts: what stands before its first heading, and below each."""
    url = reverse("lesson", args=[course.slug, lesson.slug])
    name = f"{_('Lección')} {lesson.number}"
    for number, page in enumerate(pages_of(fill(lesson.text, {USER: USER})), start=1):
        text = render_text(page.text)
        here = f"{url}?pagina={number}" if number > 1 else url
        pieces = re.split(r"<h2 [^>]*>.*?</h2>", str(text.html), flags=re.DOTALL)
        if number == 1:
            aims = " · ".join(lesson.front.objetivos).replace("`", "")
            opening = " ".join([lesson.summary, plain(pieces[0]), aims])
            yield Page("lesson", lesson.title, name, url, opening.strip())
        for heading, piece in zip(text.headings, pieces[1:], strict=True):
            yield Page("lesson", heading.text, f"{name} · {lesson.title}", f"{here}#{heading.id}", plain(piece))


def plain(html: str) -> str:
    """The words of rendered HTML."""
    text = _TAGS.sub(" ", _WITHIN.sub("", _BARS.sub(" ", html)))
    for entity, letter in _ENTITIES.items():
        text = text.replace(entity, letter)
    return " ".join(text.split())
