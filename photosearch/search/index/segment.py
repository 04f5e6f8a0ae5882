"""A part of an index that never changes: some photos' postings, by photo and by term.

A posting's key holds the number of its term and its kind; a kind is a field, and whether the term is said or predicted
there. Only the functions of this module know how a key is put together. A posting's code is how often the term is
said, or its probability in 1/255. Rows are photos in the order of their ids.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from photosearch.search.fields import FULL, ROOTS, Field

FIELDS = tuple(Field)
N_KINDS = 2 * len(FIELDS)
_SAID = {field: 2 * number for number, field in enumerate(FIELDS)}  # each field's kind of terms that are said
_KIND_BITS = 5  # the lowest bits of a key; bit 0 says whether the term is predicted
_TABLE_SIZE = 1 << _KIND_BITS
Numbers = TypeVar("Numbers", int, np.ndarray)
MAX_POSTINGS = 1 << 23  # of a segment: to make or merge one takes some 50 bytes of memory for each
MAX_PHOTOS = 1 << 22  # of a segment: a row takes at most 24 bits
_CODE_BITS, _ROW_BITS = 8, 24
_LARGE = 1 << 20  # postings of a segment that is not worth keeping in memory after it was read through
_ROWS, _CODES = (1 << _ROW_BITS) - 1, (1 << _CODE_BITS) - 1
BREAK = -1  # in the stream: the end of a text
NO_DATE = np.iinfo(np.int64).min
CORRECTED, CAPTIONED = 1, 2  # bits of a photo's flags


def make_kind(field: Field, *, predicted: bool) -> int:
    """Return the number, below `N_KINDS`, of a field's said or predicted terms."""
    return _SAID[field] | predicted


def first_key(term: Numbers) -> Numbers:
    """Return the lowest key of a term; adding a kind gives the key of that kind."""
    return term << _KIND_BITS


def key_terms(keys: np.ndarray) -> np.ndarray:
    """Return the number of each key's term."""
    return keys >> _KIND_BITS


def key_kinds(keys: np.ndarray) -> np.ndarray:
    """Return each key's kind."""
    return keys & (_TABLE_SIZE - 1)


def is_predicted(keys: np.ndarray) -> np.ndarray:
    """Return for each key, or kind, whether the term is predicted rather than said."""
    return (keys & 1) == 1


def by_kind(values: Mapping[Field, float]) -> np.ndarray:
    """Return each field's value at both of its kinds, 0 for a field without a value: float64, taken by kind."""
    table = np.zeros(_TABLE_SIZE)
    for field, value in values.items():
        table[make_kind(field, predicted=False)] = table[make_kind(field, predicted=True)] = value
    return table


def _make_gains() -> np.ndarray:
    """Return the gain of each kind and code, an owner's without its scale: float64 (kinds, 256)."""
    codes = np.maximum(np.arange(FULL + 1), 1)
    table = np.ones((_TABLE_SIZE, FULL + 1))
    for field in FIELDS:
        table[make_kind(field, predicted=False)] = 1 + np.log(codes)
        table[make_kind(field, predicted=True)] = (codes / FULL) ** ROOTS[field]
    return table


GAINS = _make_gains()
KIND_FIELDS = tuple(field for field in FIELDS for _ in range(2))  # by kind
_IS_OWNER = by_kind({Field.OWNER: 1}) > 0


@dataclass(frozen=True, eq=False)
class Segment:
    """Arrays over n photos with e postings; a photo's part lies between `starts[row]` and `starts[row + 1]`."""

    ids: np.ndarray  # bytes (n), ascending
    starts: np.ndarray  # int64 (n + 1)
    keys: np.ndarray  # int32 (e), ascending within a photo
    codes: np.ndarray  # uint8 (e)
    scales: np.ndarray  # float64 (n): of the owner's terms
    stream_starts: np.ndarray  # int64 (n + 1)
    stream: np.ndarray  # int32: the words of all texts, a `BREAK` after each
    taken: np.ndarray  # int64 (n): seconds since 1970; `NO_DATE` when unknown
    flags: np.ndarray  # uint8 (n)
    facet_starts: np.ndarray  # int64 (n + 1)
    facets: np.ndarray  # int32: objects and hashtags of each photo, each once
    # The same postings by key:
    by_key: np.ndarray  # int32 (k), ascending, each once
    key_starts: np.ndarray  # int64 (k + 1)
    rows: np.ndarray  # int32 (e), ascending within a key
    gains: np.ndarray  # float32 (e): rounded; the exact gains come from the codes
    by_facet: np.ndarray  # int32, ascending, each once
    by_facet_starts: np.ndarray  # int64
    facet_rows: np.ndarray  # int32
    by_date: np.ndarray  # int32: the photos with a date, the oldest first

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, photo_id: bytes) -> int | None:
        """Return the row of a photo; None when the segment lacks it."""
        row = int(np.searchsorted(self.ids, photo_id))
        return row if row < len(self) and self.ids[row] == photo_id else None

    def between(self, number: int) -> range:
        """Return where in `by_key` the keys of a term lie."""
        low, high = np.searchsorted(self.by_key, (first_key(number), first_key(number + 1)))
        return range(int(low), int(high))

    def holders(self, place: int) -> np.ndarray:
        """Return the rows of the key at a place of `by_key`: int32."""
        return self.rows[self.key_starts[place] : self.key_starts[place + 1]]

    def release(self) -> None:
        """Give the memory of a large mapped segment back to the system, which reads its file again when needed."""
        mapped = getattr(self.keys.base, "obj", None)
        if len(self.keys) > _LARGE and isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)

    def with_facet(self, facet: int) -> np.ndarray:
        """Return the rows with an object or a hashtag: int32."""
        place = int(np.searchsorted(self.by_facet, facet))
        if place == len(self.by_facet) or self.by_facet[place] != facet:
            return self.facet_rows[:0]
        return self.facet_rows[self.by_facet_starts[place] : self.by_facet_starts[place + 1]]


