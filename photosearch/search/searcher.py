"""Searching collections: an index of each is kept up to date with the library, and answers queries."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock, Timeout

from photosearch.errors import IndexDamaged
from photosearch.library import CollectionVersion, Library
from photosearch.records import Document, Findings, Hit, Results
from photosearch.search.dates import SaidDate, find_dates, with_filters
from photosearch.search.index import Index, Keep, Ranking, Store, Tables
from photosearch.search.index.filters import NO_DATES
from photosearch.search.index.segment import Segment
from photosearch.search.query import MAX_CHARS, Query, parse, parse_words
from photosearch.search.question import PAGE_TOP, Question, check_page

if TYPE_CHECKING:
    from photosearch.search.near_duplicates import Hashes

log = logging.getLogger(__name__)
_DAMAGED = 'The index of "{}" could not be used ({}); it was made anew.'
_UNSAVED = "The index cannot be kept in %s: %s. It will be made anew."
_OTHER = 'The index of "{}" did not fit the library, as after putting back a copy; it was made anew.'


class _NearDuplicates:
    """The near-duplicates of a collection, by photo and by row of its index."""

    def __init__(self, hashes: Hashes, groups: Mapping[str, int], index: Index) -> None:
        self.hashes = hashes  # that the groups come from
        self.groups = groups
        self._sizes = Counter(self.groups.values())
        self._group = np.full(index.state.n_rows, -1, np.int64)  # the group of each row; -1: none
        for photo_id, group in self.groups.items():
            if (row := index.state.row(photo_id)) is not None:
                self._group[row] = group

    def n_others(self, photo_id: str) -> int:
        """Return how many near-duplicates a photo has."""
        return self._sizes[self.groups[photo_id]] - 1 if photo_id in self.groups else 0

    def best_only(self, ranking: Ranking) -> Ranking:
        """Keep only the best of each group of near-duplicates."""
        all_rows = ranking.found()
        grouped = self._group[all_rows] >= 0
        rows, _ = ranking.only(all_rows[grouped]).best(int(grouped.sum()))
        _, first = np.unique(self._group[rows], return_index=True)
        return ranking.only(np.concatenate([all_rows[~grouped], rows[first]]))


@dataclass
class _CurrentIndex:
    """A collection's index, with the state of the collection that it was made from."""

    version: CollectionVersion  # of the collection when the index was made
    index: Index
    store: Store
    notice: str | None = None  # why the index was made anew; shown once
    near_duplicates: _NearDuplicates | None = None  # computed when first needed
    earlier: tuple[Hashes, CollectionVersion] | None = None  # compared last, and the state that they are of

    def take_notice(self) -> tuple[str, ...]:
        """Return the notice when called for the first time, nothing afterwards."""
        notice, self.notice = self.notice, None
        return (notice,) if notice else ()


