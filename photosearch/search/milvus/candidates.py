"""The photos that Milvus found; those whose scores are wanted exactly are read, and scored by our own code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from photosearch.search.index.scoring import Exact, QueryTerm, exact
from photosearch.search.index.segment import NO_DATE, Segment
from photosearch.search.index.views import View, make_view
from photosearch.search.milvus.rows import NO_TAKEN

Read = Callable[[Sequence[str]], Mapping[str, str]]  # returns photos' data by their ids
Join = Callable[[Mapping[str, str]], Segment | None]  # makes a segment of them


class Candidates:
    """Photos found, by their rows; the ones that `index.ranking.Ranking` ranks."""

    def __init__(self, found: Mapping[str, int], view: View, n_photos: int, read: Read, join: Join) -> None:
        """Take what Milvus found.

        Args:
            found: when each photo was taken, as Milvus has it, by its id; the order gives the rows.
            view: document frequencies and weights of the fields that are searched.
            n_photos: in the whole collection.
            read: returns photos' data.
            join: makes a segment of them.
        """
        self._ids = np.array([photo_id.encode() for photo_id in found], np.bytes_) if found else np.zeros(0, "S1")
        self._names = list(found)
        self._taken = np.array([*found.values()], np.int64)
        self._view = view
        self._n_photos = n_photos
        self._read = read
        self._join = join
        self._data: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._names)

    @property
    def source(self) -> object:
        """Return what is the same for all rankings whose photos have the same rows."""
        return self

    def numbered(self, numbers: Mapping[str, int]) -> np.ndarray:
        """Return the number given for each row's photo by its id, -1 where none is: int64 (rows)."""
        return np.array([numbers.get(photo_id, -1) for photo_id in self._names], np.int64)

    def ids(self, rows: np.ndarray) -> np.ndarray:
        """Return the ids of some rows: bytes."""
        return self._ids[rows]

    def taken(self, rows: np.ndarray) -> np.ndarray:
        """Return when the photos of some rows were taken: int64, as in `Segment.taken`."""
        taken = self._taken[rows]
        return np.where(taken == NO_TAKEN, NO_DATE, taken)

    def exact(self, rows: np.ndarray, query_terms: Mapping[int, QueryTerm]) -> Exact:
        """Score the photos of some rows from their own postings, in double precision; removed ones score 0."""
        segment, present, places = self.segment(rows)
        scores = np.zeros(len(rows))
        if segment is None:
            return Exact(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0), scores)
        every = [(segment, np.arange(len(segment)))]
        view = make_view(every, self._view.df, self._view.kind_weights, self._n_photos)
        scored = exact([segment], np.array([0, len(segment)]), places, query_terms, view)
        scores[present] = scored.scores
        return Exact(present[scored.places], scored.keys, scored.added, scores)

    def segment(self, rows: np.ndarray) -> tuple[Segment | None, np.ndarray, np.ndarray]:
        """Return the photos of some rows as a segment; which of the rows are there, and where in the segment."""
        wanted = [self._names[row] for row in rows.tolist()]
        missing = [photo_id for photo_id in wanted if photo_id not in self._data]
        if missing:
            self._data.update(self._read(missing))
        held = {photo_id: self._data[photo_id] for photo_id in wanted if photo_id in self._data}
        segment = self._join(held)
        if segment is None:
            return None, np.zeros(0, np.int64), np.zeros(0, np.int64)
        places = np.minimum(np.searchsorted(segment.ids, self._ids[rows]), len(segment) - 1)
        present = np.flatnonzero(segment.ids[places] == self._ids[rows])
        return segment, present, places[present]
