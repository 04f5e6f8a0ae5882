"""Document frequencies and norms of an index, which depend on the fields that are searched.

Every photo that is added changes the IDF of all terms a little, and with it the norm of every photo. To compute them
all takes a pass over all postings, so a large index keeps norms that were made with an earlier IDF. How far they are
off is known: the norm of a photo changes by no larger a share than the IDF of one of its terms. Where that is more than
`MOST_DRIFT`, its photos' norms are computed. The drift widens the bound within which photos are scored exactly
(`ranking`), with norms of their own postings, so that what is found is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from photosearch.search.fields import FULL, IDF_OFFSET
from photosearch.search.index.segment import (
    N_KINDS,
    Part,
    Segment,
    first_key,
    gains_of,
    key_kinds,
    key_terms,
    masses,
    row_places,
    slice_places,
)
from photosearch.search.index.state import State

_AT_ONCE = 1 << 18  # postings computed together, few enough to stay in the processor's caches
_FEW = 1 << 22  # postings of an index whose norms are always exact: a pass over them takes a tenth of a second
MOST_DRIFT = 0.005  # of an IDF: twice this share of the least score is added to what is scored exactly


@dataclass(frozen=True, eq=False)
class View:
    """Weights, document frequencies and norms for searching some of the fields."""

    kind_weights: np.ndarray  # float64 (kinds): 0 for fields that are not searched
    df: np.ndarray  # int64 (terms), in 1/255
    idf: np.ndarray  # float64 (terms); 0 for a term that none of these fields holds
    norms: np.ndarray  # float64 (rows); infinite for a photo that was removed, or holds nothing here
    normed_idf: np.ndarray  # float64 (terms): the IDF that the norms were computed with
    inverse: np.ndarray  # float32 (rows): 1 / norms
    drift: float  # share by which a norm may be off, at most; 0: all are exact

    @classmethod
    def of(
        cls, kind_weights: np.ndarray, df: np.ndarray, n_photos: int, norms: np.ndarray, normed_idf: np.ndarray
    ) -> View:
        """Make a view of norms that were computed with some IDF, that of an earlier state perhaps."""
        idf = idf_of(df, n_photos)
        drift = float(_drifts(idf, normed_idf).max(initial=0.0))
        return cls(kind_weights, df, idf, norms, normed_idf, (1 / norms).astype(np.float32), drift)

    def exact_norms(self, rows: np.ndarray, places: np.ndarray, keys: np.ndarray, gains: np.ndarray) -> np.ndarray:
        """Return the exact norms of some photos: float64.

        Args:
            rows: the photos'.
            places: which of them each posting is of; those of a photo lie side by side, and its keys ascend.
            keys: of all their postings.
            gains: of the postings, times their kinds' weights.
        """
        if not self.drift:
            return self.norms[rows]
        if not len(keys):
            return np.full(len(rows), np.inf)
        squares = np.bincount(*_squares(places, keys, gains, self.idf), minlength=len(rows))
        return np.where(squares > 0, np.sqrt(squares), np.inf)


def idf_of(df: np.ndarray, n_photos: int) -> np.ndarray:
    """Return `IDF_OFFSET` + ln((1 + N) / (1 + df)), and 0 for a term that no photo holds: float64 (terms)."""
    return np.where(df > 0, IDF_OFFSET + np.log((1 + n_photos) / (1 + df / FULL)), 0.0)


def _drifts(idf: np.ndarray, normed_idf: np.ndarray) -> np.ndarray:
    """Return the share by which each term's IDF has changed; 0 for a term that no photo holds: float64 (terms)."""
    held = idf > 0
    return np.abs(np.divide(idf, normed_idf, out=np.ones_like(idf), where=held) - 1)


def count_df(parts: Iterable[Part], n_terms: int, kind_weights: np.ndarray) -> np.ndarray:
    """Count what photos add to the document frequencies of their terms: int64 (terms), in 1/255.

    Args:
        parts: the photos.
        n_terms: how many terms there are.
        kind_weights: by kind; kinds with weight 0 do not count.
    """
    df = np.zeros(n_terms, np.int64)
    for segment, rows in parts:
        for chunk in _chunks(segment, rows, kind_weights):
            first = _first_of_terms(chunk.places, chunk.keys)
            once = np.maximum.reduceat(masses(chunk.keys, chunk.codes), first)
            df += np.bincount(key_terms(chunk.keys[first]), once, minlength=n_terms).astype(np.int64)
    return df


def make_view(parts: Sequence[Part], df: np.ndarray, kind_weights: np.ndarray, n_photos: int) -> View:
    """Make a view; the norms take one pass over the postings of all photos that are alive.

    Args:
        parts: the photos whose norms are wanted.
        df: int64 (terms): document frequencies in the collection.
        kind_weights: by kind.
        n_photos: in the collection.
    """
    idf = idf_of(df, n_photos)
    norms = [np.zeros(0)]
    for segment, alive in parts:
        norms.append(np.full(len(segment), np.inf))
        norms[-1][alive] = _norms_of(segment, alive, kind_weights, idf)
        segment.release()
    return View.of(kind_weights, df, n_photos, np.concatenate(norms), idf)


