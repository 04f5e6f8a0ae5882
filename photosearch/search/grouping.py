"""Near-duplicates of a collection follow its photos; answers then list one of each group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from photosearch.library import CollectionVersion, Library
from photosearch.search.index import Ranking
from photosearch.search.index.ranking import Photos

if TYPE_CHECKING:
    from photosearch.search.near_duplicates import Hashes


class NearDuplicates:
    """The near-duplicates of a collection."""

    def __init__(self, groups: Mapping[str, int]) -> None:
        """Take the group of each photo that has near-duplicates."""
        self.groups = groups
        self._sizes = Counter(self.groups.values())
        self._by_rows: WeakKeyDictionary[object, np.ndarray] = WeakKeyDictionary()

    def n_others(self, photo_id: str) -> int:
        """Return how many near-duplicates a photo has."""
        return self._sizes[self.groups[photo_id]] - 1 if photo_id in self.groups else 0

    def best_only(self, ranking: Ranking) -> Ranking:
        """Keep only the best of each group of near-duplicates."""
        group = self._groups_of(ranking.photos)
        all_rows = ranking.found()
        grouped = group[all_rows] >= 0
        rows, _ = ranking.only(all_rows[grouped]).best(int(grouped.sum()))
        _, first = np.unique(group[rows], return_index=True)
        return ranking.only(np.concatenate([all_rows[~grouped], rows[first]]))

    def _groups_of(self, photos: Photos) -> np.ndarray:
        """Return the group of each row, -1 where it has none: int64 (rows)."""
        group = self._by_rows.get(photos.source)
        if group is None:
            group = self._by_rows[photos.source] = photos.numbered(self.groups)
        return group


@dataclass(frozen=True)
class _Known:
    """What was compared last, and the state of the collection that it is of."""

    version: CollectionVersion
    hashes: Hashes
    near_duplicates: NearDuplicates


class Grouping:
    """Finds the near-duplicates of collections when they are first asked for, and after changes."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._known: dict[str, _Known] = {}

    def forget(self, collection: str) -> None:
        """Drop what is known of a collection that was removed."""
        self._known.pop(collection, None)

    def of(self, collection: str, version: CollectionVersion) -> NearDuplicates:
        """Return the near-duplicates of a collection in a state, or a later one; raises `CollectionNotFound`."""
        known = self._known.get(collection)
        if known is None or known.version != version:
            known = self._known[collection] = self._compared(collection, version, known)
        return known.near_duplicates

    def _compared(self, collection: str, version: CollectionVersion, before: _Known | None) -> _Known:
        from photosearch.search.near_duplicates import Hashes, compare_miniatures

        hashes: Hashes | None = None
        if before is not None:
            changes = self.library.changed_hashes(collection, before.version)
            hashes = before.hashes.updated(*changes) if changes is not None else None
        if hashes is None:
            hashes = Hashes.of(self.library.hashes(collection))
        by_hash = hashes.groups()
        groups = compare_miniatures(by_hash, self.library.miniatures(by_hash))
        return _Known(version, hashes, NearDuplicates(groups))
