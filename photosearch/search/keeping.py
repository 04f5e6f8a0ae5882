"""Indexes in files follow their collections, and are saved in the library for the next process."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from filelock import FileLock, Timeout

from photosearch.errors import IndexDamaged
from photosearch.files import make_folder, mode_within
from photosearch.library import CollectionVersion, Library
from photosearch.library.memory import give_memory_back
from photosearch.search.index import Index, Keep, SearchIndex, Store, Tables
from photosearch.search.index.segment import Segment

log = logging.getLogger(__name__)
_DAMAGED = 'The index of "{}" could not be used ({}); it was made anew.'
_UNSAVED = "The index cannot be kept in %s: %s. It will be made anew."
OTHER = 'The index of "{}" did not fit the library, as after putting back a copy; it was made anew.'
AnyIndex = TypeVar("AnyIndex", bound=SearchIndex, covariant=True)


@dataclass
class Current(Generic[AnyIndex]):
    """A collection's index, with the state of the collection that it was made from."""

    version: CollectionVersion
    index: AnyIndex
    notice: str | None = None  # why the index was made anew; shown once

    def take_notice(self) -> tuple[str, ...]:
        """Return the notice when called for the first time, nothing afterwards."""
        notice, self.notice = self.notice, None
        return (notice,) if notice else ()


@dataclass(kw_only=True)
class _InFiles(Current[Index]):
    """An index in files."""

    store: Store


class Keeper:
    """Keeps an index of each collection in files, up to date with the library."""

    def __init__(self, library: Library, tables: Tables) -> None:
        self.library = library
        self._tables = tables
        self._indexes: dict[str, _InFiles] = {}
        self._making: dict[str, threading.Lock] = {}  # by collection

    def forget(self, collection: str) -> None:
        """Drop the index of a collection that was removed."""
        self._indexes.pop(collection, None)

    def current(self, collection: str) -> Current[Index]:
        """Return the collection's up-to-date index; raises `CollectionNotFound`."""
        # Several threads would build the same index several times, and fill the memory.
        with self._making.setdefault(collection, threading.Lock()):
            version = self.library.version(collection)
            current = self._indexes.get(collection)
            if current is None or current.version != version:
                current = self._indexes[collection] = self._up_to_date(collection, current)
            return current

    def _up_to_date(self, collection: str, latest: _InFiles | None) -> _InFiles:
        """Return an up-to-date index, made from the one in memory or on disk when that fits."""
        if latest is None or (latest.store.generation() or 0) > latest.version.generation:
            store = Store(self.library.index_folder(collection), self._tables.fingerprint)
            try:
                saved = store.open(self._tables)
            except IndexDamaged as error:
                return self._built(collection, store, _DAMAGED.format(collection, error))
            if saved is None:
                return self._built(collection, store)
            latest = _InFiles(CollectionVersion(saved.generation, saved.token), saved.index, store=store)
        version = self.library.version(collection)  # read before the changes, which may then be newer, never older
        if latest.version == version:
            return latest
        changes = self.library.changes(collection, latest.version)
        if changes is None:
            return self._built(collection, latest.store, OTHER.format(collection))
        return _made(version, latest.store, latest.notice, lambda keep: latest.index.updated(*changes, keep))

    def _built(self, collection: str, store: Store, notice: str | None = None) -> _InFiles:
        """Build an index of all photos, and save it."""
        if notice:
            log.info("%s", notice)  # the next answer shows it, too
        version = self.library.version(collection)
        documents = self.library.each_document(collection)
        made = _made(version, store, notice, lambda keep: Index(documents, self._tables, keep))
        give_memory_back()
        return made


def _made(version: CollectionVersion, store: Store, notice: str | None, make: Callable[[Keep], Index]) -> _InFiles:
    """Make an index, and save it for the next process, which makes its own when saving fails."""
    with _locked(store.folder) as is_locked:
        if not is_locked:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                return _InFiles(version, make(_keeping(Store(Path(folder)))), notice, store=store)
        made = _InFiles(version, make(_keeping(store)), notice, store=store)
        if notice is not None or (store.generation() or 0) <= version.generation:  # else another process was quicker
            try:
                store.save(made.index, version.generation, version.token)
            except OSError as error:
                log.warning(_UNSAVED, store.folder, error)
        return made


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold the lock for writing an index; yields False where another process holds it, or the folder is read-only."""
    lock = None
    try:
        make_folder(folder)
        lock = FileLock(folder / "writing.lock", timeout=0, mode=mode_within(folder))
        lock.acquire()
    except Timeout:
        log.info("Another process is writing %s.", folder)
    except OSError as error:
        log.warning(_UNSAVED, folder, error)
    try:
        yield lock is not None and lock.is_locked
    finally:
        if lock is not None:
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
