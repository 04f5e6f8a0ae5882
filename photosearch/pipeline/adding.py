"""Listing of a source's photos into a collection, in batches, so that an interrupted listing keeps what it had."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO

from photosearch.errors import Cancelled, LibraryError, PhotosearchError, SourceError
from photosearch.library import Library, Merge, Origin
from photosearch.library.upkeep import read_listed, read_origins, read_others, remember_origin, remember_refused
from photosearch.records import Failure, Listing, Progress, Report, Watch
from photosearch.sources import Options, Source, find_sources
from photosearch.sources.instagram.export_source import NAME as EXPORT
from photosearch.sources.kinds import is_path, kind_named, typed_path
from photosearch.sources.options import options_json, parse_options
from photosearch.sources.upload import received

if TYPE_CHECKING:
    from photosearch.pipeline.tasks import Task

BATCH_SIZE = 500  # listings written in one transaction
MAX_NAME_CHARS = 100
_UNWRITABLE = ("Cc", "Cs", "Zl", "Zp")  # control characters, halves of surrogate pairs, line separators


@dataclass(frozen=True)
class Added:
    """The result of listing one source."""

    collection: str
    report: Report
    described: bool  # whether its photos came with captions, so that search finds them unread


@dataclass(frozen=True)
class AddRequest:
    """The names of a source and the options with which a user asked to add it."""

    names: tuple[str, ...]
    options: Options

    def origin(self) -> Origin:
        """Return the request as the library keeps it, with absolute paths, so that updates work from any folder."""
        return Origin(tuple(map(_from_root, self.names)), options_json(self.options))


def _from_root(name: str) -> str:
    return str(typed_path(name).resolve()) if is_path(name) else name


def add_source(
    library: Library, source: Source, collection: str, watch: Watch, request: AddRequest | None = None
) -> Report:
    """List a source into a collection; record the request even if the listing fails.

    Raises:
        SourceError: the source cannot be listed.
        LibraryError: the library cannot be written.
        Cancelled: the watch ended it; what was listed until then is kept.
    """
    known = read_listed(library, collection, source.kind)
    merge = partial(
        library.merge,
        collection,
        source.kind,
        listed_in=source.listed_in,
        complete_texts=kind_named(source.kind).complete_texts,
    )
    merged = merge(())
    if request is not None:
        remember_origin(library, collection, request.origin())
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
            if len(batch) == BATCH_SIZE:
                merged += merge(batch)
                batch = []
                watch.on_progress(Progress(len(listed), 0, "Listing"))
    finally:
        if batch:
            merged += merge(batch)
    if request is not None:
        remember_refused(library, collection, request.origin(), failures)
    unreadable = [PurePath(failure.source_key) for failure in failures]
    gone = [
        key
        for key, listed_in in known.items()
        if key not in listed
        and source.listed_in in (None, listed_in)
        and source.covers(key)
        and not any(PurePath(key).is_relative_to(place) for place in unreadable)
    ]
    merged += merge((), gone)
    # Most kinds of sources leave out nothing but files of other kinds, which `left_out` counts.
    notes = (*getattr(source, "notes", ()), *(_other_places(library, collection) if _is_new(source, merged) else ()))
    return replace(_report(merged, source.left_out, failures), notes=notes)


def _is_new(source: Source, merged: Merge) -> bool:
    """Return whether new photos of an Instagram export were listed, which may have been added under another name."""
    return source.kind == EXPORT and merged.n_new > 0


def _other_places(library: Library, collection: str) -> list[str]:
    """Return what people are told where an export's photos lie in other collections, too."""
    return [
        f'{n:,} of these photos are in the collection "{name}", too. To have each once, remove one of the two; the'
        f' next time give the name "{name}" to add to that one.'
        for name, n in read_others(library, collection, EXPORT).items()
    ]


def add_named(
    library: Library, names: Sequence[str], collection: str | None, options: Options, watch: Watch
) -> list[Added]:
    """List the photos of the source that a user named.

    Args:
        library: the library that gets the photos.
        names: as `sources.find_sources` takes them.
        collection: the collection's name; None: the source's own name.
        options: choices for listing the source.
        watch: follows the listing, and may stop it.

    Raises:
        PhotosearchError: the name cannot be used, or a collection's name is given for a file with several collections.
        SourceError: there is no such source, or it cannot be listed.
        LibraryError: the library cannot be written.
        Cancelled: the watch ended it; what was listed until then is kept.
    """
    sources = find_sources(names, library.folder, options)
    if collection is not None and len(sources) > 1:
        raise _several_collections(sources)
    chosen = None if collection is None else _checked_name(collection)
    request = AddRequest(tuple(names), options)
    return add_sources(library, sources, lambda own_name: chosen or _checked_name(own_name), watch, request)


