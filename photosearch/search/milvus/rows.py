"""A photo's row in Milvus: its vector, what filters ask for, and the postings that it is scored from.

The vector's dimensions are the keys of `segment`: a term and a kind. Two more dimensions hold the date, so that photos
that are only filtered come in order of their dates. Terms that photos show for sure, and pairs of words that lie side
by side, are arrays of numbers, which filters look into.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from photosearch.search.fields import ALL
from photosearch.search.index.filters import SURE_GAINS
from photosearch.search.index.lexicon import Lexicon
from photosearch.search.index.segment import (
    BREAK,
    NO_DATE,
    Parts,
    Segment,
    finish,
    gains_of,
    is_predicted,
    key_kinds,
    key_terms,
)
from photosearch.search.index.tables import Tables
from photosearch.search.milvus.server import MAX_CHARS, MAX_ITEMS, VECTOR, Row

NEWEST, OLDEST = (1 << 31) + 1, (1 << 31) + 2  # dimensions of dates; keys are smaller
_LATEST_S = 4_102_444_800  # 2100; dates from 1970 till then differ by two minutes at the least
_FAR_S = 1e9
UNDATED = 1e-9  # below all dates
NO_TAKEN = -(1 << 62)  # in place of `NO_DATE`, which is the least number there is
_HEAD = struct.Struct("<dqBIII")  # scale, date, flags; how many postings, words, facets
_BYTES = MAX_CHARS * 3 // 4 - 3  # that fit into a text as base64
_TERM_BITS = 31


@dataclass(frozen=True)
class Names:
    """How many terms, words and facets a reader knows; others, of a state that it has not read yet, are left out."""

    n_terms: int
    n_words: int
    n_facets: int

    @classmethod
    def of(cls, lexicon: Lexicon) -> Names:
        """Return the numbers of a lexicon."""
        return cls(len(lexicon.terms), len(lexicon.words), len(lexicon.facets))


def make_rows(
    segment: Segment, rows: np.ndarray, norms: np.ndarray, stems: np.ndarray, tables: Tables
) -> Iterator[Row]:
    """Yield the rows of some photos of a segment.

    Args:
        segment: holds the photos.
        rows: which of them.
        norms: float64 (rows of the segment): over all fields; infinite for a photo without terms.
        stems: int32 (words): the term of each word.
        tables: give the fields' weights.
    """
    weights = tables.kind_weights(ALL)
    for row in rows.tolist():
        own = slice(segment.starts[row], segment.starts[row + 1])
        keys, codes = segment.keys[own], segment.codes[own]
        kinds = key_kinds(keys)
        gains = gains_of(kinds, codes, segment.scales, np.full(len(keys), row))
        norm = float(norms[row]) if np.isfinite(norms[row]) else 0.0
        vector = dict(zip(keys.tolist(), (weights[kinds] * gains / norm).tolist(), strict=True)) if norm else {}
        taken = int(segment.taken[row])
        vector[NEWEST], vector[OLDEST] = date_values(None if taken == NO_DATE else taken)
        is_sure = ~is_predicted(keys) | (gains.astype(np.float32) >= SURE_GAINS[kinds])
        stream = segment.stream[segment.stream_starts[row] : segment.stream_starts[row + 1]]
        facets = segment.facets[segment.facet_starts[row] : segment.facet_starts[row + 1]]
        yield {
            "id": segment.ids[row].decode(),
            VECTOR: vector,
            "taken": NO_TAKEN if taken == NO_DATE else taken,
            "flags": int(segment.flags[row]),
            "facets": facets.tolist()[:MAX_ITEMS],
            "sure": np.unique(key_terms(keys[is_sure])).tolist()[:MAX_ITEMS],
            "pairs": _pairs_of(stream, stems).tolist()[:MAX_ITEMS],
            "norm": norm,
            "data": _packed(segment, row, keys, codes, stream, facets),
        }


def date_values(taken: int | None) -> tuple[float, float]:
    """Return the values above 0 of the dimensions of a date: larger the newer, and larger the older it is.

    In single precision a value for days from 1970 to 2100 is exact to some two minutes.
    """
    if taken is None:
        return UNDATED, UNDATED
    newer, older = float(taken), float(_LATEST_S - taken)
    return tuple(value if value > 1 else 1 / (1 + (1 - value) / _FAR_S) for value in (newer, older))  # type: ignore[return-value]


def pair_number(first: int, second: int) -> int:
    """Return the number of two terms side by side."""
    return (first << _TERM_BITS) | second


def _pairs_of(stream: np.ndarray, stems: np.ndarray) -> np.ndarray:
    """Return the numbers of the pairs of terms that lie side by side in texts, each once: int64."""
    terms = np.full(len(stream), BREAK, np.int64)
    terms[stream >= 0] = stems[stream[stream >= 0]]
    first, second = terms[:-1], terms[1:]
    inside = (first != BREAK) & (second != BREAK)
    return np.unique((first[inside] << _TERM_BITS) | second[inside])


def _packed(
    segment: Segment, row: int, keys: np.ndarray, codes: np.ndarray, stream: np.ndarray, facets: np.ndarray
) -> str:
    """Return a photo's part of a segment as a text; of very long texts the beginning."""
    while True:
        head = _HEAD.pack(
            segment.scales[row], segment.taken[row], segment.flags[row], len(keys), len(stream), len(facets)
        )
        arrays = (keys.astype("<i4"), codes, stream.astype("<i4"), facets.astype("<i4"))
        packed = zlib.compress(head + b"".join(array.tobytes() for array in arrays), 1)
        if len(packed) <= _BYTES:
            return base64.b64encode(packed).decode()
        keys, codes, stream, facets = (array[: len(array) // 2] for array in (keys, codes, stream, facets))


def read_rows(data: Sequence[str], ids: Sequence[str], names: Names) -> Segment:
    """Return photos as a segment, in the order of their ids.

    Args:
        data: of each photo, as `make_rows` wrote it.
        ids: of each photo.
        names: how many are known.
    """
    photos = [_unpacked(text, names) for text in data]
    scales, taken, flags = (np.array(column) for column in zip(*(photo[0] for photo in photos), strict=True))
    keys, codes, stream, facets = ([photo[1][part] for photo in photos] for part in range(4))
    return finish(
        Parts(
            np.array([photo_id.encode() for photo_id in ids], np.bytes_),
            _starts(keys),
            np.concatenate(keys).astype(np.int32),
            np.concatenate(codes).astype(np.uint8),
            scales.astype(np.float64),
            _starts(stream),
            np.concatenate(stream).astype(np.int32),
            taken.astype(np.int64),
            flags.astype(np.uint8),
            _starts(facets),
            np.concatenate(facets).astype(np.int32),
        )
    )


def _unpacked(text: str, names: Names) -> tuple[tuple[float, int, int], tuple[np.ndarray, ...]]:
    whole = zlib.decompress(base64.b64decode(text))
    scale, taken, flags, n_keys, n_stream, n_facets = _HEAD.unpack_from(whole)
    at = _HEAD.size
    arrays = []
    for kind, n in (("<i4", n_keys), ("u1", n_keys), ("<i4", n_stream), ("<i4", n_facets)):
        array = np.frombuffer(whole, kind, n, at)
        at += array.nbytes
        arrays.append(array)
    keys, codes, stream, facets = arrays
    known = key_terms(keys) < names.n_terms
    return (scale, taken, flags), (
        keys[known],
        codes[known],
        stream[stream < names.n_words],
        facets[facets < names.n_facets],
    )


def _starts(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)


Fetch = Callable[[Sequence[str]], dict[str, str]]  # returns the data of photos by their ids
