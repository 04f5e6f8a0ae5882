"""Queries to weighted terms, and the scores of photos.

Photos are first scored in single precision over the postings of the query's terms. Those that may be among the
best are then scored exactly from their own postings, which also say why.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from photosearch.records import Document, Share
from photosearch.search.fields import PAIR, postings
from photosearch.search.index.lexicon import Lexicon
from photosearch.search.index.segment import (
    FIELDS,
    KIND_FIELDS,
    Segment,
    first_key,
    gains_of,
    key_kinds,
    key_terms,
    make_kind,
    row_places,
    slice_places,
)
from photosearch.search.index.tables import Tables
from photosearch.search.index.views import View
from photosearch.words.analyzer import pairs, terms, words

_LONG = 8_192  # postings of a key that are added one key at a time
_TAKEN = 256  # shorter slices, on average, are quicker to take by places than to copy one by one
_FEW = 8  # with at least this many times more photos than postings, only the postings' photos are scaled, not all
_SHARE = itemgetter(Share._fields.index("share"))
_NAMES = itemgetter(Share._fields.index("term"), Share._fields.index("field"))
LEARNED, LANGUAGE = "learned", "language"  # relations beside those of `related.Relation`
BEGINNING = "beginning"  # of the word
MAX_BEGUN = 64  # terms that one beginning of words stands for, the most frequent first


class TermSource(NamedTuple):
    """A term of the query that adds to the weight of a term of the index."""

    term: str
    part: float  # of the weight
    relation: str = ""  # empty: both are the same term
    strength: float = 1.0  # share of the query's term that the index's term counts for


class QueryTerm(NamedTuple):
    """The weight of one of the index's terms in a query, and where it comes from."""

    weight: float  # q(t) / |q|
    sources: tuple[TermSource, ...]


