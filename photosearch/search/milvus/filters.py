"""Filters as expressions of Milvus; phrases of three words and more are looked for in the candidates' texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from photosearch.search.index.conditions import Conditions, days_asked, days_of, seconds_before
from photosearch.search.index.lexicon import OBJECT
from photosearch.search.index.segment import CAPTIONED, CORRECTED
from photosearch.search.index.tables import Tables
from photosearch.search.milvus.counts import Counts
from photosearch.search.milvus.rows import pair_number
from photosearch.search.query import Filter, Kind, Query, Refine, Worded

NOTHING = 'id == ""'
MAX_NUMBERS = 4_096  # of one expression; beginnings of words may stand for more terms, of which some are left out


@dataclass(frozen=True)
class Asked:
    """What Milvus is asked for, and what is left to look for in the photos that it finds."""

    expression: str  # empty: all photos
    phrases: tuple[Filter, ...] = ()


class Expressions(Conditions):
    """Filters over a collection in Milvus."""

    def __init__(self, counts: Counts, tables: Tables, is_any: Callable[[Asked], bool]) -> None:
        """Take the counts of the collection, and what tells whether any photo passes."""
        super().__init__(counts.lexicon, tables)
        self._counts_of_all = counts
        self._is_any = is_any

    def facet_counts(self) -> Mapping[int, int]:
        """Count the photos that have each facet, by its number; only those that some photo has."""
        return self._counts_of_all.by_facet

    def has_dates(self) -> bool:
        """Return whether any photo has a date."""
        return self._counts_of_all.n_dated > 0

    def has_any(self, condition: Filter) -> bool:
        """Return whether any photo has what a filter names, negated or not."""
        phrases = (condition,) if self._is_long(condition) else ()
        expression = self._holding(condition)
        return expression != NOTHING and self._is_any(Asked(expression, phrases))

    def asked(self, query: Query, refine: Refine) -> Asked:
        """Return what photos must meet to pass all filters."""
        parts, phrases = [], []
        for condition in query.filters:
            is_long = self._is_long(condition)
            if is_long:
                phrases.append(condition)
            if not condition.negated:
                parts.append(self._holding(condition))
            elif not is_long:
                parts.append(f"not ({self._holding(condition)})")
        parts += [_any_of("facets", self.facet_numbers(OBJECT + label)) for label in sorted(refine.objects)]
        since, before = days_asked(query, refine)
        if since or before:
            parts.append(_between(since, before))
        if refine.worded is not None:
            flag = CORRECTED if refine.worded is Worded.CORRECTED else CAPTIONED
            parts.append(f"flags in {[flags for flags in range(2 * CAPTIONED) if flags & flag]}")
        if NOTHING in parts:
            return Asked(NOTHING)
        return Asked(" and ".join(f"({part})" for part in parts), tuple(phrases))

    def _is_long(self, condition: Filter) -> bool:
        """Return whether a phrase has more than the two words that are kept as a pair."""
        return condition.kind is Kind.WORDS and len(self.phrase_of(condition)) > 2

    def _holding(self, condition: Filter) -> str:
        if condition.kind is Kind.DATES:
            return _between(*days_of(condition))
        if condition.kind is not Kind.WORDS:
            return _all_of(_any_of("facets", numbers) for numbers in self.facets_of(condition))
        phrase = self.phrase_of(condition)
        if len(phrase) == 1:
            return _any_of("sure", phrase[0])
        neighbours = pairwise(phrase)
        pairs = ([pair_number(a, b) for a in first for b in second] for first, second in neighbours)
        return _all_of(_any_of("pairs", numbers) for numbers in pairs)


def _any_of(array: str, numbers: Sequence[int]) -> str:
    if not numbers:
        return NOTHING
    return f"array_contains_any({array}, {sorted(numbers)[:MAX_NUMBERS]})"


def _all_of(parts: Iterable[str]) -> str:
    every = list(parts)
    return NOTHING if NOTHING in every or not every else " and ".join(every)


def _between(since: date | None, before: date | None) -> str:
    after = f"taken >= {seconds_before(since or date.min)}"
    return f"{after} and taken < {seconds_before(before)}" if before else after
