"""Which photos of a collection pass: by words, hashtags, objects, dates."""

from __future__ import annotations

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from photosearch.analyzer import terms
from photosearch.query import Filter, Kind, Query, Refine, Worded, fold_tag, shown
from photosearch.records import Document

SURE = 0.5  # a photo holds what was predicted with this probability
N_NAMED = 8  # objects
_BREAK, _OTHER = -1, -2  # in the stream: the end of a text, a term that the index does not hold
_HASHTAG = re.compile(r"#(\w+)")


class Terms:
    """The terms that a photo holds: said in a text or object, or surely predicted."""

    def __init__(self, columns: Mapping[str, int], of: np.ndarray, rows: np.ndarray, n_rows: int) -> None:
        """`of` and `rows` (int32) are the term and the photo of each posting that counts, by term."""
        self._columns = columns
        self._rows = rows
        self._starts = np.searchsorted(of, np.arange(len(columns) + 1))
        self._n_rows = n_rows

    def holding(self, term: str) -> np.ndarray:
        """The photos that hold a term: bool (N,)."""
        found = np.zeros(self._n_rows, bool)
        column = self._columns.get(term)
        if column is not None:
            found[self._rows[self._starts[column] : self._starts[column + 1]]] = True
        return found


class Filters:
    """What the photos of an index are filtered by; a row is a photo's place in it."""

    def __init__(self, documents: Sequence[Document], columns: Mapping[str, int], held: Terms) -> None:
        self._n_rows = len(documents)
        self._columns = columns
        self._held = held
        self._taken = np.array([d.taken_at for d in documents], dtype="datetime64[s]")
        self._corrected = np.array([any(d.human) for d in documents], dtype=bool)
        self._captioned = np.array([any(d.human or d.captions) for d in documents], dtype=bool)
        self._tags = _rows_by((row, tag) for row, d in enumerate(documents) for tag in _hashtags(d))
        self._objects = _rows_by((row, label) for row, d in enumerate(documents) for label, _ in d.objects)
        self._stream, self._stream_rows = _stream(documents, columns)

    def common_objects(self, n: int) -> list[str]:
        """The labels of the objects that most photos show, the most frequent first."""
        counts = Counter({label: len(rows) for label, rows in self._objects.items()})
        return [label for label, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:n]]

    def passing(self, query: Query, refine: Refine) -> np.ndarray:
        """The photos that pass all filters: bool (N,)."""
        passes = np.ones(self._n_rows, bool)
        for one in query.filters:
            passes &= ~self._holding(one) if one.negated else self._holding(one)
        for label in refine.objects:
            passes &= self._of(self._objects.get(label, ()))
        after_last = refine.until + timedelta(days=1) if refine.until and refine.until < date.max else None
        for since in filter(None, (query.since, refine.since)):
            passes &= self._taken >= np.datetime64(since)
        for before in filter(None, (query.before, after_last)):
            passes &= self._taken < np.datetime64(before)
        if refine.worded is not None:
            passes &= self._corrected if refine.worded is Worded.CORRECTED else self._captioned
        return passes

    def has_dates(self) -> bool:
        """Whether it is known of any photo when it was taken."""
        return not np.isnat(self._taken).all()

    def notes(self, query: Query, refine: Refine) -> tuple[str, ...]:
        """What is asked for that no photo here has, for people."""
        found = []
        for one in query.filters:
            if one.kind is not Kind.WORDS and not one.negated and not self._holding(one).any():
                found.append(self._missing(one))
        if (query.since or query.before or refine.since or refine.until) and np.isnat(self._taken).all():
            found.append("It is not known of any photo here when it was taken.")
        return tuple(found)

    def _missing(self, one: Filter) -> str:
        if one.kind is Kind.HASHTAG:
            return f"No photo here has the hashtag {shown(one.shown)}."
        seen = self.common_objects(N_NAMED)
        others = f" Objects that were: {', '.join(seen)}." if seen else ""
        return f"The object {shown(one.shown)} was seen in no photo here.{others}"

    def by_date(self, rows: np.ndarray, *, newest_first: bool) -> np.ndarray:
        """The places of rows in the order of their dates, those without one last, then as they are given: int64."""
        taken = self._taken[rows]
        seconds = taken.astype(np.int64)
        return np.lexsort((-seconds if newest_first else seconds, np.isnat(taken)))

    def _of(self, rows: Sequence[int]) -> np.ndarray:
        found = np.zeros(self._n_rows, bool)
        found[list(rows)] = True
        return found

    def _holding(self, one: Filter) -> np.ndarray:
        match one.kind:
            case Kind.HASHTAG:
                return self._of(self._tags.get(one.terms[0], ()))
            case Kind.OBJECT:
                return self._showing(one.terms)
            case Kind.WORDS:
                return self._held.holding(one.terms[0]) if len(one.terms) == 1 else self._saying(one.terms)

    def _showing(self, wanted: tuple[str, ...]) -> np.ndarray:
        """The photos with an object called so; where none is, with one that has these words in its name."""
        called = {label: tuple(terms(label)) for label in self._objects}
        labels = [label for label, name in called.items() if name == wanted]
        labels = labels or [label for label, name in called.items() if set(wanted) <= set(name)]
        return self._of([row for label in labels for row in self._objects[label]])

    def _saying(self, phrase: tuple[str, ...]) -> np.ndarray:
        """The photos with a text that holds these terms side by side."""
        numbers = [self._columns.get(term, _OTHER) for term in phrase]
        found = np.zeros(self._n_rows, bool)
        if _OTHER in numbers:
            return found
        places = np.flatnonzero(self._stream == numbers[0])
        for step, number in enumerate(numbers[1:], start=1):
            places = places[places + step < len(self._stream)]
            places = places[self._stream[places + step] == number]
        found[self._stream_rows[places]] = True
        return found


def _hashtags(document: Document) -> set[str]:
    written = (tag for text in document.owner for tag in _HASHTAG.findall(text))
    return {fold_tag(tag.lstrip("#")) for tag in (*document.hashtags, *written)}


def _rows_by(pairs: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    """The rows of each value, each row once."""
    found: defaultdict[str, dict[int, None]] = defaultdict(dict)
    for row, value in pairs:
        found[value][row] = None
    return {value: list(rows) for value, rows in found.items()}


def _stream(documents: Sequence[Document], columns: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """The terms of all texts one after another, as numbers (int32), with the row of each (int32)."""
    stream, rows = array("i"), array("i")
    known: dict[str, list[int]] = {}  # a captioner says the same of many photos
    for row, document in enumerate(documents):
        for text in _texts(document):
            if text not in known:
                known[text] = [*(columns.get(term, _OTHER) for term in terms(text)), _BREAK]
            stream.extend(known[text])
            rows.extend([row] * len(known[text]))
    return np.array(stream, np.int32), np.array(rows, np.int32)


def _texts(document: Document) -> Iterator[str]:
    """All that a photo says in words."""
    yield from document.human or document.captions
    yield from document.owner
    yield from dict.fromkeys(label for label, _ in document.objects)
    yield from (label for label, prob in document.labels.items() if prob >= SURE)