class Searcher:
    """Answers to queries. Indexes follow their collections, and are saved in the library for the next process."""

    def __init__(self, library: Library, tables: Tables) -> None:
        self.library = library
        self._tables = tables
        self._indexes: dict[str, _CurrentIndex] = {}
        self._making: dict[str, threading.Lock] = {}  # by collection

    def forget(self, collection: str) -> None:
        """Drop the index of a collection that was removed."""
        self._indexes.pop(collection, None)

    def index(self, collection: str) -> Index:
        """Return the collection's up-to-date index; raises `CollectionNotFound`."""
        return self._current(collection).index

    def near_duplicates(self, collection: str) -> Mapping[str, int]:
        """Return the group of each photo that has near-duplicates; raises `CollectionNotFound`."""
        return self._near_duplicates(self._current(collection), collection).groups

    def search(self, question: Question) -> Results:
        """Find photos by description.

        Raises:
            CollectionNotFound: there is no such collection.
            ModelError: a table of related words cannot be read.
        """
        current = self._current(question.collection)
        started = time.perf_counter()
        query, dates = _parse(question, current.index)
        ranking = current.index.find(query, fields=question.fields, expand=question.expand, refine=question.refine)
        total = len(ranking) + ranking.n_weak
        near_duplicates = (
            self._near_duplicates(current, question.collection) if question.one_of_near_duplicates else None
        )
        if near_duplicates is not None:
            ranking = near_duplicates.best_only(ranking)
        hits = self._hits(current.index, ranking, question.offset, question.top, near_duplicates)
        return Results(
            question.query,
            question.collection,
            1000 * (time.perf_counter() - started),
            total,
            hits,
            suggestions=() if len(ranking) else tuple(current.index.suggest(query.text)),
            n_listed=len(ranking),
            n_weak=ranking.n_weak,
            dates=tuple(said.message for said in dates),
            corrected=None if question.literal else current.index.correct(query),
            notes=(
                *current.take_notice(),
                *query.notes,
                *self._filter_notes(current.index, query, question),
            ),
        )

    def _filter_notes(self, index: Index, query: Query, question: Question) -> tuple[str, ...]:
        notes = index.filters.notes(query, question.refine)
        if NO_DATES in notes:
            n_to_do = next((info.n_new for info in self.library.collections() if info.name == question.collection), 0)
            if n_to_do:
                return (*notes, f"{n_to_do:,} photos are not captioned yet; their dates are read then, or by fetching.")
        return notes

    def similar(self, photo_id: str, *, top: int = PAGE_TOP, offset: int = 0) -> Results:
        """Find the photos most like one of the library, compared in all fields; the results' query is empty.

        Raises:
            PhotoNotFound: there is no such photo.
            ModelError: a table of related words cannot be read.
            ValueError: `top` or `offset` is negative.
        """
        collection = self.library.photo(photo_id).collection
        current = self._current(collection)
        return self._like(current, collection, current.index.similar(photo_id), top, offset)

    def like(self, findings: Findings, collection: str, *, top: int = PAGE_TOP, offset: int = 0) -> Results:
        """Find the photos most like a picture in which models found this; raises as `search` does."""
        current = self._current(collection)
        return self._like(current, collection, current.index.like(Document.from_findings("", findings)), top, offset)

    def _like(self, current: _CurrentIndex, collection: str, ranking: Ranking, top: int, offset: int) -> Results:
        check_page(top, offset)
        started = time.perf_counter()
        hits = self._hits(current.index, ranking, offset, top, None)
        took_ms = 1000 * (time.perf_counter() - started)
        return Results("", collection, took_ms, len(ranking), hits, n_listed=len(ranking), notes=current.take_notice())

    def _hits(
        self, index: Index, ranking: Ranking, offset: int, top: int, near_duplicates: _NearDuplicates | None
    ) -> tuple[Hit, ...]:
        matches = index.matches(ranking, top, offset)
        photos = self.library.photos_by_id([match.photo_id for match in matches])
        present = [match for match in matches if match.photo_id in photos]
        return tuple(
            Hit(
                rank,
                match.score,
                photos[match.photo_id],
                match.shares,
                near_duplicates.n_others(match.photo_id) if near_duplicates is not None else 0,
            )
            for rank, match in enumerate(present, start=offset + 1)
        )

    def _near_duplicates(self, current: _CurrentIndex, collection: str) -> _NearDuplicates:
        if current.near_duplicates is None:
            from photosearch.search.near_duplicates import Hashes, compare_miniatures

            hashes: Hashes | None = None
            if current.earlier is not None:
                before, version = current.earlier
                changes = self.library.changed_hashes(collection, version)
                hashes = before.updated(*changes) if changes is not None else None
            if hashes is None:
                hashes = Hashes.of(self.library.hashes(collection))
            by_hash = hashes.groups()
            groups = compare_miniatures(by_hash, self.library.miniatures(by_hash))
            current.near_duplicates = _NearDuplicates(hashes, groups, current.index)
        return current.near_duplicates

    # Keeping up

    def _current(self, collection: str) -> _CurrentIndex:
        # Several threads would build the same index several times, and fill the memory.
        with self._making.setdefault(collection, threading.Lock()):
            version = self.library.version(collection)
            current = self._indexes.get(collection)
            if current is None or current.version != version:
                current = self._indexes[collection] = self._up_to_date(collection, current)
            return current

    def _up_to_date(self, collection: str, latest: _CurrentIndex | None) -> _CurrentIndex:
        """Return an up-to-date index, made from the one in memory or on disk when that fits."""
        if latest is None or (latest.store.generation() or 0) > latest.version.generation:
            store = Store(self.library.index_folder(collection), self._tables.fingerprint)
            try:
                saved = store.open(self._tables)
            except IndexDamaged as error:
                return self._built(collection, store, _DAMAGED.format(collection, error))
            if saved is None:
                return self._built(collection, store)
            latest = _CurrentIndex(CollectionVersion(saved.generation, saved.token), saved.index, store)
        version = self.library.version(collection)  # read before the changes, which may then be newer, never older
        if latest.version == version:
            return latest
        changes = self.library.changes(collection, latest.version)
        if changes is None:
            return self._built(collection, latest.store, _OTHER.format(collection))
        made = _made(version, latest.store, latest.notice, lambda keep: latest.index.updated(*changes, keep))
        near_duplicates = latest.near_duplicates
        made.earlier = (near_duplicates.hashes, latest.version) if near_duplicates is not None else latest.earlier
        return made

    def _built(self, collection: str, store: Store, notice: str | None = None) -> _CurrentIndex:
        """Build an index of all photos, and save it."""
        if notice:
            log.info("%s", notice)  # the next answer shows it, too
        version = self.library.version(collection)
        documents = self.library.each_document(collection)
        made = _made(version, store, notice, lambda keep: Index(documents, self._tables, keep))
        _give_memory_back()
        return made


