"""Filters of an index's photos: by words, hashtags, objects, dates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property

import numpy as np

from photosearch.search.fields import FULL
from photosearch.search.index.conditions import Conditions, days_asked, days_of, seconds_before
from photosearch.search.index.lexicon import OBJECT, Lexicon
from photosearch.search.index.segment import CAPTIONED, CORRECTED, GAINS, Segment, is_predicted, key_kinds, row_places
from photosearch.search.index.state import State
from photosearch.search.index.tables import Tables
from photosearch.search.index.texts import SURE
from photosearch.search.query import Filter, Kind, Query, Refine, Worded

SURE_GAINS = GAINS[:, round(SURE * FULL)].astype(np.float32)  # of each kind, rounded as in segments


class Filters(Conditions):
    """Filters over the photos of one state."""

    def __init__(self, state: State, lexicon: Lexicon, tables: Tables) -> None:
        super().__init__(lexicon, tables)
        self._state = state

    def facet_counts(self) -> Mapping[int, int]:
        """Count the photos that have each facet, by its number; only those that some photo has."""
        return self._facet_counts

    @cached_property
    def _facet_counts(self) -> dict[int, int]:
        counts = np.zeros(len(self._lexicon.facets), np.int64)
        for segment, living, _ in self._parts():
            if len(segment.facet_rows):
                held = np.add.reduceat(living[segment.facet_rows].astype(np.int64), segment.by_facet_starts[:-1])
                counts[segment.by_facet] += held
        return {number: int(counts[number]) for number in np.flatnonzero(counts).tolist()}

    def has_dates(self) -> bool:
        """Return whether any photo has a date."""
        return any(bool(living[segment.by_date].any()) for segment, living, _ in self._parts())

    def has_any(self, condition: Filter) -> bool:
        """Return whether any photo has what a filter names, negated or not."""
        return bool((self._state.living() & self.holding(condition)).any())

    def passing(self, query: Query, refine: Refine) -> np.ndarray:
        """Return which photos pass all filters: bool (rows)."""
        passes = self._state.living()
        for condition in query.filters:
            passes &= ~self.holding(condition) if condition.negated else self.holding(condition)
        for label in refine.objects:
            passes &= self._with_facets(self.facet_numbers(OBJECT + label))
        since, before = days_asked(query, refine)
        if since or before:
            passes &= self._taken_between(since, before)
        if refine.worded is not None:
            flag = CORRECTED if refine.worded is Worded.CORRECTED else CAPTIONED
            passes &= np.concatenate(
                [*(segment.flags & flag > 0 for segment, _, _ in self._parts()), np.zeros(0, bool)]
            )
        return passes

    def _parts(self) -> Iterator[tuple[Segment, np.ndarray, int]]:
        return zip(self._state.segments, self._state.alive, self._state.offsets.tolist(), strict=False)

    def holding(self, condition: Filter) -> np.ndarray:
        """Return which photos have what a filter names, negated or not: bool (rows)."""
        if condition.kind is Kind.DATES:
            return self._taken_between(*days_of(condition))
        if condition.kind is Kind.WORDS:
            phrase = self.phrase_of(condition)
            return self._surely(phrase[0]) if len(phrase) == 1 else self._saying(phrase)
        return np.logical_and.reduce([self._with_facets(numbers) for numbers in self.facets_of(condition)])

    def _with_facets(self, numbers: Iterable[int]) -> np.ndarray:
        """Return the photos that have one of these facets."""
        chosen = list(numbers)
        passing = np.zeros(self._state.n_rows, bool)
        for segment, _, offset in self._parts():
            for number in chosen:
                passing[offset + segment.with_facet(number)] = True
        return passing

    def _taken_between(self, since: date | None, before: date | None) -> np.ndarray:
        """Return the photos taken from `since` on and before `before`."""
        passing = np.zeros(self._state.n_rows, bool)
        for segment, _, offset in self._parts():
            dated = segment.by_date
            taken = segment.taken[dated]
            low = np.searchsorted(taken, seconds_before(since)) if since else 0
            high = np.searchsorted(taken, seconds_before(before)) if before else len(dated)
            passing[offset + dated[low:high]] = True
        return passing

    def _surely(self, numbers: Iterable[int]) -> np.ndarray:
        """Return the photos with a term that is said in a text or an object, or predicted with at least `SURE`."""
        passing = np.zeros(self._state.n_rows, bool)
        for segment, _, offset in self._parts():
            for place in (place for number in numbers for place in segment.between(number)):
                rows = segment.holders(place)
                key = segment.by_key[place]
                if is_predicted(key):
                    own = slice(segment.key_starts[place], segment.key_starts[place + 1])
                    rows = rows[segment.gains[own] >= SURE_GAINS[key_kinds(key)]]
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
