"""An index over some of the fields: document frequencies and norms depend on which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from photosearch.search.fields import FULL
from photosearch.search.index.segment import N_KINDS, Part, Segment, gains_of, key_kinds, key_terms, masses, spread

_AT_ONCE = 1 << 15  # photos computed together: what they take stays in the processor's caches


@dataclass(frozen=True, eq=False)
class View:
    """What searching some of the fields needs beside the postings."""

    kind_weights: np.ndarray  # float64 (kinds): 0 for fields that are not searched
    df: np.ndarray  # int64 (terms), in 1/255
    idf: np.ndarray  # float64 (terms); 0 for a term that none of these fields holds
    norms: np.ndarray  # float64 (rows); infinite for a photo that was removed, or holds nothing here
    inverse: np.ndarray  # float32 (rows): 1 / norms


def idf_of(df: np.ndarray, n_photos: int) -> np.ndarray:
    """1 + ln((1 + N) / (1 + df)), 0 for a term that nothing holds: float64 (terms)."""
    return np.where(df > 0, 1 + np.log((1 + n_photos) / (1 + df / FULL)), 0.0)


def count_df(parts: Iterable[Part], n_terms: int, kind_weights: np.ndarray) -> np.ndarray:
    """What photos add to the document frequencies of their terms: int64 (terms), in 1/255.

    Args:
        parts: the photos.
        n_terms: how many terms there are.
        kind_weights: of kinds that do not count 0.
    """
    found = np.zeros(n_terms, np.int64)
    for segment, rows in parts:
        for chunk in _chunks(segment, rows, kind_weights):
            once = np.maximum.reduceat(masses(chunk.keys, chunk.codes), chunk.first)
            found += np.bincount(key_terms(chunk.keys[chunk.first]), once, minlength=n_terms).astype(np.int64)
    return found


def make_view(parts: Sequence[Part], df: np.ndarray, kind_weights: np.ndarray) -> View:
    """The norms by one pass over the postings of all photos that are alive."""
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
    whole = np.concatenate(norms)
    return View(kind_weights, df, idf, whole, (1 / whole).astype(np.float32))


class _Chunk(NamedTuple):
    """The postings that count of some photos, by row and key; there is at least one."""

    keys: np.ndarray
    codes: np.ndarray
    rows: np.ndarray
    first: np.ndarray  # where each term of each photo starts


def _chunks(segment: Segment, rows: np.ndarray, kind_weights: np.ndarray) -> Iterator[_Chunk]:
    all_count = (kind_weights > 0).sum() == N_KINDS
    for low in range(0, len(rows), _AT_ONCE):
        some = rows[low : low + _AT_ONCE]
        here: slice | np.ndarray
        if some[-1] - some[0] == len(some) - 1:
            here = slice(segment.starts[some[0]], segment.starts[some[-1] + 1])
        else:
            here, _ = spread(segment.starts, some)
        keys, codes = segment.keys[here], segment.codes[here]
        of = np.repeat(some, segment.starts[some + 1] - segment.starts[some])
        if not all_count:
            counts = kind_weights[key_kinds(keys)] > 0
            keys, codes, of = keys[counts], codes[counts], of[counts]
        if len(keys):
            terms = key_terms(keys)
            new = (terms[1:] != terms[:-1]) | (of[1:] != of[:-1])
            yield _Chunk(keys, codes, of, np.flatnonzero(np.concatenate([[True], new])))