def update_df(view: View, before: State, after: State, n_terms: int) -> np.ndarray:
    """Return a view's document frequencies in a later state: int64 (terms), in 1/255."""
    df = np.pad(view.df, (0, n_terms - len(view.df)))
    added, gone = after.beside(before), before.beside(after)
    return df + count_df(added, n_terms, view.kind_weights) - count_df(gone, n_terms, view.kind_weights)


def update_view(view: View, before: State, after: State, df: np.ndarray) -> View:
    """Return the view of a later state; most photos keep their norms when they are many.

    Args:
        view: that of the earlier state.
        before: the earlier state.
        after: the later one, which shares most of its segments.
        df: the document frequencies of the later one.
    """
    if sum(len(segment.keys) for segment in after.segments) < _FEW:
        return make_view(after.parts(), df, view.kind_weights, after.n_photos)
    idf = idf_of(df, after.n_photos)
    normed_idf = np.pad(view.normed_idf, (0, len(df) - len(view.normed_idf)))
    normed_idf = np.where(normed_idf > 0, normed_idf, idf)
    far = np.flatnonzero(_drifts(idf, normed_idf) > MOST_DRIFT)
    normed_idf[far] = idf[far]
    earlier = dict(zip(map(id, before.segments), np.split(view.norms, before.offsets[1:-1]), strict=False))
    norms, stale = [np.zeros(0)], list[Part]()
    for segment, living in zip(after.segments, after.alive, strict=True):
        kept = earlier.get(id(segment))
        norms.append(np.where(living, np.inf if kept is None else kept, np.inf))
        stale.append((segment, np.flatnonzero(living if kept is None else living & _hold(segment, far))))
    if 2 * sum(len(rows) for _, rows in stale) > after.n_photos:
        return make_view(after.parts(), df, view.kind_weights, after.n_photos)
    for values, (segment, rows) in zip(norms[1:], stale, strict=True):
        values[rows] = _norms_of(segment, rows, view.kind_weights, normed_idf)
    return View.of(view.kind_weights, df, after.n_photos, np.concatenate(norms), normed_idf)


def _hold(segment: Segment, numbers: np.ndarray) -> np.ndarray:
    """Return which photos of a segment hold one of some terms, given by their numbers: bool (rows)."""
    first, end = np.searchsorted(segment.by_key, first_key(np.stack([numbers, numbers + 1])))
    keys, _ = slice_places(first, end)
    places, _ = row_places(segment.key_starts, keys)
    holding = np.zeros(len(segment), bool)
    holding[segment.rows[places]] = True
    return holding


def _norms_of(segment: Segment, rows: np.ndarray, kind_weights: np.ndarray, idf: np.ndarray) -> np.ndarray:
    """Return the norms of some photos, infinite for those that hold nothing in these fields: float64."""
    squares = np.zeros(len(rows))
    for chunk in _chunks(segment, rows, kind_weights):
        kinds = key_kinds(chunk.keys)
        weights = kind_weights[kinds] * gains_of(kinds, chunk.codes, segment.scales, rows[chunk.places])
        places, added = _squares(chunk.places, chunk.keys, weights, idf)
        start = places[0]
        added = np.bincount(places - start, added)
        squares[start : start + len(added)] += added
    return np.where(squares > 0, np.sqrt(squares), np.inf)


def _squares(places: np.ndarray, keys: np.ndarray, gains: np.ndarray, idf: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each term of each photo the photo's place, and the square of the term's weight."""
    first = _first_of_terms(places, keys)
    weights = np.add.reduceat(gains, first) * idf[key_terms(keys[first])]
    return places[first], weights**2


def _first_of_terms(places: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Return where each term of each photo starts among their postings."""
    terms = key_terms(keys)
    new = (terms[1:] != terms[:-1]) | (places[1:] != places[:-1])
    return np.flatnonzero(np.concatenate([[True], new]))


class _Chunk(NamedTuple):
    """Postings of some photos in the searched fields, by photo and key; at least one."""

    keys: np.ndarray
    codes: np.ndarray
    places: np.ndarray  # of their photos among those asked for


def _chunks(segment: Segment, rows: np.ndarray, kind_weights: np.ndarray) -> Iterator[_Chunk]:
    all_count = (kind_weights > 0).sum() == N_KINDS
    n_rows = max(1, _AT_ONCE * len(segment) // max(1, len(segment.keys)))
    for low in range(0, len(rows), n_rows):
        chosen = rows[low : low + n_rows]
        own: slice | np.ndarray
        if (np.diff(chosen) == 1).all():
            own = slice(segment.starts[chosen[0]], segment.starts[chosen[-1] + 1])
        else:
            own, _ = row_places(segment.starts, chosen)
        keys, codes = segment.keys[own], segment.codes[own]
        lengths = segment.starts[chosen + 1] - segment.starts[chosen]
        places = np.repeat(np.arange(low, low + len(chosen)), lengths)
        if not all_count:
            counts = kind_weights[key_kinds(keys)] > 0
            keys, codes, places = keys[counts], codes[counts], places[counts]
        if len(keys):
            yield _Chunk(keys, codes, places)
