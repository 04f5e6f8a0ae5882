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
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from photosearch.records import Document, Share
from photosearch.search.fields import IDF_OFFSET, PAIR, postings
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
        self._unseen = IDF_OFFSET + math.log(1 + n_photos)  # the idf of a term that no photo holds

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


class Asked(NamedTuple):
    """A query's terms as their postings are looked for, in any segment."""

    bounds: np.ndarray  # int64 (2, terms): the first key of each term, and the first one after it
    factors: np.ndarray  # float64 (terms): of the gains

    @classmethod
    def of(cls, query_terms: Mapping[int, QueryTerm], view: View) -> Asked:
        """Take a query's terms by their numbers."""
        numbers = np.fromiter(query_terms, np.int64, len(query_terms))
        weights = np.array([weight for weight, _ in query_terms.values()])
        return cls(first_key(np.stack([numbers, numbers + 1])), weights * view.idf[numbers])


class QueryKeys(NamedTuple):
    """The keys of a query's terms in a segment, in the searched fields; those of a term lie side by side."""

    places: np.ndarray  # int64 (keys): in `Segment.by_key`
    weights: np.ndarray  # float32 (keys): factors of their gains


def find_keys(segment: Segment, asked: Asked, view: View) -> QueryKeys:
    """Return where in a segment the keys of the query's terms lie."""
    first, end = np.searchsorted(segment.by_key, asked.bounds)
    places, _ = slice_places(first, end)
    weights = np.repeat(asked.factors, end - first) * view.kind_weights[key_kinds(segment.by_key[places])]
    searched = weights > 0
    return QueryKeys(places[searched], weights[searched].astype(np.float32))


def count_postings(segment: Segment, asked: Asked, view: View) -> int:
    """Count the postings of the query's terms in a segment."""
    places, _ = find_keys(segment, asked, view)
    return int((segment.key_starts[places + 1] - segment.key_starts[places]).sum())


def scores_of(
    segments: Sequence[Segment], offsets: np.ndarray, query_terms: Mapping[int, QueryTerm], view: View
) -> np.ndarray:
    """Return each photo's cosine in single precision, off by at most `slack` and the view's drift: float32 (rows)."""
    asked = Asked.of(query_terms, view)
    scores = [
        _scores_in(segment, find_keys(segment, asked, view), view.inverse[offset : offset + len(segment)])
        for segment, offset in zip(segments, offsets.tolist(), strict=False)
    ]
    return scores[0] if len(scores) == 1 else np.concatenate([*scores, np.zeros(0, np.float32)])


def _scores_in(segment: Segment, query_keys: QueryKeys, inverse: np.ndarray) -> np.ndarray:
    """Return the scores of one segment's photos: float32 (rows of the segment).

    The postings of keys that lie side by side are read in one go, where they are.
    """
    scores = np.zeros(len(segment), np.float32)
    places, weights = query_keys
    if not len(places):
        return scores
    breaks = np.flatnonzero(places[1:] != places[:-1] + 1)
    firsts, lasts = np.concatenate([places[:1], places[breaks + 1]]), np.concatenate([places[breaks], places[-1:]])
    bounds, begins = slice_places(firsts, lasts + 2)  # of each run of keys, with the end of its last one
    starts = segment.key_starts[bounds].astype(np.int32)
    add_product = _load_product()
    for run, (begin, end) in enumerate(pairwise(begins.tolist())):
        own = slice(begin - run, end - run - 1)
        n_keys = own.stop - own.start
        add_product(len(segment), n_keys, starts[begin:end], segment.rows, segment.gains, weights[own], scores)
    first, end = segment.key_starts[firsts], segment.key_starts[lasts + 1]
    if int((end - first).sum()) * _FEW < len(segment):
        rows = segment.rows[slice_places(first, end)[0]]
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
    weights, scales = np.zeros(len(view.idf)), np.ones(len(rows))
    for number, term in query_terms.items():
        weights[number] = term.weight
    parts = []
    for segment, offset in zip(segments, offsets.tolist(), strict=False):
        inside = np.flatnonzero((rows >= offset) & (rows < offset + len(segment)))
        if len(inside):
            own, begins = row_places(segment.starts, rows[inside] - offset)
            scales[inside] = segment.scales[rows[inside] - offset]
            parts.append((np.repeat(inside, np.diff(begins)), segment.keys[own], segment.codes[own]))
    places, keys, codes = parts[0] if len(parts) == 1 else joined(parts, (np.int64, np.int32, np.uint8))
    kinds, terms_of = key_kinds(keys), key_terms(keys)
    gains = view.kind_weights[kinds] * gains_of(kinds, codes, scales, places)
    norms = view.exact_norms(rows, places, keys, gains)
    counts = np.flatnonzero(weights[terms_of] * gains)
    places, keys, terms_of = places[counts], keys[counts], terms_of[counts]
    added = gains[counts] * view.idf[terms_of] / norms[places]
    scores = np.bincount(places, added * weights[terms_of], minlength=len(rows))
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


def joined(parts: Sequence[tuple[np.ndarray, ...]], types: Sequence[type]) -> Iterator[np.ndarray]:
    """Join the columns of several parts, which have the given types."""
    columns = zip(*parts, strict=True) if parts else [() for _ in types]
    return (np.concatenate([np.zeros(0, kind), *column]) for kind, column in zip(types, columns, strict=True))


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
