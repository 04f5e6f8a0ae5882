"""What the filters of a query mean in a collection: the names, terms and days that a photo must have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cached_property

from photosearch.search.dates import days_text
from photosearch.search.index.lexicon import HASHTAG, OBJECT, Lexicon
from photosearch.search.index.object_names import ObjectNames
from photosearch.search.index.tables import Tables
from photosearch.search.index.texts import fact_facet, term_facet
from photosearch.search.query import Filter, Kind, Query, Refine, asked_terms, shown
from photosearch.words.analyzer import plain_word, terms, unaccented, words
from photosearch.words.hashtags import fold_hashtag

N_NAMED = 8  # objects listed in a note
_NO_DATES = "No date of these photos is known."
_DAY_S = 86_400
_EPOCH = date(1970, 1, 1)


class Conditions(ABC):
    """Filters over one state of a collection; subclasses know which photos pass them."""

    def __init__(self, lexicon: Lexicon, tables: Tables) -> None:
        self._lexicon = lexicon
        self._tables = tables

    @abstractmethod
    def facet_counts(self) -> Mapping[int, int]:
        """Count the photos that have each facet, by its number; only those that some photo has."""

    @abstractmethod
    def has_dates(self) -> bool:
        """Return whether any photo has a date."""

    @abstractmethod
    def has_any(self, condition: Filter) -> bool:
        """Return whether any photo has what a filter names, negated or not."""

    @cached_property
    def objects(self) -> dict[str, int]:
        """Count the photos that each object was detected in."""
        return self._counts(OBJECT)

    @cached_property
    def _object_names(self) -> ObjectNames:
        return ObjectNames(self.objects, self._tables.hypernyms, self._tables.related, self._tables.expansion)

    def _counts(self, start: str) -> dict[str, int]:
        """Count the photos with each facet whose name starts like this, by the rest of its name."""
        names = ((self._lexicon.facets[number], n) for number, n in self.facet_counts().items())
        return {name.removeprefix(start): n for name, n in names if name.startswith(start)}

    def common_objects(self, n: int) -> list[str]:
        """Return the labels of the objects that most photos show, the most frequent first."""
        return _most_frequent(self.objects, n)

    def says(self, phrase: str) -> bool:
        """Return whether the texts of a photo hold these words side by side, or surely show the only word."""
        asked = tuple(terms(phrase))
        return bool(asked) and self.has_any(Filter(Kind.WORDS, asked, phrase))

    # What is meant

    def facets_of(self, condition: Filter) -> list[list[int]]:
        """Return the facets that a photo must have by a filter of hashtags, objects or facts: one of each list."""
        begins = condition.shown.endswith("*")
        match condition.kind:
            case Kind.HASHTAG:
                tag = fold_hashtag(condition.shown.removeprefix("#").rstrip("*"), self._tables.language.fold)
                names = [self._facets_from(HASHTAG + tag) if begins else [HASHTAG + tag]]
            case Kind.OBJECT if begins:
                names = [[OBJECT + label for label in self._labels_from(condition.shown.rstrip("*"))]]
            case Kind.OBJECT:
                named = self._object_names.meant(condition.terms)
                is_meant = not (named.is_nearest and condition.negated)  # the nearest is not what is unwanted
                names = [[OBJECT + label for label in named.labels if is_meant]]
            case _ if condition.terms:
                asked = asked_terms(condition.shown, self._tables.term_of)
                fold = self._tables.language.fold
                names = [
                    self._facets_from(term_facet(condition.key, fold(term[:-1])))
                    if term.endswith("*")
                    else [term_facet(condition.key, term)]
                    for term in asked
                ]
            case _:
                start = fact_facet(condition.key)
                names = [[start + n for n in self._counts(start) if condition.least <= float(n) <= condition.most]]
        return [self.facet_numbers(*some) for some in names]

    def _facets_from(self, beginning: str) -> list[str]:
        """Return the names of the facets that begin so, of those that some photo has."""
        return [beginning + rest for rest in self._counts(beginning)]

    def _labels_from(self, beginning: str) -> list[str]:
        """Return the labels of which a word begins so, of the objects that were detected."""
        start = unaccented(plain_word(beginning))
        return [label for label in self.objects if any(word.startswith(start) for word in (label, *words(label)))]

    def facet_numbers(self, *names: str) -> list[int]:
        """Return the numbers of facets by their names, of those that some photo has or had."""
        return [number for name in names if (number := self._lexicon.facets.get(name)) is not None]

    def phrase_of(self, condition: Filter) -> list[list[int]]:
        """Return the terms that a text must hold side by side by a filter of words: one of each list for its place."""
        return [self._numbers(term) for term in asked_terms(condition.shown, self._tables.term_of)]

    def _numbers(self, term: str) -> list[int]:
        """Return the number of a term, or those of all terms that begin so where a * ends it."""
        if term.endswith("*"):
            return self._lexicon.terms_from(term[:-1])
        number = self._lexicon.terms.get(term)
        return [] if number is None else [number]

    # Notes

    def notes(self, query: Query, refine: Refine) -> tuple[str, ...]:
        """Return messages on what the filters ask for and no photo of the collection has."""
        notes = []
        for condition in dict.fromkeys(condition for plain in query.plain for condition in plain.filters):
            if condition.kind is Kind.WORDS or condition.negated:
                continue
            is_name = condition.kind is Kind.OBJECT and not condition.shown.endswith("*")
            if is_name and self._object_names.meant(condition.terms).is_nearest:
                notes.append(self._nearest(condition))
            elif not self.has_any(condition):
                notes.append(self._missing(condition))
        spans = dict.fromkeys(days_asked(plain, refine) for plain in query.plain)
        notes += [self._none_taken(since, before) for since, before in spans if not self._has_days(since, before)]
        return tuple(dict.fromkeys(notes))

    def _has_days(self, since: date | None, before: date | None) -> bool:
        """Return whether any photo was taken then; True where no day is asked for, or none is left."""
        if since is None and before is None:
            return True
        if since and before and since >= before and self.has_dates():  # the query's own note says so
            return True
        days = tuple(day.isoformat() if day else "" for day in (since, before))
        return self.has_any(Filter(Kind.DATES, days, ""))

    def _none_taken(self, since: date | None, before: date | None) -> str:
        return f"None of these photos was taken {days_text(since, before)}." if self.has_dates() else _NO_DATES

    def _missing(self, condition: Filter) -> str:
        if condition.kind is Kind.HASHTAG:
            return f"None of these photos has the hashtag {shown(condition.shown)}."
        if condition.kind is Kind.DATES:
            return self._none_taken(*days_of(condition))
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


def days_asked(query: Query, refine: Refine) -> tuple[date | None, date | None]:
    """Return the first day, and the first one after the last, that a query and the filters beside it allow."""
    after_last = refine.until + timedelta(days=1) if refine.until and refine.until < date.max else None
    since = max(filter(None, (query.since, refine.since)), default=None)
    return since, min(filter(None, (query.before, after_last)), default=None)


def days_of(condition: Filter) -> tuple[date | None, date | None]:
    """Return the first day, and the first one after the last, of a filter of dates."""
    since, before = (date.fromisoformat(day) if day else None for day in condition.terms)
    return since, before


def seconds_before(day: date) -> int:
    """Return the seconds from 1970 to the beginning of a day."""
    return (day - _EPOCH).days * _DAY_S


def _most_frequent(counts: Mapping[str, int], n: int) -> list[str]:
    return [name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:n]]
