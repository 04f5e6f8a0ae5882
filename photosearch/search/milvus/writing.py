"""Photos that were added, changed or removed in the library are written to Milvus; the writer holds the lock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from photosearch.library import CollectionVersion
from photosearch.records import Document
from photosearch.search.index import Index, Tables
from photosearch.search.index.draft import make_segments
from photosearch.search.index.segment import Segment
from photosearch.search.milvus.counts import Counts
from photosearch.search.milvus.drift import norms_of
from photosearch.search.milvus.rows import make_rows
from photosearch.search.milvus.server import Row
from photosearch.search.milvus.store import Record, Store, Stored

BATCH = 500  # photos that are written together, and committed


def fill(store: Store, index: Index, version: CollectionVersion, tables: Tables) -> Stored:
    """Write all photos of an index in files as a new build, and remove older ones.

    Args:
        store: of the collection.
        index: of the same collection.
        version: of the collection when the index was made.
        tables: what the index depends on besides its photos.
    """
    store.drop_others(_in_force(store))  # what a writer left that was killed
    build = store.make_build()
    counts = Counts.of_index(index)
    record = Record(
        version.generation,
        version.token,
        tables.fingerprint,
        counts.n_photos,
        counts.n_dated,
        drift=index.view.drift,
    )
    empty = Stored(build, record, counts)
    norms = index.view.norms
    stems = counts.lexicon.stems()
    for (segment, alive), offset in zip(index.state.parts(), index.state.offsets.tolist(), strict=False):
        own = norms[offset : offset + len(segment)]
        for first in range(0, len(alive), BATCH):
            store.write_photos(empty, list(make_rows(segment, alive[first : first + BATCH], own, stems, tables)))
    store.server.settle(store.photos_of(build))
    stored = store.commit(empty, record, counts)
    store.drop_others(build)
    return stored


def _in_force(store: Store) -> str | None:
    stored = store.read()
    return stored.build if stored is not None else None


def take_back(store: Store, stored: Stored, tables: Tables) -> None:
    """Undo a batch that was begun and not committed, as by a process that was killed."""
    replaced = store.unfinished(stored)
    if replaced:
        segment = store.segment({own: data for own, data in replaced.items() if data is not None}, stored.counts)
        gone = [photo_id for photo_id, data in replaced.items() if data is None]
        store.write_photos(stored, _rows(segment, stored.counts, tables), gone)
    store.forget_journal(stored)


def update(
    store: Store,
    stored: Stored,
    changes: tuple[Iterable[Document], Sequence[str]],
    version: CollectionVersion,
    tables: Tables,
) -> Stored:
    """Write what has changed, a batch at a time, and remove photos that have no document any more.

    Args:
        store: of the collection.
        stored: the state before.
        changes: the documents of changed photos, and the ids of all changed photos, as `Library.changes` returns them.
        version: of the collection, not newer than the changes.
        tables: what the index depends on besides its photos.
    """
    documents, changed = changes
    written: set[str] = set()
    for batch in _batches(documents):
        stored = _write(store, stored, batch, (), tables)
        written.update(document.photo_id for document in batch)
    gone = sorted(set(changed) - written)
    for first in range(0, len(gone), BATCH):
        stored = _write(store, stored, (), gone[first : first + BATCH], tables)
    record = replace(stored.record, n=stored.record.n + 1, generation=version.generation, token=version.token)
    if len(changed) > BATCH:
        store.server.settle(store.photos_of(stored.build))
    return store.commit(stored, record, stored.counts, stored.counts)


def _write(store: Store, stored: Stored, documents: Sequence[Document], gone: Sequence[str], tables: Tables) -> Stored:
    lexicon = stored.counts.lexicon
    added = [part for part in make_segments(documents, lexicon, tables) if len(part)]
    ids = [*(document.photo_id for document in documents), *gone]
    before = store.read_photos(stored, ids)
    replaced = store.segment(before, stored.counts)
    parts = [(part, np.arange(len(part))) for part in added]
    removed = [(replaced, np.arange(len(replaced)))] if replaced is not None else []
    counts = stored.counts.changed(parts, removed, tables)
    rows = [row for part in added for row in _rows(part, counts, tables)]
    store.begin(stored, {photo_id: before.get(photo_id) for photo_id in ids})
    store.write_photos(stored, rows, gone)
    n_changed = stored.record.n_unmeasured + len(ids)
    return store.commit(
        stored, replace(stored.record, n=stored.record.n + 1, n_unmeasured=n_changed), counts, stored.counts
    )


def _rows(segment: Segment | None, counts: Counts, tables: Tables) -> list[Row]:
    if segment is None:
        return []
    norms = norms_of(segment, counts, tables)
    return list(make_rows(segment, np.arange(len(segment)), norms, counts.lexicon.stems(), tables))


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    all_documents = iter(documents)
    while batch := list(islice(all_documents, BATCH)):
        yield batch
