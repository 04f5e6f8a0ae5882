"""The state of an index: its segments, and which of their photos are alive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from photosearch.search.index.segment import BREAK, Part, Segment, merge, row_places

MIN_MERGED = 256  # a segment with fewer photos is always merged with the ones after it
GROWTH = 2  # a segment less than this many times as large as all after it is merged with them


@dataclass(frozen=True, eq=False)
class State:
    """Segments with the photos alive; a photo's row is its place in its segment plus the segment's offset."""

    segments: tuple[Segment, ...] = ()
    alive: tuple[np.ndarray, ...] = ()  # bool, of each segment

    @cached_property
    def offsets(self) -> np.ndarray:
        """Return where each segment's rows start, then the number of rows: int64 (segments + 1)."""
        return np.concatenate([[0], np.cumsum([len(segment) for segment in self.segments])]).astype(np.int64)

    @cached_property
    def n_photos(self) -> int:
        """Return how many photos are alive."""
        return sum(int(living.sum()) for living in self.alive)

    @property
    def n_rows(self) -> int:
        """Return the number of rows, those of removed photos included."""
        return int(self.offsets[-1])

    def living(self) -> np.ndarray:
        """Return which rows are alive: bool (rows)."""
        return np.concatenate([*self.alive, np.zeros(0, bool)])

    def row(self, photo_id: str) -> int | None:
        """Return the row of a photo; None when there is no such photo alive."""
        own_id = photo_id.encode()
        for segment, living, offset in zip(self.segments, self.alive, self.offsets.tolist(), strict=False):
            row = segment.row(own_id)
            if row is not None and living[row]:
                return offset + row
        return None

    def ids(self, rows: np.ndarray) -> np.ndarray:
        """Return the ids of some rows: bytes."""
        return self._gathered([segment.ids for segment in self.segments], rows, np.dtype("S1"))

    def taken(self, rows: np.ndarray) -> np.ndarray:
        """Return when the photos of some rows were taken: int64, as in `Segment.taken`."""
        return self._gathered([segment.taken for segment in self.segments], rows, np.dtype(np.int64))

    def _gathered(self, columns: Sequence[np.ndarray], rows: np.ndarray, empty: np.dtype) -> np.ndarray:
        if len(columns) == 1:
            return columns[0][rows]
        values = np.zeros(len(rows), np.result_type(empty, *columns))
        for column, offset in zip(columns, self.offsets.tolist(), strict=False):
            inside = (rows >= offset) & (rows < offset + len(column))
            values[inside] = column[rows[inside] - offset]
        return values

    def parts(self) -> list[Part]:
        """Return the rows alive in each segment."""
        return [(segment, np.flatnonzero(living)) for segment, living in zip(self.segments, self.alive, strict=True)]

    def without(self, photo_ids: Iterable[str]) -> tuple[State, list[Part]]:
        """Remove photos: return the state without them, and the rows removed from each segment."""
        gone = np.array(sorted({photo_id.encode() for photo_id in photo_ids}), dtype=np.bytes_)
        alive, removed = [], []
        for segment, living in zip(self.segments, self.alive, strict=True):
            places = np.searchsorted(segment.ids, gone) if len(gone) else np.zeros(0, np.int64)
            places = np.minimum(places, len(segment) - 1)
            rows = places[segment.ids[places] == gone]
            rows = rows[living[rows]]
            removed.append((segment, rows))
            if len(rows):
                living = living.copy()
                living[rows] = False
            alive.append(living)
        return State(self.segments, tuple(alive)), removed

    def grown(self, segment: Segment) -> State:
        """Add a segment; merge small ones so that segments stay few, and each photo is seldom written again."""
        segments, alive = [*self.segments], [*self.alive]
        if len(segment):
            segments.append(segment)
            alive.append(np.ones(len(segment), bool))
        first, after = len(segments), 0
        for place in range(len(segments) - 1, -1, -1):
            n_alive = int(alive[place].sum())
            if place < len(segments) - 1 and n_alive >= max(GROWTH * after, MIN_MERGED):
                break
            after += n_alive
            first = place
        wasted = [2 * int(living.sum()) < len(living) for living in alive]
        if any(wasted):
            first = min(first, wasted.index(True))
        if len(segments) - first > 1 or any(wasted):
            whole = merge(segments[first:], alive[first:])
            segments[first:], alive[first:] = ([whole], [np.ones(len(whole), bool)]) if len(whole) else ([], [])
        return State(tuple(segments), tuple(alive))


def count_words(parts: Iterable[Part], n_words: int) -> np.ndarray:
    """Count how often photos' texts hold each word: int64 (words)."""
    counts = np.zeros(n_words, np.int64)
    for segment, rows in parts:
        said, _ = row_places(segment.stream_starts, rows)
        stream = segment.stream[said]
        counts += np.bincount(stream[stream != BREAK], minlength=n_words)
    return counts