def _made(version: CollectionVersion, store: Store, notice: str | None, make: Callable[[Keep], Index]) -> _CurrentIndex:
    """Make an index, and save it for the next process, which makes its own when saving fails."""
    with _locked(store.folder) as is_locked:
        if not is_locked:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                return _CurrentIndex(version, make(_keeping(Store(Path(folder)))), store, notice)
        made = _CurrentIndex(version, make(_keeping(store)), store, notice)
        if notice is not None or (store.generation() or 0) <= version.generation:  # else another process was quicker
            try:
                store.save(made.index, version.generation, version.token)
            except OSError as error:
                log.warning(_UNSAVED, store.folder, error)
        return made


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold the lock for writing an index; yields False where another process holds it, or the folder is read-only."""
    lock = FileLock(folder / "writing.lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        log.info("Another process is writing %s.", folder)
    except OSError as error:
        log.warning(_UNSAVED, folder, error)
    try:
        yield lock.is_locked
    finally:
        lock.release()


def _keeping(store: Store) -> Keep:
    """Return what writes full segments to files, and leaves them in memory where there is no room."""

    def keep(segment: Segment) -> Segment:
        try:
            return store.keep(segment)
        except OSError as error:
            log.warning(_UNSAVED, store.folder, error)
            return segment

    return keep


def _parse(question: Question, index: Index) -> tuple[Query, tuple[SaidDate, ...]]:
    """Return the parsed query, and its words that were understood as dates."""
    if question.literal:
        return parse_words(question.query), ()
    dates: tuple[SaidDate, ...] = ()
    if question.dates and len(question.query) <= MAX_CHARS and index.filters.has_dates():
        dates = find_dates(question.query, date.today(), index.filters.says)
    return parse(with_filters(question.query, dates)), dates


def _give_memory_back() -> None:
    """Return freed memory to the system, 100 MB for 20,000 photos; the C library of Linux keeps it otherwise."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # not every Linux has glibc
            ctypes.CDLL(None).malloc_trim(0)
