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
    on:2023-06            only photos taken then; also on:2023-06..2023-08
    by:caption            search in captions only; also concepts, objects, labels, owner
    dog | cat beach       either of two neighbours; a photo's score is that of the alternative that fits it best
    (black dog) | cat     a group counts as one neighbour
    sun*                  words that begin so

A minus sign negates any of them. A query may consist of filters only: it finds all photos that pass. What cannot be
understood is explained in a note; no query is an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

from photosearch.search.alternatives import MAX_ALTERNATIVES, Reader
from photosearch.search.fields import ALL, BY, FILTERS, Field
from photosearch.words.analyzer import WORD, TermOf, plain_word, term_of, terms, words
from photosearch.words.hashtags import asked_hashtags, fold_hashtag

MAX_CHARS = 10_000
MAX_FILTERS = 50  # each is evaluated on all photos
_SHOWN_CHARS = 40
_COMMON = "Those words are too common to tell photos apart. Say what is in the photo."
_NOTHING = "There is no word to search for. Say what is in the photo."
MAX_PREFIXES = 10  # each is compared with all words of a collection
MIN_PREFIX = 2  # letters before a *
# As phones write them.
_TYPED = str.maketrans(dict.fromkeys("“”„‟«»＂", '"') | dict(zip("−＃：（）｜＊", "-#:()|*", strict=True)))
_TOKEN = re.compile(
    rf"""(?P<minus>-*)(?:(?P<sign>[()|])|by:(?P<by>[^\s"()]*)|
    (?:(?P<key>before|after|on|object|{"|".join(FILTERS)}):|(?P<tag>\#+))?
    (?:"(?P<quoted>[^"]*)"|(?P<stray>"?)(?P<bare>[^\s"()|]*)))""",
    re.IGNORECASE | re.VERBOSE,
)
_OR = "OR"  # stands for a bar
_DATE = re.compile(r"(\d{4})(?:[-/.](\d{1,2}))?(?:[-/.](\d{1,2}))?")
_NUMBER = re.compile(r"(?P<sign>[<>]?=?)(?P<number>-?\d{1,9})", re.ASCII)


class Kind(StrEnum):
    """What a filter tests."""

    WORDS = "words"
    HASHTAG = "hashtag"
    OBJECT = "object"
    FACT = "fact"
    DATES = "dates"


@dataclass(frozen=True)
class Filter:
    """A condition that photos must meet, or must not."""

    kind: Kind
    # Side by side, as in English; the index makes those of the owner's language from `shown`. A hashtag has one, folded
    # by `fold_hashtag`; the last of words and facts may be the beginning of a word with a *; dates have two: the first
    # day, and the first one after the range or "".
    terms: tuple[str, ...]
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
    prefixes: tuple[str, ...] = ()  # beginnings of words that are scored, too
    filters: tuple[Filter, ...] = ()
    since: date | None = None  # the first day
    before: date | None = None  # the first day after the range
    fields: frozenset[Field] | None = None  # the fields that the query names itself
    notes: tuple[str, ...] = ()  # messages on what was left out
    alternatives: tuple[Query, ...] = ()  # plain queries, whose filters are not repeated here; none for a plain query

    @property
    def plain(self) -> tuple[Query, ...]:
        """Return the alternatives, or the query itself where it has none."""
        return self.alternatives or (self,)

    @property
    def is_scored(self) -> bool:
        """Return whether any word is scored."""
        return any(terms(query.text) or query.prefixes for query in self.plain)

    @property
    def has_filter(self) -> bool:
        """Return whether photos are left out whatever their score."""
        return any(query.filters or query.since or query.before for query in self.plain)


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


def parse(raw: str, refused: Set[str] = frozenset()) -> Query:
    """Parse a query; never fails. Filters with the keys `refused`, which the public demo hides, are left out."""
    notes = [f"The query has {len(raw):,} characters; the first {MAX_CHARS:,} were read."] * (len(raw) > MAX_CHARS)
    reader: Reader[re.Match[str]] = Reader()
    for token in _tokens(raw[:MAX_CHARS].translate(_TYPED)):
        if token["sign"] == "(":
            reader.start(is_negated=bool(token["minus"]))
        elif token["sign"] == ")":
            reader.end()
        elif token["sign"] == "|" or token.group() == _OR:
            reader.bar()
        else:
            if token["stray"]:
                notes.append("A quotation mark has no partner; it was left out.")
            reader.add(token)
    alternatives, has_more = reader.alternatives()
    if reader.n_odd:
        notes.append("A bracket has no partner; it was left out.")
    if has_more:
        notes.append(
            f"The query has more than {MAX_ALTERNATIVES} alternatives; the first {MAX_ALTERNATIVES} were used."
        )
    queries = []
    for parts in alternatives:
        tokens = _Tokens(refused, notes=list(notes))
        for token, is_negated in parts:
            tokens.take(token, is_negated=is_negated)
        queries.append(tokens.query(raw))
    return queries[0] if len(queries) == 1 else _joined(raw, queries)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    end = 0
    while (token := _TOKEN.match(text, _skip_space(text, end))) and token.end() > end:
        end = token.end()
        if token.end() > token.start():
            yield token


