"""Finding photos: each collection's index as the library stands, and what it answers."""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from photosearch.expansion import Expansion
from photosearch.fields import ALL, Field
from photosearch.hypernyms import Hypernyms
from photosearch.index import Index, Ranking
from photosearch.library import Library
from photosearch.query import NO_REFINEMENT, Refine, parse, parse_words
from photosearch.records import Hit, Results


class _Alike:
    """The near-duplicates of a collection."""

    def __init__(self, groups: Mapping[str, int], index: Index) -> None:
        self.groups = groups
        self._sizes = Counter(groups.values())
        ids = index.ids()
        self._group = np.array([groups.get(photo_id, -1 - row) for row, photo_id in enumerate(ids)], np.int64)

    def n_others(self, photo_id: str) -> int:
        """How many near-duplicates a photo has."""
        return self._sizes[self.groups[photo_id]] - 1 if photo_id in self.groups else 0

    def best_only(self, ranking: Ranking) -> Ranking:
        """Of each group of near-duplicates the one that comes first."""
        _, first = np.unique(self._group[ranking.rows], return_index=True)
        return ranking.keep(np.sort(first))


@dataclass
class _Indexed:
    generation: int
    index: Index
    alike: _Alike | None = None  # once somebody asks


class Searcher:
    """Answers queries; an index is made anew when its collection has changed."""

    def __init__(self, library: Library, expansion: Expansion, hypernyms: Hypernyms) -> None:
        self._library = library
        self._expansion = expansion
        self._hypernyms = hypernyms
        self._indexes: dict[str, _Indexed] = {}
        self._making = threading.Lock()

    def forget(self, collection: str) -> None:
        """Drop the index of a collection that was removed."""
        self._indexes.pop(collection, None)

    def index(self, collection: str) -> Index:
        """The collection's index as it stands; raises `CollectionNotFound`."""
        return self._indexed(collection).index

    def near_duplicates(self, collection: str) -> Mapping[str, int]:
        """The group of each photo that has near-duplicates; raises `CollectionNotFound`."""
        return self._alike(self._indexed(collection), collection).groups

    def search(
        self,
        query: str,
        collection: str,
        *,
        top: int,
        offset: int = 0,
        fields: frozenset[Field] = ALL,
        expand: bool = True,
        group: bool = False,
        literal: bool = False,
        refine: Refine = NO_REFINEMENT,
    ) -> Results:
        """Find photos by description.

        Args:
            query: a description, in the language of `photosearch.query`.
            collection: where to search.
            top: hits wanted at most.
            offset: hits left out before them, to go through all of them page by page.
            fields: what of a photo is searched, unless the query says it.
            expand: whether related words count, too.
            group: of near-duplicates show the best one only, with their number.
            literal: whether signs in the query mean nothing.
            refine: what narrows and orders the answer beside the query.

        Raises:
            CollectionNotFound: there is no such collection.
            ModelError: the table of related words cannot be read.
            ValueError: `top` or `offset` is negative.
        """
        if min(top, offset) < 0:
            raise ValueError(f"top is {top} and offset {offset}; both must be at least 0")
        held = self._indexed(collection)
        started = time.perf_counter()
        asked = parse_words(query) if literal else parse(query)
        ranking = held.index.find(asked, fields=fields, expand=expand, refine=refine)
        total = len(ranking) + ranking.n_weak
        alike = self._alike(held, collection) if group else None
        if alike is not None:
            ranking = alike.best_only(ranking)
        hits = self._hits(held.index, ranking, offset, top, alike)
        return Results(
            query,
            collection,
            1000 * (time.perf_counter() - started),
            total,
            hits,
            suggestions=() if len(ranking) else tuple(held.index.suggest(asked.text)),
            n_listed=len(ranking),
            n_weak=ranking.n_weak,
            corrected=None if literal else held.index.correct(asked),
            notes=(*asked.notes, *held.index.filters.notes(asked, refine)),
        )

    def similar(self, photo_id: str, *, top: int) -> Results:
        """The photos most like one, by what all fields say of both; the query of the results is empty.

        Raises:
            PhotoNotFound: there is no such photo.
            ModelError: the table of related words cannot be read.
        """
        collection = self._library.photo(photo_id).collection
        index = self.index(collection)
        started = time.perf_counter()
        ranking = index.similar(photo_id)
        hits = self._hits(index, ranking, 0, top, None)
        took_ms = 1000 * (time.perf_counter() - started)
        return Results("", collection, took_ms, len(ranking), hits, n_listed=len(hits))

    def _hits(self, index: Index, ranking: Ranking, offset: int, top: int, alike: _Alike | None) -> tuple[Hit, ...]:
        matches = index.matches(ranking.keep(slice(offset, offset + top)))
        photos = self._library.photos_by_id([match.photo_id for match in matches])
        found = [match for match in matches if match.photo_id in photos]
        return tuple(
            Hit(
                rank,
                match.score,
                photos[match.photo_id],
                match.shares,
                alike.n_others(match.photo_id) if alike is not None else 0,
            )
            for rank, match in enumerate(found, start=offset + 1)
        )

    def _alike(self, held: _Indexed, collection: str) -> _Alike:
        if held.alike is None:
            from photosearch.lookalikes import group_alike

            held.alike = _Alike(group_alike(self._library.hashes(collection)), held.index)
        return held.alike

    def _indexed(self, collection: str) -> _Indexed:
        with self._making:  # several at once would fill the memory with the same
            return self._up_to_date(collection)

    def _up_to_date(self, collection: str) -> _Indexed:
        generation = self._library.generation(collection)
        known = self._indexes.get(collection)
        if known is None or known.generation != generation:
            # Documents are read after the number: they may be newer than it, never older.
            documents = self._library.documents(collection)
            index = Index(documents, expansion=self._expansion, hypernyms=self._hypernyms)
            known = _Indexed(generation, index)
            self._indexes[collection] = known
            del documents
            _give_memory_back()
        return known


def _give_memory_back() -> None:
    """Return what building an index took and freed, 100 MB for 20,000 photos; the C library of Linux keeps it."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # not every Linux has that library
            ctypes.CDLL(None).malloc_trim(0)
