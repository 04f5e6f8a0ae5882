"""Filters of an index's photos: by words, hashtags, objects, dates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from photosearch.analyzer import terms
from photosearch.search.fields import FULL
from photosearch.search.index.lexicon import HASHTAG, OBJECT, Lexicon
from photosearch.search.index.segment import CAPTIONED, CORRECTED, GAINS, Segment, is_predicted, key_kinds, row_places
from photosearch.search.index.state import State
from photosearch.search.index.texts import SURE, fact_facet, term_facet
from photosearch.search.query import Filter, Kind, Query, Refine, Worded, shown

N_NAMED = 8  # objects listed in a note
_DAY_S = 86_400
_EPOCH = date(1970, 1, 1)
_SURE_GAINS = GAINS[:, round(SURE * FULL)].astype(np.float32)  # of each kind, rounded as in segments


class Filters:
    """Filters over the photos of one state."""

    def __init__(self, state: State, lexicon: Lexicon) -> None:
        self._state = state
        self._lexicon = lexicon

    @cached_property
    def objects(self) -> dict[str, int]:
        """Count the photos that each object was detected in."""
        return self._counts(OBJECT)

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

    def notes(self, query: Query, refine: Refine) -> tuple[str, ...]:
        """Return messages on what the filters ask for and no photo of the collection has."""
        living = self._state.living()
        notes = []
        for condition in query.filters:
            if (
                condition.kind is not Kind.WORDS
                and not condition.negated
                and not (living & self._holding(condition)).any()
            ):
                notes.append(self._missing(condition))
        if (query.since or query.before or refine.since or refine.until) and not self.has_dates():
            notes.append("None of these photos has a date.")
        return tuple(notes)

    def _parts(self) -> Iterator[tuple[Segment, np.ndarray, int]]:
        return zip(self._state.segments, self._state.alive, self._state.offsets.tolist(), strict=False)

    def _missing(self, condition: Filter) -> str:
        if condition.kind is Kind.HASHTAG:
            return f"None of these photos has the hashtag {shown(condition.shown)}."
        if condition.kind is Kind.FACT:
            known = _most_frequent(self._counts(fact_facet(condition.key)), N_NAMED)
            asked = shown(f"{condition.key}:{condition.shown}")
            return f"None of these photos has {asked}." + (f" There is: {', '.join(known)}." if known else "")
        seen = self.common_objects(N_NAMED)
        others = f" Objects that were detected: {', '.join(seen)}." if seen else ""
        return f"The object {shown(condition.shown)} was not detected in any of these photos.{others}"

    def _holding(self, condition: Filter) -> np.ndarray:
        match condition.kind:
            case Kind.HASHTAG:
                return self._with_facets([HASHTAG + condition.terms[0]])
            case Kind.OBJECT:
                return self._showing(condition.terms)
            case Kind.FACT:
                return self._with_fact(condition)
            case Kind.WORDS:
                return self._surely(condition.terms[0]) if len(condition.terms) == 1 else self._saying(condition.terms)

    def _showing(self, name_terms: tuple[str, ...]) -> np.ndarray:
        """Return the photos with the object of this name; if there is none, with objects named with these terms."""
        called = {label: tuple(terms(label)) for label in self.objects}
        labels = [label for label, name in called.items() if name == name_terms]
        labels = labels or [label for label, name in called.items() if set(name_terms) <= set(name)]
        return self._with_facets(OBJECT + label for label in labels)

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

    def _surely(self, term: str) -> np.ndarray:
        """Return the photos with a term that is said in a text or an object, or predicted with at least `SURE`."""
        passing = np.zeros(self._state.n_rows, bool)
        number = self._lexicon.terms.get(term)
        for segment, _, offset in self._parts():
            for place in segment.between(number) if number is not None else ():
                rows = segment.holders(place)
                key = segment.by_key[place]
                if is_predicted(key):
                    own = slice(segment.key_starts[place], segment.key_starts[place + 1])
                    rows = rows[segment.gains[own] >= _SURE_GAINS[key_kinds(key)]]
                passing[offset + rows] = True
        return passing

    def _saying(self, phrase: tuple[str, ...]) -> np.ndarray:
        """Return the photos with a text that holds these terms side by side."""
        passing = np.zeros(self._state.n_rows, bool)
        numbers = [self._lexicon.terms.get(term) for term in phrase]
        stems = self._lexicon.stems()
        for segment, _, offset in self._parts() if len(stems) and None not in numbers else ():
            rows = _holding_all(segment, {number for number in numbers if number is not None})
            said, begins = row_places(segment.stream_starts, rows)
            stream = segment.stream[said]
            stream = np.where(stream >= 0, stems[stream], stream)  # breaks are no words
            of = np.repeat(rows, np.diff(begins))
            places = np.flatnonzero(stream == numbers[0])
            for step, number in enumerate(numbers[1:], start=1):
                places = places[places + step < len(stream)]
                places = places[stream[places + step] == number]
            passing[offset + of[places]] = True
        return passing


def _most_frequent(counts: Mapping[str, int], n: int) -> list[str]:
    return [name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:n]]


def _holding_all(segment: Segment, numbers: set[int]) -> np.ndarray:
    """Return the rows that hold each of some terms: int64, ascending."""
    holding: np.ndarray | None = None
    for number in numbers:
        parts = [segment.holders(place) for place in segment.between(number)]
        rows = np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.int64)
        holding = rows if holding is None else np.intersect1d(holding, rows, assume_unique=True)
    return np.zeros(0, np.int64) if holding is None else holding.astype(np.int64)


def _seconds(day: date) -> int:
    return (day - _EPOCH).days * _DAY_S