def _joined(raw: str, queries: Sequence[Query]) -> Query:
    """Return the query of several alternatives; those that ask for nothing are left out."""
    asking = [query for query in queries if query.has_filter or query.is_scored] or queries[:1]
    left_out = (note for query in queries for note in query.notes if query in asking or note not in (_COMMON, _NOTHING))
    notes, queries = tuple(dict.fromkeys(left_out)), asking
    spans = tuple(sorted({span for query in queries for span in query.spans}))
    fields = [query.fields for query in queries if query.fields]
    return Query(
        raw,
        " ".join(raw[start:end] for start, end in spans),
        spans,
        fields=frozenset().union(*fields) if fields else None,
        notes=notes,
        alternatives=tuple(queries),
    )


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

    refused: Set[str] = frozenset()  # keys of facts
    parts: list[str] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    prefixes: dict[str, None] = field(default_factory=dict)  # in order, each once
    filters: dict[Filter, None] = field(default_factory=dict)  # likewise
    since: date | None = None
    before: date | None = None
    fields: frozenset[Field] | None = None
    notes: list[str] = field(default_factory=list)

    def take(self, token: re.Match[str], *, is_negated: bool) -> None:
        """Add one token; `is_negated` where a group around it is."""
        negated = bool(token["minus"]) != is_negated
        if token["by"] is not None:
            self._by(token["by"], negated)
            return
        quoted = token["quoted"] is not None
        value = token["quoted"] if quoted else token["bare"]
        match (token["key"] or "").lower():
            case key if key in self.refused:
                self.notes.append(
                    f"{key}: is not answered in the public demo, which does not show it. It was left out."
                )
            case "on":
                self._on(value, negated)
            case "before" | "after" as key:
                self._date(key, value, negated)
            case "object":
                self._filter(Kind.OBJECT, tuple(terms(value)), value, negated)
            case key if key in FILTERS and FILTERS[key].is_number:
                self._number(key, value, negated)
            case key if key in FILTERS:
                self._filter(Kind.FACT, asked_terms(value), value, negated, key)
            case _ if token["tag"]:
                *whole, last = asked_hashtags(f"#{value}") or [""]
                for tag in filter(None, (*whole, f"{last}*" if last and value.endswith("*") else last)):
                    self._filter(Kind.HASHTAG, (fold_hashtag(tag.rstrip("*")),), f"#{tag}", negated)
            case _ if quoted or negated:
                if words(value):
                    self._filter(Kind.WORDS, asked_terms(value), value, negated)
                if not negated:
                    self._words(value, token.start("quoted"))
            case _:
                self._words(value, token.start("bare"))

    def _words(self, value: str, start: int) -> None:
        begins = _beginnings(value)
        for prefix in (word.group() for word in begins):
            if len(self.prefixes) == MAX_PREFIXES:
                self.notes.append(f"Only the first {MAX_PREFIXES} beginnings of words were used.")
            elif len(prefix) >= MIN_PREFIX:
                self.prefixes[plain_word(prefix)] = None
            else:
                self.notes.append(f"{shown(f'{prefix}*')} begins too many words; it was left out.")
        for word in begins:
            value = f"{value[: word.start()]}{' ' * len(word.group())} {value[word.end() + 1 :]}"
        self.parts.append(value.strip())
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

    def _on(self, value: str, negated: bool) -> None:
        first, _, last = value.partition("..")
        since, (_, before) = _day(first), _range(last or first)
        if since is None or (before is None and last) or (before is not None and since >= before):
            self.notes.append(
                f"{shown(f'on:{value}')} names no date; write 2023, 2023-06, 2023-06-14 or 2023-06..2023-08."
                " It was left out."
            )
        else:
            days = (since.isoformat(), before.isoformat() if before else "")
            self._filter(Kind.DATES, days, f"on:{value}", negated)

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
        prefixes = tuple(self.prefixes)
        filters = tuple(self.filters)
        query = Query(raw, text, tuple(self.spans), prefixes, filters, self.since, self.before, self.fields)
        nothing = () if query.has_filter or prefixes or self.notes else _nothing_asked(raw, text)
        return replace(query, notes=(*dict.fromkeys(self.notes), *nothing))


def _day(text: str) -> date | None:
    """Parse a year, a month or a day into its first day; None when it is no date."""
    match = _DATE.fullmatch(text.strip(" ,.;"))
    try:
        return date(*(int(part or 1) for part in match.groups())) if match else None
    except ValueError:
        return None


def _range(text: str) -> tuple[date | None, date | None]:
    """Return the first day of a year, month or day, and the first day after it; None for what there is not."""
    first = _day(text)
    parts = [part for part in re.split(r"[-/.]", text.strip(" ,.;")) if part]
    if first is None:
        return None, None
    try:
        if len(parts) == 1:
            return first, first.replace(year=first.year + 1)
        if len(parts) == 2:
            return first, first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        return first, first + timedelta(days=1)
    except (ValueError, OverflowError):  # after the last year that there is
        return first, None


def asked_terms(value: str, term_of: TermOf = term_of) -> tuple[str, ...]:
    """Return the terms of a phrase; a * at its end makes its last word a beginning of words."""
    begins = _beginnings(value)
    if not begins or begins[-1].end() + 1 < len(value.rstrip()):
        return tuple(terms(value, term_of))
    last = begins[-1]
    prefix = (f"{plain_word(last.group())}*",) if len(last.group()) >= MIN_PREFIX else ()
    return (*terms(value[: last.start()], term_of), *prefix)


def _beginnings(text: str) -> list[re.Match[str]]:
    """Return the words with a * at their end."""
    return [word for word in WORD.finditer(text) if text.startswith("*", word.end())] if "*" in text else []


def _nothing_asked(raw: str, text: str) -> tuple[str, ...]:
    if not raw.strip() or terms(text):
        return ()
    if words(text):
        return (_COMMON,)
    return (_NOTHING,)
