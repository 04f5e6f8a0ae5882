"""Filters of an index's photos: by words, hashtags, objects, dates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from photosearch.search.fields import FULL
from photosearch.search.index.lexicon import HASHTAG, OBJECT, Lexicon
from photosearch.search.index.object_names import ObjectNames
from photosearch.search.index.segment import CAPTIONED, CORRECTED, GAINS, Segment, is_predicted, key_kinds, row_places
from photosearch.search.index.state import State
from photosearch.search.index.tables import Tables
from photosearch.search.index.texts import SURE, fact_facet, term_facet
from photosearch.search.query import Filter, Kind, Query, Refine, Worded, asked_terms, shown
from photosearch.words.analyzer import terms

N_NAMED = 8  # objects listed in a note
NO_DATES = "No date of these photos is known."
_DAY_S = 86_400
_EPOCH = date(1970, 1, 1)
_SURE_GAINS = GAINS[:, round(SURE * FULL)].astype(np.float32)  # of each kind, rounded as in segments


class Filters:
    """Filters over the photos of one state."""

    def __init__(self, state: State, lexicon: Lexicon, tables: Tables) -> None:
        self._state = state
        self._lexicon = lexicon
        self._tables = tables

    @cached_property
    def objects(self) -> dict[str, int]:
        """Count the photos that each object was detected in."""
        return self._counts(OBJECT)

    @cached_property
    def _object_names(self) -> ObjectNames:
        return ObjectNames(self.objects, self._tables.hypernyms, self._tables.related, self._tables.expansion)

    def _counts(self, start: str) -> dict[str, int]:
        """Count the photos with each facet whose name starts like this, by the rest of its name."""
        names = ((self._lexicon.facets[number], n) for number, n in self._facet_counts.items())
        return {name.removeprefix(start): n for name, n in names if name.startswith(start)}

    @cached_property
    def _facet_counts(self) -> dict[int, int]:
        counts = np.zeros(len(self._lexicon.facets), np.int64)
        for segment, living, _ in self._parts():
            if len(segment.facet_rows):
                held = np.add.reduceat(living[segment.facet_rows].astype(np.int64), segment.by_facet_starts[:-1])
                counts[segment.by_facet] += held
        return {number: int(counts[number]) for number in np.flatnonzero(counts).tolist()}

    def common_objects(self, n: int) -> list[str]:
        """Return the labels of the objects that most photos show, the most frequent first."""
        return _most_frequent(self.objects, n)

    def passing(self, query: Query, refine: Refine) -> np.ndarray:
        """Return which photos pass all filters: bool (rows)."""
        passes = self._state.living()
        for condition in query.filters:
            passes &= ~self._holding(condition) if condition.negated else self._holding(condition)
        for label in refine.objects:
            passes &= self._with_facets([OBJECT + label])
        after_last = refine.until + timedelta(days=1) if refine.until and refine.until < date.max else None
        since = max(filter(None, (query.since, refine.since)), default=None)
        before = min(filter(None, (query.before, after_last)), default=None)
        if since or before:
            passes &= self._taken_between(since, before)
        if refine.worded is not None:
            flag = CORRECTED if refine.worded is Worded.CORRECTED else CAPTIONED
            passes &= np.concatenate(
                [*(segment.flags & flag > 0 for segment, _, _ in self._parts()), np.zeros(0, bool)]
            )
        return passes

    def has_dates(self) -> bool:
        """Return whether any photo has a date."""
        return any(bool(living[segment.by_date].any()) for segment, living, _ in self._parts())

    def says(self, phrase: str) -> bool:
        """Return whether the texts of a photo hold these words side by side, or surely show the only word."""
        asked = tuple(terms(phrase))
        return bool(asked) and bool((self._state.living() & self._holding(Filter(Kind.WORDS, asked, phrase))).any())

    def notes(self, query: Query, refine: Refine) -> tuple[str, ...]:
        """Return messages on what the filters ask for and no photo of the collection has."""
        living = self._state.living()
        notes = []
        for condition in dict.fromkeys(condition for plain in query.plain for condition in plain.filters):
            if condition.kind is Kind.WORDS or condition.negated:
                continue
            if condition.kind is Kind.OBJECT and self._object_names.meant(condition.terms).is_nearest:
                notes.append(self._nearest(condition))
            elif not (living & self._holding(condition)).any():
                notes.append(self._missing(condition))
        asks_dates = any(plain.since or plain.before for plain in query.plain) or refine.since or refine.until
        if asks_dates and not self.has_dates():
            notes.append(NO_DATES)
        return tuple(dict.fromkeys(notes))

    def _parts(self) -> Iterator[tuple[Segment, np.ndarray, int]]:
        return zip(self._state.segments, self._state.alive, self._state.offsets.tolist(), strict=False)

    def _missing(self, condition: Filter) -> str:
        if condition.kind is Kind.HASHTAG:
            return f"None of these photos has the hashtag {shown(condition.shown)}."
        if condition.kind is Kind.DATES:
            return f"None of these photos was taken {shown(condition.shown)}." if self.has_dates() else NO_DATES
        if condition.kind is Kind.FACT:
            known = _most_frequent(self._counts(fact_facet(condition.key)), N_NAMED)
            asked = shown(f"{condition.key}:{condition.shown}")
            return f"None of these photos has {asked}." + (f" There is: {', '.join(known)}." if known else "")
        return f"None of these photos has the object {shown(condition.shown)}."

    def _nearest(self, condition: Filter) -> str:
        """Return a message on an object that was not detected."""
        missing = f"The object {shown(condition.shown)} was not detected in any of these photos"
        if nearest := self._object_names.meant(condition.terms).labels:
            return f"{missing}; the nearest that was is {shown(nearest[0])}."
        seen = self.common_objects(N_NAMED)
        return f"{missing}." + (f" Objects that were detected: {', '.join(seen)}." if seen else "")

    def _holding(self, condition: Filter) -> np.ndarray:
        match condition.kind:
            case Kind.HASHTAG:
                return self._with_facets([HASHTAG + condition.terms[0]])
            case Kind.OBJECT:
                named = self._object_names.meant(condition.terms)
                is_meant = not (named.is_nearest and condition.negated)  # the nearest is not what is unwanted
                return self._with_facets(OBJECT + label for label in named.labels if is_meant)
            case Kind.FACT:
                return self._with_fact(condition)
            case Kind.DATES:
                since, before = (date.fromisoformat(day) if day else None for day in condition.terms)
                return self._taken_between(since, before)
            case Kind.WORDS:
                asked = asked_terms(condition.shown, self._tables.term_of)
                phrase = [self._numbers(term) for term in asked]
                return self._surely(phrase[0]) if len(phrase) == 1 else self._saying(phrase)

    def _with_fact(self, condition: Filter) -> np.ndarray:
        """Return the photos whose fact holds all the terms, or is a number in the range."""
        if not condition.terms:
            start = fact_facet(condition.key)
            numbers = self._counts(start)
            return self._with_facets(start + n for n in numbers if condition.least <= float(n) <= condition.most)
        parts = [self._with_facets([term_facet(condition.key, term)]) for term in condition.terms]
        return np.logical_and.reduce(parts)

    def _with_facets(self, names: Iterable[str]) -> np.ndarray:
        numbers = [number for name in names if (number := self._lexicon.facets.get(name)) is not None]
        passing = np.zeros(self._state.n_rows, bool)
        for segment, _, offset in self._parts():
            for number in numbers:
                passing[offset + segment.with_facet(number)] = True
        return passing

    def _taken_between(self, since: date | None, before: date | None) -> np.ndarray:
        """Return the photos taken from `since` on and before `before`."""
        passing = np.zeros(self._state.n_rows, bool)
        for segment, _, offset in self._parts():
            dated = segment.by_date
            taken = segment.taken[dated]
            low = np.searchsorted(taken, _seconds(since)) if since else 0
            high = np.searchsorted(taken, _seconds(before)) if before else len(dated)
            passing[offset + dated[low:high]] = True
        return passing

    def _numbers(self, term: str) -> list[int]:
        """Return the number of a term, or those of all terms that begin so where a * ends it."""
        if term.endswith("*"):
            return self._lexicon.terms_from(term[:-1])
        number = self._lexicon.terms.get(term)
        return [] if number is None else [number]

    def _surely(self, numbers: Iterable[int]) -> np.ndarray:
        """Return the photos with a term that is said in a text or an object, or predicted with at least `SURE`."""
        passing = np.zeros(self._state.n_rows, bool)
        for segment, _, offset in self._parts():
            for place in (place for number in numbers for place in segment.between(number)):
                rows = segment.holders(place)
                key = segment.by_key[place]
                if is_predicted(key):
                    own = slice(segment.key_starts[place], segment.key_starts[place + 1])
                    rows = rows[segment.gains[own] >= _SURE_GAINS[key_kinds(key)]]
                passing[offset + rows] = True
        return passing

    def _saying(self, phrase: Sequence[list[int]]) -> np.ndarray:
        """Return the photos with a text that holds terms side by side, each one of those given for its place."""
        passing = np.zeros(self._state.n_rows, bool)
        stems = self._lexicon.stems()
        for segment, _, offset in self._parts() if len(stems) and all(phrase) else ():
            rows = _holding_all(segment, phrase)
            said, begins = row_places(segment.stream_starts, rows)
            stream = segment.stream[said]
            stream = np.where(stream >= 0, stems[stream], stream)  # breaks are no words
            of = np.repeat(rows, np.diff(begins))
            places = np.flatnonzero(_is_any(stream, phrase[0]))
            for step, numbers in enumerate(phrase[1:], start=1):
                places = places[places + step < len(stream)]
                places = places[_is_any(stream[places + step], numbers)]
            passing[offset + of[places]] = True
        return passing


def _most_frequent(counts: Mapping[str, int], n: int) -> list[str]:
    return [name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:n]]


def _is_any(values: np.ndarray, numbers: list[int]) -> np.ndarray:
    return values == numbers[0] if len(numbers) == 1 else np.isin(values, numbers)


def _holding_all(segment: Segment, phrase: Sequence[list[int]]) -> np.ndarray:
    """Return the rows that hold a term of each list: int64, ascending."""
    holding: np.ndarray | None = None
    for numbers in phrase:
        parts = [segment.holders(place) for number in numbers for place in segment.between(number)]
        rows = np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.int64)
        holding = rows if holding is None else np.intersect1d(holding, rows, assume_unique=True)
    return np.zeros(0, np.int64) if holding is None else holding.astype(np.int64)


def _seconds(day: date) -> int:
    return (day - _EPOCH).days * _DAY_S
