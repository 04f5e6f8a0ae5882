"""Indexes in Milvus follow their collections in the library."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from photosearch.errors import IndexOutOfReach
from photosearch.library import Library
from photosearch.library.elsewhere import index_name, locked_index
from photosearch.search.index import Tables
from photosearch.search.keeping import OTHER, Current, Keeper
from photosearch.search.milvus import drift
from photosearch.search.milvus.address import Address
from photosearch.search.milvus.index import MilvusIndex
from photosearch.search.milvus.server import Server
from photosearch.search.milvus.store import Store, Stored
from photosearch.search.milvus.writing import fill, take_back, update

log = logging.getLogger(__name__)
REST_S = 30  # after a failure, Milvus is not asked again
PATIENCE_S = 5.0  # for another process, or thread, that writes
MANY = 1_000  # changed photos from which on all are written anew, where they are more than half


class _NotNow(IndexOutOfReach):
    """Milvus was not asked: it failed a moment ago, or another process, or thread, is writing."""


@dataclass(kw_only=True)
class _InMilvus(Current[MilvusIndex]):
    """An index in Milvus."""

    store: Store


class MilvusKeeper:
    """Keeps an index of each collection in Milvus, up to date with the library. Use from any thread."""

    def __init__(self, library: Library, tables: Tables, address: Address, in_files: Keeper) -> None:
        """Take the library, and what makes an index in files, from which all photos are written at first."""
        self.library = library
        self._tables = tables
        self._server = Server(address)
        self._in_files = in_files
        self._indexes: dict[str, _InMilvus] = {}
        self._making: dict[str, threading.Lock] = {}  # by collection
        self._mending = drift.Mending()
        self._failure: tuple[float, str] | None = None  # when Milvus failed last, and why

    def close(self) -> None:
        """End what runs in the background, and close the connection."""
        self._mending.close()
        self._server.close()

    def wait(self) -> None:
        """Wait until what runs in the background is done."""
        self._mending.wait()

    def forget(self, collection: str) -> None:
        """Remove what Milvus has of a collection that is about to be removed.

        Raises:
            CollectionNotFound: there is no such collection.
            IndexOutOfReach: Milvus still has it.
        """
        self._indexes.pop(collection, None)
        Store(self._server, index_name(self.library, collection), self._tables).drop_others()

    def fail(self, collection: str, error: IndexOutOfReach) -> None:
        """Leave Milvus alone for a while after it failed; what is known of a collection is read again then."""
        if isinstance(error, _NotNow):
            return
        self._indexes.pop(collection, None)
        if self._failure is None:
            log.info("%s", error)  # answers say it, too
        self._failure = (time.monotonic(), str(error))
        self._server.close()  # what it remembers of the server may no longer be so

    def current(self, collection: str) -> Current[MilvusIndex]:
        """Return the collection's up-to-date index.

        Raises:
            CollectionNotFound: there is no such collection.
            IndexOutOfReach: Milvus cannot be reached, or another process, or thread, is writing the collection.
        """
        if self._failure is not None:
            failed_at, why = self._failure
            if time.monotonic() - failed_at < REST_S:
                raise _NotNow(why)
        making = self._making.setdefault(collection, threading.Lock())
        if not making.acquire(timeout=PATIENCE_S):
            raise self._busy(collection)
        try:
            current = self._indexes.get(collection)
            if current is None or current.version != self.library.version(collection):
                current = self._indexes[collection] = self._up_to_date(collection, current)
        finally:
            making.release()
        self._failure = None
        return current

    def _busy(self, collection: str) -> _NotNow:
        return _NotNow(f'"{collection}" is being brought up to date in {self._server.name}.')

    def _up_to_date(self, collection: str, latest: _InMilvus | None) -> _InMilvus:
        name = index_name(self.library, collection)
        store = latest.store if latest else Store(self._server, name, self._tables)
        stored = store.read()
        notice = latest.notice if latest else None
        if stored is None or stored.record.version != self.library.version(collection):
            with locked_index(self.library, collection, PATIENCE_S) as is_held:
                if not is_held:
                    raise self._busy(collection)
                stored, more = self._written(collection, store)
                notice = notice or more
        if stored.record.drift > drift.MOST:
            self._mending.start(collection, lambda is_ended: self._mend(collection, name, is_ended))
        index = MilvusIndex(store, stored, self._tables)
        if latest is not None and latest.index.stored.build == stored.build:
            index.follow(latest.index)
        return _InMilvus(stored.record.version, index, notice, store=store)

    def _written(self, collection: str, store: Store) -> tuple[Stored, str | None]:
        """Write what Milvus lacks; return the state then, and why all was written anew."""
        stored = store.read()  # again, since another process may have written meanwhile
        version = self.library.version(collection)  # before the changes, which may then be newer, never older
        notice = None
        if stored is not None and stored.record.version != version:
            take_back(store, stored, self._tables)
            changes = self.library.changes(collection, stored.record.version)
            if changes is None:
                notice = OTHER.format(collection)
                log.info("%s", notice)
            if changes is None or len(changes[1]) > max(MANY, stored.record.n_photos // 2):
                stored = None
            else:
                stored = update(store, stored, changes, version, self._tables)
        if stored is None:
            in_files = self._in_files.current(collection)
            stored = fill(store, in_files.index, in_files.version, self._tables)
        if drift.is_due(stored):
            stored = drift.measured(store, stored, self._tables)
        if stored.record.drift > drift.FAR:
            for expression in store.slices(stored):
                drift.mend_slice(store, stored, expression, self._tables)
            stored = drift.measured(store, stored, self._tables)
        return stored, notice

    def _mend(self, collection: str, name: str, is_ended: Callable[[], bool]) -> None:
        """Make norms anew in the background, some hundred photos at a time, between which others may write."""
        store = Store(self._server, name, self._tables)
        first = store.read()
        for expression in store.slices(first) if first else ():
            with locked_index(self.library, collection, PATIENCE_S) as is_held:
                stored = store.read() if is_held else None
                if is_ended() or stored is None or first is None or stored.build != first.build:
                    return
                drift.mend_slice(store, stored, expression, self._tables)
        with locked_index(self.library, collection, PATIENCE_S) as is_held:
            stored = store.read() if is_held else None
            if stored is not None:
                drift.measured(store, stored, self._tables)
