"""A source's photos into a collection, bit by bit, so that an interrupted listing keeps what it had."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from photosearch.library import Library, Merge
from photosearch.records import Failure, Listing, Progress, Report
from photosearch.sources import Source, Watch

AT_ONCE = 500  # listings a transaction


@dataclass(frozen=True)
class Added:
    """What listing one source came to."""

    collection: str
    report: Report
    described: bool  # its photos came with captions: nothing has to be read for them to be found


def add_source(library: Library, source: Source, collection: str, watch: Watch) -> Report:
    """List a source into a collection.

    Raises:
        SourceError: the source cannot be listed.
        LibraryError: the library cannot be written.
        Cancelled: the one who watches ended it; what was listed until then is kept.
    """
    known = frozenset(library.source_keys(collection, source.kind))
    merged = library.merge(collection, source.kind, ())
    listed: set[str] = set()
    failures: list[Failure] = []
    batch: list[Listing] = []
    try:
        for item in source.listings(known, watch):
            if isinstance(item, Failure):
                failures.append(item)
                continue
            if item.source_key in listed:
                continue
            listed.add(item.source_key)
            batch.append(item)
            if len(batch) == AT_ONCE:
                merged += library.merge(collection, source.kind, batch)
                batch = []
                watch.on_progress(Progress(len(listed), 0, "Listing"))
    finally:
        if batch:
            merged += library.merge(collection, source.kind, batch)
    unreadable = [PurePath(failure.source_key) for failure in failures]
    gone = [
        key
        for key in known - listed
        if source.covers(key) and not any(PurePath(key).is_relative_to(place) for place in unreadable)
    ]
    merged += library.merge(collection, source.kind, (), gone)
    return _report(merged, source.n_skipped, failures)


def _report(merged: Merge, n_skipped: int, failures: list[Failure]) -> Report:
    return Report(
        merged.n_new,
        merged.n_changed,
        merged.n_unchanged,
        merged.n_gone,
        n_skipped=n_skipped,
        failures=tuple(failures),
    )