class Vectorizer:
    """Query vectors over a view's terms. A term that no photo holds is no dimension."""

    def __init__(self, lexicon: Lexicon, view: View, tables: Tables, n_photos: int) -> None:
        self._lexicon = lexicon
        self._view = view
        self._tables = tables
        self._unseen = 1 + math.log(1 + n_photos)  # the idf of a term that no photo holds

    def query(self, text: str, *, expand: bool, prefixes: Iterable[str] = ()) -> dict[int, QueryTerm]:
        """Return a query's normalised vector, by term number.

        Args:
            text: a description; signs mean nothing.
            expand: whether related terms count, too.
            prefixes: beginnings of words; each stands for all terms that begin so.
        """
        parts: defaultdict[int, list[TermSource]] = defaultdict(list)
        query_terms = terms(text, self._tables.term_of)
        for pair, n in Counter(pairs(query_terms)).items():
            number, idf = self._held(pair)
            if number is not None:
                parts[number].append(TermSource(pair, PAIR * (1 + math.log(n)) * idf))
        for term, n in Counter(query_terms).items():
            number, idf = self._held(term)
            count = 1 + math.log(n)
            if number is not None:
                parts[number].append(TermSource(term, count * idf))
            for related in self._related(term, number is not None) if expand else ():
                other, own_idf = self._held(related.term)
                if other is not None:
                    # The learned table was made with the IDF of the query's term; for the dictionary the related
                    # term's own IDF finds better.
                    counted = (idf or self._unseen) if related.relation == LEARNED else own_idf
                    part = related.strength * count * counted
                    parts[other].append(TermSource(term, part, related.relation, related.strength))
        for stem, term, n in self._other_stems(text):
            number, idf = self._held(stem)
            if number is not None:
                parts[number].append(TermSource(term, (1 + math.log(n)) * idf, LANGUAGE))
        for prefix in prefixes:
            for number, idf in self._begun(prefix):
                parts[number].append(TermSource(f"{prefix}*", idf, BEGINNING))
        return _normalised(parts)

    def document(self, document: Document) -> dict[int, QueryTerm]:
        """Return the vector of a photo that need not be in the index, to find photos like it."""
        parts: defaultdict[int, list[TermSource]] = defaultdict(list)
        for posting in postings(document, self._tables.hypernyms):
            number, idf = self._held(posting.term)
            weight = float(self._view.kind_weights[make_kind(posting.field, predicted=not posting.times)])
            if number is not None and weight:
                parts[number].append(TermSource(posting.term, weight * posting.gain * idf))
        return _normalised({number: [_together(sources)] for number, sources in parts.items()})

    def holds(self, term: str) -> bool:
        """Return whether any photo holds a term."""
        return self._held(term)[0] is not None

    def related(self, term: str) -> list[str]:
        """Return the terms that a query's term also counts for."""
        return [related.term for related in self._related(term, self.holds(term))]

    def _held(self, term: str) -> tuple[int | None, float]:
        """Return a term's number and IDF; None and 0 when no photo holds it in the view's fields."""
        number = self._lexicon.terms.get(term)
        idf = float(self._view.idf[number]) if number is not None and number < len(self._view.idf) else 0.0
        return (number, idf) if idf else (None, 0.0)

    def _begun(self, prefix: str) -> list[tuple[int, float]]:
        """Return the terms that begin so with their IDF, the most frequent ones."""
        numbers = (number for number in self._lexicon.terms_from(prefix) if number < len(self._view.idf))
        held = [(number, idf) for number in numbers if (idf := float(self._view.idf[number]))]
        return sorted(held, key=lambda of: (of[1], of[0]))[:MAX_BEGUN]

    def _related(self, term: str, is_held: bool) -> list[_Related]:
        """Return the learned table's terms and, for a term that no photo holds, the dictionary's."""
        related_terms = [_Related(*related, LEARNED) for related in self._tables.expansion.related(term)]
        if not is_held:
            learned = {related.term for related in related_terms}
            more = (_Related(r.term, r.weight, r.relation) for r in self._tables.related.related(term))
            related_terms += [related for related in more if related.term not in learned]
        return related_terms

    def _other_stems(self, text: str) -> list[tuple[str, str, int]]:
        """Return (owner's stem, English stem, count) of each word that the two stemmers reduce differently."""
        language = self._tables.language
        if not language.name:
            return []
        stems = ((language.stem_of(word), language.term_of(word), n) for word, n in Counter(words(text)).items())
        return [(stem, term, n) for stem, term, n in stems if stem and term and stem != term]


class _Related(NamedTuple):
    term: str
    strength: float
    relation: str


def _together(sources: Sequence[TermSource]) -> TermSource:
    return TermSource(sources[0].term, sum(source.part for source in sources))


def _normalised(parts: Mapping[int, Sequence[TermSource]]) -> dict[int, QueryTerm]:
    weights = [sum(source.part for source in sources) for sources in parts.values()]
    norm = math.sqrt(sum(weight**2 for weight in weights))
    return {
        number: QueryTerm(
            weight / norm, tuple([TermSource(s.term, s.part / norm, s.relation, s.strength) for s in sources])
        )
        for (number, sources), weight in zip(parts.items(), weights, strict=True)
    }


class PostingSlices(NamedTuple):
    """The postings of a query's terms in a segment: one slice for each key."""

    starts: np.ndarray  # int64 (slices)
    ends: np.ndarray
    weights: np.ndarray  # float64 (slices): factors of their gains


def find_postings(segment: Segment, query_terms: Mapping[int, QueryTerm], view: View) -> PostingSlices:
    """Return where in a segment the postings of the query's terms lie."""
    numbers = np.fromiter(query_terms, np.int64, len(query_terms))
    factors = np.array([weight for weight, _ in query_terms.values()]) * view.idf[numbers]
    bounds = np.searchsorted(segment.by_key, first_key(np.concatenate([numbers, numbers + 1])))
    places, begins = slice_places(bounds[: len(numbers)], bounds[len(numbers) :])
    weights = np.repeat(factors, np.diff(begins)) * view.kind_weights[key_kinds(segment.by_key[places])]
    searched = np.flatnonzero(weights)
    places, weights = places[searched], weights[searched]
    return PostingSlices(segment.key_starts[places], segment.key_starts[places + 1], weights)


