"""Finding photos: each collection's index as the library stands, and what it answers."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from filelock import FileLock, Timeout

from photosearch.errors import IndexDamaged
from photosearch.library import Library, CollectionVersion
from photosearch.records import Document, Hit, Results
from photosearch.search.index import Index, Ranking, Store, Tables
from photosearch.search.query import parse, parse_words
from photosearch.search.question import Question, check_page

log = logging.getLogger(__name__)
_DAMAGED = 'The index of "{}" could not be used ({}); it was made anew.'
_OTHER = 'The index of "{}" did not fit the library, as after putting back a copy; it was made anew.'


class _NearDuplicates:
    """The near-duplicates of a collection."""

    def __init__(self, groups: Mapping[str, int], index: Index) -> None:
        self.groups = groups
        self._sizes = Counter(groups.values())
        self._group = np.full(index.state.n_rows, -1, np.int64)  # of each row; -1: none
        for photo_id, group in groups.items():
            if (row := index.state.row(photo_id)) is not None:
                self._group[row] = group

    def n_others(self, photo_id: str) -> int:
        """How many near-duplicates a photo has."""
        return self._sizes[self.groups[photo_id]] - 1 if photo_id in self.groups else 0

    def best_only(self, ranking: Ranking) -> Ranking:
        """Of each group of near-duplicates the one that comes first."""
        found = ranking.found()
        grouped = self._group[found] >= 0
        rows, _ = ranking.only(found[grouped]).best(int(grouped.sum()))
        _, first = np.unique(self._group[rows], return_index=True)
        return ranking.only(np.concatenate([found[~grouped], rows[first]]))


@dataclass
class _Current:
    version: CollectionVersion  # the collection's, that the index was made from
    index: Index
    store: Store
    notice: str | None = None  # what people should know of how it came about, once
    near_duplicates: _NearDuplicates | None = None  # once somebody asks

    def told(self) -> tuple[str, ...]:
        """The notice, the first time."""
        notice, self.notice = self.notice, None
        return (notice,) if notice else ()


class Searcher:
    """Answers queries. An index grows with its collection, and lies beside the library for the next process."""

    def __init__(self, library: Library, tables: Tables) -> None:
        self.library = library
        self._tables = tables
        self._indexes: dict[str, _Current] = {}
        self._making: dict[str, threading.Lock] = {}  # of each collection

    def forget(self, collection: str) -> None:
        """Drop the index of a collection that was removed."""
        self._indexes.pop(collection, None)

    def index(self, collection: str) -> Index:
        """The collection's index as it stands; raises `CollectionNotFound`."""
        return self._current(collection).index

    def near_duplicates(self, collection: str) -> Mapping[str, int]:
        """The group of each photo that has near-duplicates; raises `CollectionNotFound`."""
        return self._near_duplicates(self._current(collection), collection).groups

    def search(self, question: Question) -> Results:
        """Find photos by description.

        Raises:
            CollectionNotFound: there is no such collection.
            ModelError: a table of related words cannot be read.
        """
        held = self._current(question.collection)
        started = time.perf_counter()
        query = parse_words(question.query) if question.literal else parse(question.query)
        ranking = held.index.find(query, fields=question.fields, expand=question.expand, refine=question.refine)
        total = len(ranking) + ranking.n_weak
        near_duplicates = self._near_duplicates(held, question.collection) if question.one_of_near_duplicates else None
        if near_duplicates is not None:
            ranking = near_duplicates.best_only(ranking)
        hits = self._hits(held.index, ranking, question.offset, question.top, near_duplicates)
        return Results(
            question.query,
            question.collection,
            1000 * (time.perf_counter() - started),
            total,
            hits,
            suggestions=() if len(ranking) else tuple(held.index.suggest(query.text)),
            n_listed=len(ranking),
            n_weak=ranking.n_weak,
            corrected=None if question.literal else held.index.correct(query),
            notes=(*held.told(), *query.notes, *held.index.filters.notes(query, question.refine)),
        )

    def similar(self, photo_id: str, *, top: int, offset: int = 0) -> Results:
        """The photos most like one, by what all fields say of both; the query of the results is empty.

        Raises:
            PhotoNotFound: there is no such photo.
            ModelError: a table of related words cannot be read.
            ValueError: `top` or `offset` is negative.
        """
        collection = self.library.photo(photo_id).collection
        held = self._current(collection)
        return self._like(held, collection, held.index.similar(photo_id), top, offset)

    def like(self, document: Document, collection: str, *, top: int, offset: int = 0) -> Results:
        """The photos most like one that need not be in the library; raises as `search` does."""
        held = self._current(collection)
        return self._like(held, collection, held.index.like(document), top, offset)

    def _like(self, held: _Current, collection: str, ranking: Ranking, top: int, offset: int) -> Results:
        check_page(top, offset)
        started = time.perf_counter()
        hits = self._hits(held.index, ranking, offset, top, None)
        took_ms = 1000 * (time.perf_counter() - started)
        return Results("", collection, took_ms, len(ranking), hits, n_listed=len(ranking), notes=held.told())

    def _hits(
        self, index: Index, ranking: Ranking, offset: int, top: int, near_duplicates: _NearDuplicates | None
    ) -> tuple[Hit, ...]:
        matches = index.matches(ranking, top, offset)
        photos = self.library.photos_by_id([match.photo_id for match in matches])
        found = [match for match in matches if match.photo_id in photos]
        return tuple(
            Hit(
                rank,
                match.score,
                photos[match.photo_id],
                match.shares,
                near_duplicates.n_others(match.photo_id) if near_duplicates is not None else 0,
            )
            for rank, match in enumerate(found, start=offset + 1)
        )

    def _near_duplicates(self, held: _Current, collection: str) -> _NearDuplicates:
        if held.near_duplicates is None:
            from photosearch.search.near_duplicates import group_near_duplicates

            held.near_duplicates = _NearDuplicates(group_near_duplicates(self.library.hashes(collection)), held.index)
        return held.near_duplicates

    # Keeping up

    def _current(self, collection: str) -> _Current:
        with self._making.setdefault(collection, threading.Lock()):  # several would fill the memory
            version = self.library.version(collection)
            known = self._indexes.get(collection)
            if known is None or known.version != version:
                known = self._indexes[collection] = self._up_to_date(collection, known)
            return known

    def _up_to_date(self, collection: str, known: _Current | None) -> _Current:
        """An index of the collection as it stands, of what there is already if that fits."""
        if known is None or (known.store.generation() or 0) > known.version.generation:
            store = Store(self.library.index_folder(collection), self._tables.fingerprint)
            try:
                saved = store.open(self._tables)
            except IndexDamaged as error:
                return self._built(collection, store, _DAMAGED.format(collection, error))
            if saved is None:
                return self._built(collection, store)
            known = _Current(CollectionVersion(saved.generation, saved.token), saved.index, store)
        version = self.library.version(collection)  # before what it has: that may be newer, never older
        if known.version == version:
            return known
        changes = self.library.changes(collection, known.version)
        if changes is None:
            return self._built(collection, known.store, _OTHER.format(collection))
        made = _Current(version, known.index.updated(*changes), known.store, known.notice)
        self._save(made)
        return made

    def _built(self, collection: str, store: Store, notice: str | None = None) -> _Current:
        """An index of all photos."""
        if notice:
            log.info("%s", notice)  # the answers say it
        version = self.library.version(collection)
        made = _Current(version, Index(self.library.documents(collection), self._tables), store, notice)
        self._save(made)
        _give_memory_back()
        return made

    def _save(self, made: _Current) -> None:
        """Keep an index for the next process; one that cannot be kept is made anew there."""
        folder = made.store.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / "writing.lock", timeout=0):
                if made.notice is None and (made.store.generation() or 0) > made.version.generation:
                    return  # another process is further
                made.store.save(made.index, made.version.generation, made.version.token)
        except Timeout:
            log.info("Another process is writing %s.", folder)
        except OSError as error:
            log.warning("The index cannot be kept in %s: %s. It will be made anew.", folder, error)


def _give_memory_back() -> None:
    """Return what building an index took and freed, 100 MB for 20,000 photos; the C library of Linux keeps it."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # not every Linux has that library
            ctypes.CDLL(None).malloc_trim(0)
