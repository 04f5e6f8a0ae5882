"""One state of a collection: segments, and which of their photos are alive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from photosearch.search.index.segment import BREAK, Part, Segment, merge, spread

MIN_MERGED = 256  # photos of a segment that is always merged into the next
GROWTH = 2  # how many times as large as the ones after it together a segment is, or it is merged with them


@dataclass(frozen=True, eq=False)
class State:
    """A photo's row is its place in its segment plus the segment's offset."""

    segments: tuple[Segment, ...] = ()
    alive: tuple[np.ndarray, ...] = ()  # bool, of each segment

    @cached_property
    def offsets(self) -> np.ndarray:
        """Where each segment's rows start, and the number of rows: int64 (segments + 1)."""
        return np.concatenate([[0], np.cumsum([len(segment) for segment in self.segments])]).astype(np.int64)

    @cached_property
    def n_photos(self) -> int:
        """How many are alive."""
        return sum(int(living.sum()) for living in self.alive)

    @property
    def n_rows(self) -> int:
        """How many rows there are, those of removed photos too."""
        return int(self.offsets[-1])

    def living(self) -> np.ndarray:
        """Which rows are alive: bool (rows)."""
        return np.concatenate([*self.alive, np.zeros(0, bool)])

    def row(self, photo_id: str) -> int | None:
        """The row of a photo; None where it is not there."""
        wanted = photo_id.encode()
        for segment, living, offset in zip(self.segments, self.alive, self.offsets.tolist(), strict=False):
            row = segment.row(wanted)
            if row is not None and living[row]:
                return offset + row
        return None

    def ids(self, rows: np.ndarray) -> np.ndarray:
        """The ids of some rows: bytes."""
        return self._gathered([segment.ids for segment in self.segments], rows, np.dtype("S1"))

    def taken(self, rows: np.ndarray) -> np.ndarray:
        """When the photos of some rows were taken: int64, as `Segment.taken`."""
        return self._gathered([segment.taken for segment in self.segments], rows, np.dtype(np.int64))

    def _gathered(self, columns: Sequence[np.ndarray], rows: np.ndarray, empty: np.dtype) -> np.ndarray:
        if len(columns) == 1:
            return columns[0][rows]
        found = np.zeros(len(rows), np.result_type(empty, *columns))
        for column, offset in zip(columns, self.offsets.tolist(), strict=False):
            here = (rows >= offset) & (rows < offset + len(column))
            found[here] = column[rows[here] - offset]
        return found

    def parts(self) -> list[Part]:
        """The photos that are alive."""
        return [(segment, np.flatnonzero(living)) for segment, living in zip(self.segments, self.alive, strict=True)]

    def without(self, photo_ids: Iterable[str]) -> tuple[State, list[Part]]:
        """The state after some photos were removed, and which ones of each segment they were."""
        asked = np.array(sorted({photo_id.encode() for photo_id in photo_ids}), dtype=np.bytes_)
        alive, removed = [], []
        for segment, living in zip(self.segments, self.alive, strict=True):
            places = np.searchsorted(segment.ids, asked) if len(asked) else np.zeros(0, np.int64)
            places = np.minimum(places, len(segment) - 1)
            rows = places[segment.ids[places] == asked]
            rows = rows[living[rows]]
            removed.append((segment, rows))
            if len(rows):
                living = living.copy()
                living[rows] = False
            alive.append(living)
        return State(self.segments, tuple(alive)), removed

    def grown(self, segment: Segment) -> State:
        """With a segment more; small ones are merged, so that there are few, each photo seldom written again."""
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
    """How often photos' texts hold each word: int64 (words)."""
    found = np.zeros(n_words, np.int64)
    for segment, rows in parts:
        said, _ = spread(segment.stream_starts, rows)
        stream = segment.stream[said]
        found += np.bincount(stream[stream != BREAK], minlength=n_words)
    return found
