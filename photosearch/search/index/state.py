"""The state of an index: its segments, and which of their photos are alive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from photosearch.search.index.segment import BREAK, MAX_PHOTOS, MAX_POSTINGS, Part, Segment, merge, row_places

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

    def beside(self, other: State) -> list[Part]:
        """Return the photos of this state that do not lie, alive, in the same segments of another one."""
        elsewhere = dict(zip(map(id, other.segments), other.alive, strict=True))
        rows = (
            np.flatnonzero(living & ~elsewhere[id(segment)] if id(segment) in elsewhere else living)
            for segment, living in zip(self.segments, self.alive, strict=True)
        )
        return [(segment, own) for segment, own in zip(self.segments, rows, strict=True) if len(own)]

    def without(self, photo_ids: np.ndarray) -> tuple[State, list[Part]]:
        """Remove photos by their ids (bytes): return the state without them, and the rows removed from each segment."""
        gone = np.unique(photo_ids)
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

    def grown(self, added: Iterable[Segment]) -> State:
        """Add segments; merge small ones so that segments stay few, and each photo is seldom written again.

        A segment is written anew when most of its photos were removed. None grows so large that merging it would fill
        the memory.
        """
        segments, alive = list[Segment](), list[np.ndarray]()
        for segment, living in [*zip(self.segments, self.alive, strict=True), *((new, _all(new)) for new in added)]:
            if 2 * int(living.sum()) < len(living):
                segment = merge([segment], [living])
                living = _all(segment)
            if len(segment):
                segments.append(segment)
                alive.append(living)
        first, n_alive, n_postings = len(segments), 0, 0
        for place in range(len(segments) - 1, -1, -1):
            n_own = int(alive[place].sum())
            n_postings += len(segments[place].keys)
            is_apart = n_own >= max(GROWTH * n_alive, MIN_MERGED)
            if n_alive and (is_apart or n_postings > MAX_POSTINGS or n_alive + n_own > MAX_PHOTOS):
                break
            n_alive += n_own
            first = place
        if len(segments) - first > 1:
            whole = merge(segments[first:], alive[first:])
            segments[first:], alive[first:] = [whole], [_all(whole)]
        return State(tuple(segments), tuple(alive))


def _all(segment: Segment) -> np.ndarray:
    return np.ones(len(segment), bool)


def count_words(parts: Iterable[Part], n_words: int) -> np.ndarray:
    """Count how often photos' texts hold each word: int64 (words)."""
    counts = np.zeros(n_words, np.int64)
    for segment, rows in parts:
        said, _ = row_places(segment.stream_starts, rows)
        stream = segment.stream[said]
        counts += np.bincount(stream[stream != BREAK], minlength=n_words)
    return counts
