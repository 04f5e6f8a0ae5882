"""An index grows: documents that come one after another become segments, which are written to files as they fill."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from photosearch.records import Document
from photosearch.search.fields import ALL
from photosearch.search.index.draft import make_segments
from photosearch.search.index.lexicon import Lexicon
from photosearch.search.index.segment import Segment
from photosearch.search.index.state import State, count_words
from photosearch.search.index.tables import Tables
from photosearch.search.index.views import count_df

Keep = Callable[[Segment], Segment]  # writes a segment to a file, and returns it mapped from there


def in_memory(segment: Segment) -> Segment:
    """Keep a segment where it is."""
    return segment


def grow(
    lexicon: Lexicon,
    tables: Tables,
    state: State,
    df: np.ndarray,
    words: np.ndarray,
    documents: Iterable[Document],
    removed: Iterable[str],
    keep: Keep,
) -> tuple[Lexicon, Tables, State, np.ndarray, np.ndarray]:
    """Return the parts of an index, as `Index.of` takes them, after photos were added, changed or removed.

    Args:
        lexicon: the names, which grow in place.
        tables: what the index depends on besides its photos.
        state: the photos before.
        df: int64 (terms): their document frequencies, in 1/255.
        words: int64 (words): how often their texts hold each word.
        documents: the photos added and changed; each id once.
        removed: ids of photos; those that are among the documents stay.
        keep: what to do with segments that are full.
    """
    weights = tables.kind_weights(ALL)
    added: list[Segment] = []
    for segment in make_segments(documents, lexicon, tables):
        if added:  # the one before was full
            added[-1] = keep(added[-1])
        rows = np.arange(len(segment))
        df = _plus(df, count_df([(segment, rows)], len(lexicon.terms), weights))
        words = _plus(words, count_words([(segment, rows)], len(lexicon.words)))
        added.append(segment)
    ids = np.array([photo_id.encode() for photo_id in removed], np.bytes_)
    state, dropped = state.without(np.concatenate([ids, *(segment.ids for segment in added)]))
    df = df - count_df(dropped, len(df), weights)
    words = words - count_words(dropped, len(words))
    return lexicon, tables, state.grown(added), df, words


def _plus(counts: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Add up counts of which the second ones may be of more names."""
    return np.pad(counts, (0, len(more) - len(counts))) + more
