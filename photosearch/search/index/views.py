"""Document frequencies and norms of an index, which depend on the fields that are searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from photosearch.search.fields import FULL
from photosearch.search.index.segment import N_KINDS, Part, Segment, gains_of, key_kinds, key_terms, masses, row_places

_AT_ONCE = 1 << 18  # postings computed together, few enough to stay in the processor's caches


@dataclass(frozen=True, eq=False)
class View:
    """Weights, document frequencies and norms for searching some of the fields."""

    kind_weights: np.ndarray  # float64 (kinds): 0 for fields that are not searched
    df: np.ndarray  # int64 (terms), in 1/255
    idf: np.ndarray  # float64 (terms); 0 for a term that none of these fields holds
    norms: np.ndarray  # float64 (rows); infinite for a photo that was removed, or holds nothing here
    inverse: np.ndarray  # float32 (rows): 1 / norms


def idf_of(df: np.ndarray, n_photos: int) -> np.ndarray:
    """Return 1 + ln((1 + N) / (1 + df)), and 0 for a term that no photo holds: float64 (terms)."""
    return np.where(df > 0, 1 + np.log((1 + n_photos) / (1 + df / FULL)), 0.0)


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
            once = np.maximum.reduceat(masses(chunk.keys, chunk.codes), chunk.first)
            df += np.bincount(key_terms(chunk.keys[chunk.first]), once, minlength=n_terms).astype(np.int64)
    return df


def make_view(parts: Sequence[Part], df: np.ndarray, kind_weights: np.ndarray) -> View:
    """Make a view; the norms take one pass over the postings of all photos that are alive."""
    idf = idf_of(df, sum(len(rows) for _, rows in parts))
    norms = [np.zeros(0)]
    for segment, alive in parts:
        squares = np.zeros(len(segment))
        for chunk in _chunks(segment, alive, kind_weights):
            kinds = key_kinds(chunk.keys)
            weights = kind_weights[kinds] * gains_of(kinds, chunk.codes, segment.scales, chunk.rows)
            terms = np.add.reduceat(weights, chunk.first) * idf[key_terms(chunk.keys[chunk.first])]
            rows = chunk.rows[chunk.first]
            start = rows[0]
            added = np.bincount(rows - start, terms**2)
            squares[start : start + len(added)] += added
        norms.append(np.where(squares > 0, np.sqrt(squares), np.inf))
        segment.release()
    whole = np.concatenate(norms)
    return View(kind_weights, df, idf, whole, (1 / whole).astype(np.float32))


class _Chunk(NamedTuple):
    """Postings of some photos in the searched fields, by row and key; at least one."""

    keys: np.ndarray
    codes: np.ndarray
    rows: np.ndarray
    first: np.ndarray  # where each term of each photo starts


def _chunks(segment: Segment, rows: np.ndarray, kind_weights: np.ndarray) -> Iterator[_Chunk]:
    all_count = (kind_weights > 0).sum() == N_KINDS
    n_rows = max(1, _AT_ONCE * len(segment) // max(1, len(segment.keys)))
    for low in range(0, len(rows), n_rows):
        chosen = rows[low : low + n_rows]
        places: slice | np.ndarray
        if chosen[-1] - chosen[0] == len(chosen) - 1:
            places = slice(segment.starts[chosen[0]], segment.starts[chosen[-1] + 1])
        else:
            places, _ = row_places(segment.starts, chosen)
        keys, codes = segment.keys[places], segment.codes[places]
        of = np.repeat(chosen, segment.starts[chosen + 1] - segment.starts[chosen])
        if not all_count:
            counts = kind_weights[key_kinds(keys)] > 0
            keys, codes, of = keys[counts], codes[counts], of[counts]
        if len(keys):
            terms = key_terms(keys)
            new = (terms[1:] != terms[:-1]) | (of[1:] != of[:-1])
            yield _Chunk(keys, codes, of, np.flatnonzero(np.concatenate([[True], new])))