def scores_of(
    segments: Sequence[Segment], offsets: np.ndarray, query_terms: Mapping[int, QueryTerm], view: View
) -> np.ndarray:
    """Return each photo's cosine in single precision, off by at most `slack` and the view's drift: float32 (rows)."""
    scores = [
        _scores_in(segment, find_postings(segment, query_terms, view), view.inverse[offset : offset + len(segment)])
        for segment, offset in zip(segments, offsets.tolist(), strict=False)
    ]
    return scores[0] if len(scores) == 1 else np.concatenate([*scores, np.zeros(0, np.float32)])


def _scores_in(segment: Segment, query_slices: PostingSlices, inverse: np.ndarray) -> np.ndarray:
    """Return the scores of one segment's photos: float32 (rows of the segment)."""
    if not len(query_slices.weights):
        return np.zeros(len(segment), np.float32)
    lengths, weights = query_slices.ends - query_slices.starts, query_slices.weights.astype(np.float32)
    is_long = lengths >= _LONG
    rows, gains = _gathered(segment, query_slices, ~is_long)
    starts = np.concatenate([[0], np.cumsum(lengths[~is_long])]).astype(np.int32)
    scores = np.zeros(len(segment), np.float32)
    add_product = _load_product()
    add_product(len(segment), len(starts) - 1, starts, rows, gains, weights[~is_long], scores)
    for place in np.flatnonzero(is_long).tolist():  # read where they are, since copying takes longer than adding
        own = slice(query_slices.starts[place], query_slices.ends[place])
        ends = np.array([0, lengths[place]], np.int32)
        add_product(len(segment), 1, ends, segment.rows[own], segment.gains[own], weights[place : place + 1], scores)
    if len(rows) * _FEW < len(segment) and not is_long.any():
        scores[rows] = scores[rows] * inverse[rows]
    else:
        scores *= inverse
    return scores


@cache
def _load_product() -> Callable[..., None]:
    """Load scipy's compiled product of a matrix by columns with a vector, which it adds to an array.

    It is loaded without its package, whose import takes twenty times as long as a search.
    """
    package = find_spec("scipy")
    folders = package.submodule_search_locations if package is not None else None
    found = PathFinder.find_spec("_sparsetools", [str(Path(folder, "sparse")) for folder in folders or ()])
    if found is None or found.loader is None:
        raise ImportError("scipy.sparse holds no _sparsetools")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    product: Callable[..., None] = module.csc_matvec
    return product