def add_uploads(
    library: Library, uploads: Sequence[tuple[str, BinaryIO]], collection: str | None, options: Options, watch: Watch
) -> list[Added]:
    """Keep uploaded photos and ZIPs, each a name with its bytes, in the library; list them.

    Args:
        library: the library that gets the photos.
        uploads: photos, ZIPs of photos, and all parts of Instagram exports.
        collection: the collection's name; None: each account's own for exports, and "uploads".
        options: `also` is used, for exports.
        watch: follows it, and may stop it.

    Raises:
        PhotosearchError: the collection's name cannot be used, or is given for exports of several accounts.
        LibraryError: the disk is full.
        Cancelled: the watch ended it; what was kept until then stays.
    """
    chosen = None if collection is None else _checked_name(collection)
    with received(uploads, library.files, options, watch) as sources:
        exports = [source for source in sources if source.is_export]
        if chosen and len(exports) > 1:
            raise _several_collections(exports)
        added = []
        for source in sources:
            name = chosen or _checked_name(source.collection)
            added.append(Added(name, add_source(library, source, name, watch), source.described))
        return added


def _several_collections(sources: Sequence[Source]) -> PhotosearchError:
    own_names = ", ".join(source.collection for source in sources)
    return PhotosearchError(
        f"The file holds several collections ({own_names}), which keep their own names. Leave the name out."
    )


def _checked_name(name: str) -> str:
    """Return a collection's name without blanks around it; raise `PhotosearchError` when it cannot be used."""
    name = name.strip()
    if not name or len(name) > MAX_NAME_CHARS or any(unicodedata.category(char) in _UNWRITABLE for char in name):
        raise PhotosearchError(
            f"A collection's name has 1 to {MAX_NAME_CHARS} printable characters; {name[:120]!r} cannot be used."
            " Give another name."
        )
    return name


def add_sources(
    library: Library, sources: Sequence[Source], name_of: Callable[[str], str], watch: Watch, request: AddRequest
) -> list[Added]:
    """List the sources of one file; one that cannot be used becomes a failure in the report, unless all cannot.

    Args:
        library: the library that gets the photos.
        sources: at least one.
        name_of: returns the collection's name for a source's own name; raises `PhotosearchError` for an invalid one.
        watch: follows the listing, and may stop it.
        request: the names and options that the sources were found by.

    Raises:
        PhotosearchError: no source can be used.
        LibraryError: the library cannot be written.
        Cancelled: the watch ended it; what was listed until then is kept.
    """
    added: list[Added] = []
    refused: list[tuple[Source, PhotosearchError]] = []
    for source in sources:
        try:
            name = name_of(source.collection)
            added.append(Added(name, add_source(library, source, name, watch, request), source.described))
        except (LibraryError, Cancelled):
            raise
        except PhotosearchError as error:
            refused.append((source, error))
    if not added:
        raise refused[0][1]
    failures = tuple(Failure(source.collection, str(error)) for source, error in refused)
    return [*added[:-1], replace(added[-1], report=added[-1].report + Report(failures=failures))]


def _report(merged: Merge, left_out: Counter[str], failures: list[Failure]) -> Report:
    return Report(
        merged.n_new,
        merged.n_changed,
        merged.n_unchanged,
        merged.n_gone,
        left_out=left_out,
        failures=tuple(failures),
    )


def update_collection(library: Library, collection: str, watch: Watch) -> Added:
    """List all sources of a collection again; one that cannot be listed becomes a failure in the report.

    Raises:
        CollectionNotFound: there is no such collection.
        SourceError: the library does not know the sources of the collection.
        LibraryError: the library cannot be written.
        Cancelled: the watch ended it; what was listed until then is kept.
    """
    origins = read_origins(library, collection)
    if not origins:
        raise SourceError(
            f'The source of "{collection}" is not recorded. Add its photos again from the same place and under the same'
            " name; after that it can be updated."
        )
    report, described = Report(), True
    for origin in origins:
        try:
            request = AddRequest(origin.names, parse_options(origin.options))
            sources = find_sources(request.names, library.folder, request.options)
            own_sources = [source for source in sources if source.collection == collection]
            for source in sources if len(sources) == 1 else own_sources:
                described = described and source.described
                report += add_source(library, source, collection, watch, request)
        except SourceError as error:
            report += Report(failures=(Failure(", ".join(origin.names), str(error)),))
    return Added(collection, report, described)


def list_photos(library: Library, task: Task, watch: Watch) -> list[Added]:
    """Do the first step of a task: list the photos of what it names, or anew those of its collection.

    Returns:
        What was listed, by collection: some files hold several. A task that names nothing lists nothing, and its
        collection is returned for the second step.

    Raises:
        PhotosearchError: as `add_named` and `update_collection` do.
    """
    if task.update:
        return [update_collection(library, task.collection or "", watch)]
    if task.names:
        return add_named(library, task.names, task.collection, task.options, watch)
    return [Added(task.collection or "", Report(), described=False)]
