"""The query language: words that are scored, and filters.

    dog beach             words; the more of them a photo holds, and the rarer they are, the higher it scores
    -people               without photos whose texts or objects hold the word, or that surely show it
    "black dog"           only photos that hold these words side by side; they are scored like others
    #sunset               only photos with this hashtag
    before:2023-06        only photos taken before June 2023
    after:2023-06         only photos taken in June 2023 or later
    object:dog            only photos in which the detector saw one
    camera:canon          only photos taken with it; also lens, place, folder, file
    rating:>3             only photos with more than three stars
    by:caption            search in captions only; also concepts, objects, labels, owner

A minus sign negates any of them. A query may consist of filters only: it finds all photos that pass. What cannot be
understood is explained in a note; no query is an error.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from photosearch.analyzer import WORD, terms, words
from photosearch.hashtags import asked_hashtags, fold_hashtag
from photosearch.search.fields import ALL, BY, FILTERS, Field

MAX_CHARS = 10_000
MAX_FILTERS = 50  # each is evaluated on all photos
_SHOWN_CHARS = 40
_TYPED = str.maketrans(dict.fromkeys("“”„‟«»＂", '"') | {"−": "-", "＃": "#", "：": ":"})  # as phones write them
_TOKEN = re.compile(
    rf'(?P<minus>-*)(?:(?P<key>before|after|object|by|{"|".join(FILTERS)}):|(?P<tag>#+))?(?:"(?P<quoted>[^"]*)"|(?P<stray>"?)(?P<bare>[^\s"]*))',
    re.IGNORECASE,
)
_DATE = re.compile(r"(\d{4})(?:[-/.](\d{1,2}))?(?:[-/.](\d{1,2}))?")
_NUMBER = re.compile(r"(?P<sign>[<>]?=?)(?P<number>-?\d{1,9})", re.ASCII)


class Kind(StrEnum):
    """What a filter tests."""

    WORDS = "words"
    HASHTAG = "hashtag"
    OBJECT = "object"
    FACT = "fact"


@dataclass(frozen=True)
class Filter:
    """A condition that photos must meet, or must not."""

    kind: Kind
    terms: tuple[str, ...]  # side by side; a hashtag has one, folded by `fold_hashtag`
    shown: str  # as it was written
    negated: bool = False
    key: str = ""  # of a fact, as in `FILTERS`
    least: float = -math.inf  # of a fact that is a number
    most: float = math.inf


@dataclass(frozen=True)
class Query:
    """A parsed query."""

    raw: str
    text: str = ""  # the words that are scored
    spans: tuple[tuple[int, int], ...] = ()  # the place of each in `raw`
    filters: tuple[Filter, ...] = ()
    since: date | None = None  # the first day
    before: date | None = None  # the first day after the range
    fields: frozenset[Field] | None = None  # the fields that the query names itself
    notes: tuple[str, ...] = ()  # messages on what was left out

    @property
    def has_filter(self) -> bool:
        """Return whether photos are left out whatever their score."""
        return bool(self.filters or self.since or self.before)


class Sort(StrEnum):
    """The order of hits; photos without a date come last."""

    SCORE = "score"
    NEWEST = "newest"
    OLDEST = "oldest"


class Worded(StrEnum):
    """Filter by who wrote the sentence that is shown with a photo."""

    CAPTIONED = "captioned"  # a model or a person
    CORRECTED = "corrected"  # a person


@dataclass(frozen=True)
class Refine:
    """Filters and order of the hits, besides those of the query."""

    since: date | None = None
    until: date | None = None  # the last day
    objects: frozenset[str] = frozenset()  # labels that a photo must show, all of them
    worded: Worded | None = None
    sort: Sort = Sort.SCORE
    cutoff: float = 0.0  # share of the best score below which a hit is left out, 0 to 1

    @property
    def has_filter(self) -> bool:
        """Return whether photos are left out whatever their score."""
        return bool(self.since or self.until or self.objects or self.worded)


NO_REFINEMENT = Refine()


def parse(raw: str) -> Query:
    """Parse a query; never fails."""
    tokens = _Tokens()
    text = raw[:MAX_CHARS].translate(_TYPED)
    if len(raw) > MAX_CHARS:
        tokens.notes.append(f"The query has {len(raw):,} characters; the first {MAX_CHARS:,} were read.")
    end = 0
    while (token := _TOKEN.match(text, _skip_space(text, end))) and token.end() > end:
        end = token.end()
        if token["stray"]:
            tokens.notes.append("A quotation mark has no partner; it was left out.")
        tokens.take(token)
    return tokens.query(raw)


def parse_words(raw: str) -> Query:
    """Parse a query as words only; signs have no meaning."""
    return Query(raw, raw, tuple(word.span() for word in WORD.finditer(raw)), notes=_nothing_asked(raw, raw))


def shown(text: str) -> str:
    """Return typed text for a message: shortened, printable, in quotation marks."""
    kept = "".join(char for char in text[: _SHOWN_CHARS + 1] if char.isprintable())
    return f"“{kept[:_SHOWN_CHARS]}{'…' if len(text) > _SHOWN_CHARS else ''}”"


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


@dataclass
class _Tokens:
    """The parts of a query, collected token by token."""

    parts: list[str] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    filters: dict[Filter, None] = field(default_factory=dict)  # in order, each once
    since: date | None = None
    before: date | None = None
    fields: frozenset[Field] | None = None
    notes: list[str] = field(default_factory=list)

    def take(self, token: re.Match[str]) -> None:
        """Add one token."""
        quoted = token["quoted"] is not None
        value = token["quoted"] if quoted else token["bare"]
        negated = bool(token["minus"])
        match (token["key"] or "").lower():
            case "before" | "after" as key:
                self._date(key, value, negated)
            case "by":
                self._by(value, negated)
            case "object":
                self._filter(Kind.OBJECT, tuple(terms(value)), value, negated)
            case key if key in FILTERS and FILTERS[key].is_number:
                self._number(key, value, negated)
            case key if key in FILTERS:
                self._filter(Kind.FACT, tuple(terms(value)), value, negated, key)
            case _ if token["tag"]:
                for tag in asked_hashtags(f"#{value}"):
                    self._filter(Kind.HASHTAG, (fold_hashtag(tag),), f"#{tag}", negated)
            case _ if quoted or negated:
                if words(value):
                    self._filter(Kind.WORDS, tuple(terms(value)), value, negated)
                if not negated:
                    self._words(value, token.start("quoted"))
            case _:
                self._words(value, token.start("bare"))

    def _words(self, value: str, start: int) -> None:
        self.parts.append(value)
        self.spans += [(start + word.start(), start + word.end()) for word in WORD.finditer(value)]

    def _filter(self, kind: Kind, found_terms: tuple[str, ...], value: str, negated: bool, key: str = "") -> None:
        if not found_terms:
            key = "object" if kind is Kind.OBJECT else key
            why = f"names no {key}" if key else "is too common to tell photos apart"
            said = f"{key}:{value}" if key else value
            self.notes.append(f"{shown(said)} {why}; it was left out.")
        elif len(self.filters) < MAX_FILTERS:
            self.filters[Filter(kind, found_terms, value, negated, key)] = None
        else:
            self.notes.append(f"Only the first {MAX_FILTERS} filters were used.")

    def _number(self, key: str, value: str, negated: bool) -> None:
        match = _NUMBER.fullmatch(value)
        if match is None:
            self.notes.append(f"{shown(f'{key}:{value}')} names no number; write 4, >3 or <=2. It was left out.")
            return
        number, sign = float(match["number"]), match["sign"]
        least = {">": math.nextafter(number, math.inf), "<": -math.inf, "<=": -math.inf}.get(sign, number)
        most = {"<": math.nextafter(number, -math.inf), ">": math.inf, ">=": math.inf}.get(sign, number)
        self.filters[Filter(Kind.FACT, (), value, negated, key, least, most)] = None

    def _date(self, key: str, value: str, negated: bool) -> None:
        day = _day(value)
        if day is None:
            self.notes.append(
                f"{shown(f'{key}:{value}')} names no date; write 2023, 2023-06 or 2023-06-14. It was left out."
            )
        elif (key == "before") != negated:
            self.before = min(day, self.before or day)
        else:
            self.since = max(day, self.since or day)

    def _by(self, value: str, negated: bool) -> None:
        for name in re.split(r"[,|]", value.lower()):
            named = BY.get(name) or BY.get(f"{name}s") or BY.get(name.removesuffix("s"))
            if named is None:
                self.notes.append(f"by: takes {', '.join(BY)}; {shown(name)} was left out.")
            else:
                self.fields = (ALL - named if negated else named) | (self.fields or frozenset())

    def query(self, raw: str) -> Query:
        """Return the query made of all tokens."""
        text = " ".join(self.parts)
        if self.since and self.before and self.since >= self.before:
            self.notes.append("No day is both after the one date and before the other.")
        query = Query(raw, text, tuple(self.spans), tuple(self.filters), self.since, self.before, self.fields)
        nothing = () if query.has_filter or self.notes else _nothing_asked(raw, text)
        return replace(query, notes=(*dict.fromkeys(self.notes), *nothing))


def _day(text: str) -> date | None:
    """Parse a year, a month or a day into its first day; None when it is no date."""
    match = _DATE.fullmatch(text.strip(" ,.;"))
    try:
        return date(*(int(part or 1) for part in match.groups())) if match else None
    except ValueError:
        return None


def _nothing_asked(raw: str, text: str) -> tuple[str, ...]:
    if not raw.strip() or terms(text):
        return ()
    if words(text):
        return ("Those words are too common to tell photos apart. Say what is in the photo.",)
    return ("There is no word to search for. Say what is in the photo.",)