Part = tuple[Segment, np.ndarray]  # some photos of a segment: their rows, ascending
NAMES = tuple(field.name for field in fields(Segment))


def row_places(starts: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of all items of some rows, and where each row's items start among them: both int64."""
    return slice_places(starts[rows], starts[rows + 1])


def slice_places(firsts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of all slices, one after another, and where each slice starts among them: both int64."""
    lengths = ends - firsts
    begins = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=begins[1:])
    return np.repeat(firsts - begins[:-1], lengths) + np.arange(begins[-1]), begins


def gains_of(kinds: np.ndarray, codes: np.ndarray, scales: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the gains of postings of the given rows: float64; `scales` are those of all rows."""
    gains = GAINS[kinds, codes]
    owners = np.flatnonzero(_IS_OWNER[kinds])
    if len(owners):
        gains[owners] *= scales[rows[owners]]
    return gains


def masses(keys: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return what postings add to document frequencies, in 1/255: uint8."""
    return np.where(is_predicted(keys), codes, np.uint8(FULL))


@dataclass
class Parts:
    """The arrays that a segment is made of, its photos in any order."""

    ids: np.ndarray
    starts: np.ndarray
    keys: np.ndarray
    codes: np.ndarray
    scales: np.ndarray
    stream_starts: np.ndarray
    stream: np.ndarray
    taken: np.ndarray
    flags: np.ndarray
    facet_starts: np.ndarray
    facets: np.ndarray

    def in_order(self, rows: np.ndarray) -> Parts:
        """Return some of the photos, in the order given."""
        own, starts = row_places(self.starts, rows)
        said, stream_starts = row_places(self.stream_starts, rows)
        with_facet, facet_starts = row_places(self.facet_starts, rows)
        return Parts(
            self.ids[rows],
            starts,
            self.keys[own],
            self.codes[own],
            self.scales[rows],
            stream_starts,
            self.stream[said],
            self.taken[rows],
            self.flags[rows],
            facet_starts,
            self.facets[with_facet],
        )


def ordered_by_photo(
    n_photos: int, rows: np.ndarray, keys: np.ndarray, codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `starts`, `keys` and `codes`, as a segment has them, of postings in any order; all are int64.

    Row, key and code are sorted as one number: numpy sorts numbers twenty times as fast as it sorts places.
    """
    packed = (rows << (63 - _ROW_BITS)) | (keys << _CODE_BITS) | codes
    packed.sort()
    starts = np.searchsorted(packed, np.arange(n_photos + 1) << (63 - _ROW_BITS))
    keys = (packed >> _CODE_BITS) & ((1 << (63 - _ROW_BITS - _CODE_BITS)) - 1)
    return starts.astype(np.int64), keys.astype(np.int32), (packed & _CODES).astype(np.uint8)


def finish(parts: Parts) -> Segment:
    """Make a segment: sort the photos by id, and add the arrays by key."""
    order = np.argsort(parts.ids, kind="stable")
    if len(order) and (np.diff(order) != 1).any():
        parts = parts.in_order(order)
    of = np.repeat(np.arange(len(parts.ids)), np.diff(parts.starts))
    packed = (parts.keys.astype(np.int64) << (_ROW_BITS + _CODE_BITS)) | (of << _CODE_BITS) | parts.codes
    packed.sort()
    keys, rows = (
        (packed >> (_ROW_BITS + _CODE_BITS)).astype(np.int32),
        ((packed >> _CODE_BITS) & _ROWS).astype(np.int32),
    )
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    facet_of = np.repeat(np.arange(len(parts.ids), dtype=np.int32), np.diff(parts.facet_starts))
    by_facet, by_facet_starts, facet_places = _grouped(parts.facets)
    dated = np.flatnonzero(parts.taken != NO_DATE)
    return Segment(
        **vars(parts),
        by_key=keys[first],
        key_starts=np.append(first, len(keys)),
        rows=rows,
        gains=gains_of(key_kinds(keys), packed & _CODES, parts.scales, rows).astype(np.float32),
        by_facet=by_facet,
        by_facet_starts=by_facet_starts,
        facet_rows=facet_of[facet_places],
        by_date=dated[np.argsort(parts.taken[dated], kind="stable")].astype(np.int32),
    )


def _grouped(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct values, ascending; where each one's places start; all places, by value."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    return ordered[first], np.append(first, len(values)), order


def merge(segments: Sequence[Segment], alive: Sequence[np.ndarray]) -> Segment:
    """Merge several segments into one; photos whose row is not alive (bool) are left out."""
    joined = {name: np.concatenate([getattr(segment, name) for segment in segments]) for name in Parts.__annotations__}
    for starts in ("starts", "stream_starts", "facet_starts"):
        joined[starts] = _joined([getattr(segment, starts) for segment in segments])
    parts = Parts(**joined)
    kept = np.concatenate(alive)
    return finish(parts if kept.all() else parts.in_order(np.flatnonzero(kept)))


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Join several arrays of starts into one."""
    lengths = np.concatenate([np.diff(starts) for starts in parts])
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