def _gathered(segment: Segment, query_slices: PostingSlices, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and gains of the chosen slices, one after another: int32 and float32."""
    starts, ends = query_slices.starts[chosen], query_slices.ends[chosen]
    if int((ends - starts).sum()) < _TAKEN * len(starts):
        places, _ = slice_places(starts, ends)
        return segment.rows[places], segment.gains[places]
    slices = [slice(start, end) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    rows = np.concatenate([segment.rows[:0], *(segment.rows[key] for key in slices)])
    return rows, np.concatenate([segment.gains[:0], *(segment.gains[key] for key in slices)])


def slack(query_terms: Mapping[int, QueryTerm]) -> float:
    """Return the largest relative error of a score in single precision; all that is added is positive."""
    return (4 + len(query_terms) * len(FIELDS)) * float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class Exact:
    """What a query's terms add to some photos' scores, by photo and key."""

    places: np.ndarray  # int64: which of the photos
    keys: np.ndarray  # int32
    added: np.ndarray  # float64: to the cosine, for a weight of 1
    scores: np.ndarray  # float64 (photos)

    def of(self, photos: np.ndarray) -> Exact:
        """Return the part of some photos, in the order given."""
        place = np.full(len(self.scores), -1)
        place[photos] = np.arange(len(photos))
        kept = place[self.places] >= 0
        return Exact(place[self.places[kept]], self.keys[kept], self.added[kept], self.scores[photos])


def exact(
    segments: Sequence[Segment], offsets: np.ndarray, rows: np.ndarray, query_terms: Mapping[int, QueryTerm], view: View
) -> Exact:
    """Score some photos from their own postings, in double precision."""
    weights = np.zeros(len(view.idf))
    for number, term in query_terms.items():
        weights[number] = term.weight
    norms = np.zeros(len(rows))
    parts = []
    for segment, offset in zip(segments, offsets.tolist(), strict=False):
        inside = np.flatnonzero((rows >= offset) & (rows < offset + len(segment)))
        if not len(inside):
            continue
        own, begins = row_places(segment.starts, rows[inside] - offset)
        keys = segment.keys[own]
        counts = np.flatnonzero(weights[key_terms(keys)] * view.kind_weights[key_kinds(keys)])
        places, keys, own = np.repeat(inside, np.diff(begins))[counts], keys[counts], own[counts]
        kinds = key_kinds(keys)
        gains = view.kind_weights[kinds] * gains_of(kinds, segment.codes[own], segment.scales, rows[places] - offset)
        norms[inside] = view.exact_norms(segment, rows[inside] - offset, offset)
        parts.append((places, keys, gains * view.idf[key_terms(keys)] / norms[places]))
    places, keys, added = parts[0] if len(parts) == 1 else joined(parts)
    scores = np.bincount(places, added * weights[key_terms(keys)], minlength=len(rows))
    return Exact(places, keys, added, scores)


def own_vector(
    segments: Sequence[Segment], offsets: np.ndarray, row: int, view: View, lexicon: Lexicon
) -> dict[int, QueryTerm]:
    """Return a photo's own vector, as a query."""
    place = int(np.searchsorted(offsets, row, side="right")) - 1
    segment, own = segments[place], row - int(offsets[place])
    numbers = set(key_terms(segment.keys[segment.starts[own] : segment.starts[own + 1]]).tolist())
    scored = exact(segments, offsets, np.array([row]), {number: QueryTerm(1.0, ()) for number in numbers}, view)
    weights: dict[int, float] = {}
    for number, added in zip(key_terms(scored.keys).tolist(), scored.added.tolist(), strict=True):
        weights[number] = weights.get(number, 0.0) + added
    return {n: QueryTerm(weight, (TermSource(lexicon.terms[n], weight),)) for n, weight in weights.items()}


def joined(parts: Sequence[tuple[np.ndarray, ...]]) -> Iterator[np.ndarray]:
    """Join places, keys and what is added, of several parts each."""
    columns = zip((np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0)), *parts, strict=True)
    return (np.concatenate(column) for column in columns)


def shares_of(
    scored: Exact, n_photos: int, query_terms: Mapping[int, QueryTerm], lexicon: Lexicon
) -> list[tuple[Share, ...]]:
    """Return each photo's shares, largest first: one for each term, field and term of the query behind it."""
    shares: list[list[Share]] = [[] for _ in range(n_photos)]
    named = {number: (lexicon.terms[number], term.sources) for number, term in query_terms.items()}
    make_share = partial(tuple.__new__, Share)  # as `Share._make` does, in half the time: a page has thousands
    numbers, kinds = key_terms(scored.keys).tolist(), key_kinds(scored.keys).tolist()
    for place, number, kind, added in zip(scored.places.tolist(), numbers, kinds, scored.added.tolist(), strict=True):
        (name, sources), field = named[number], KIND_FIELDS[kind]
        for term, part, relation, strength in sources:
            shares[place].append(make_share((name, part * added, field, term, relation, strength)))
    return [tuple(_in_order(parts) if len(parts) > 1 else parts) for parts in shares]


def _in_order(shares: list[Share]) -> list[Share]:
    shares.sort(key=_NAMES)
    shares.sort(key=_SHARE, reverse=True)  # leaves equal ones as they are
    return shares
