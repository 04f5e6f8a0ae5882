"""Looking after a collection: where its photos were added from, what failed, what it takes on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, func, insert, select, update

from photosearch.library import schema as t
from photosearch.library.files import UPLOAD
from photosearch.library.generations import raise_generation
from photosearch.library.library import Library
from photosearch.library.work import Origin, Pending
from photosearch.records import DiskUse, Failure, PhotoState

MOST_REFUSED = 500  # of an origin, that are noted


def read_listed(library: Library, collection: str, source: str) -> dict[str, str | None]:
    """The keys of a collection's photos that came from one kind of source, with the list or ZIP they stand in."""
    within = func.coalesce(t.photo.c.listed_in, t.photo.c.address)
    here = (t.collection.c.name == collection) & (t.photo.c.source == source)
    query = select(t.photo.c.source_key, within).join(t.collection).where(here)
    with library.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def remember_origin(library: Library, collection: str, origin: Origin) -> None:
    """Note where photos were added from; the same names a second time replace what was chosen of them."""
    here = _id_of(library, collection)
    names = _as_json(origin.names)
    now = datetime.now(UTC).replace(tzinfo=None)
    with library.writing() as connection:
        connection.execute(delete(t.origin).where(t.origin.c.collection_id == here, t.origin.c.names == names))
        values = {"collection_id": here, "names": names, "options": origin.options, "at": now}
        connection.execute(insert(t.origin).values(values))


def remember_refused(library: Library, collection: str, origin: Origin, refused: Sequence[Failure]) -> None:
    """Note what of an origin could not be listed, in place of what was noted before."""
    here = (t.origin.c.collection_id == _id_of(library, collection)) & (t.origin.c.names == _as_json(origin.names))
    told = [(failure.source_key, failure.reason) for failure in refused[:MOST_REFUSED]]
    with library.writing() as connection:
        connection.execute(update(t.origin).where(here).values(refused=_as_json(told)))


def read_origins(library: Library, collection: str) -> list[Origin]:
    """Where a collection's photos were added from, in order; none of what came before this was noted.

    Raises:
        CollectionNotFound: there is no such collection.
    """
    here = _id_of(library, collection)
    query = select(t.origin.c.names, t.origin.c.options).where(t.origin.c.collection_id == here).order_by(t.origin.c.id)
    with library.reading() as connection:
        return [Origin(tuple(json.loads(row.names)), row.options) for row in connection.execute(query)]


def retry_failed(library: Library, collection: str) -> int:
    """Have the photos that failed read again by the next run; says how many. Raises `CollectionNotFound`."""
    here = _id_of(library, collection)
    failed = (t.photo.c.collection_id == here) & (t.photo.c.state == PhotoState.FAILED)
    with library.writing() as connection:
        values = {"state": PhotoState.NEW, "reason": None, "generation": raise_generation(connection, here)}
        return connection.execute(update(t.photo).where(failed).values(values)).rowcount


def read_failures(library: Library, collection: str, limit: int | None = None) -> list[Failure]:
    """What could not be used at the latest try, and why; what the next run tries again, and what was not listed, too.

    Raises:
        CollectionNotFound: there is no such collection.
    """
    failed = t.photo.c.reason.is_not(None) & (t.photo.c.state != PhotoState.GONE)
    collection_id = _id_of(library, collection)
    query = select(t.photo.c.source_key, t.photo.c.reason, t.photo.c.state).where(
        t.photo.c.collection_id == collection_id, failed
    )
    origins = select(t.origin.c.refused).where(t.origin.c.collection_id == collection_id).order_by(t.origin.c.id)
    with library.reading() as connection:
        found = connection.execute(query.order_by(t.photo.c.source_key, t.photo.c.id).limit(limit)).all()
        refused = [text for text in connection.execute(origins).scalars() if text]
    failures = [
        Failure(row.source_key, row.reason + ("" if row.state == PhotoState.FAILED else "; the next run tries again"))
        for row in found
    ]
    return [*failures, *(Failure(key, reason) for text in refused for key, reason in json.loads(text))][:limit]


def measure_disk(library: Library, collection: str) -> DiskUse:
    """What a collection's files take in the library's folder; a picture that others hold, too, is counted whole.

    Raises:
        CollectionNotFound: there is no such collection.
    """
    here = t.photo.c.collection_id == _id_of(library, collection)
    pictures = select(t.image.c.sha256, t.image.c.kept_path).join(t.photo).where(here).distinct()
    uploads = select(t.photo.c.address).where(here, t.photo.c.source == UPLOAD, t.photo.c.address.is_not(None))
    with library.reading() as connection:
        held = connection.execute(pictures).all()
        uploaded = connection.execute(uploads.distinct()).scalars().all()
    files = library.files
    return DiskUse(
        thumbnails_bytes=_n_bytes(files.thumbnail_path(row.sha256) for row in held),
        kept_bytes=_n_bytes(files.path(row.kept_path) for row in held if row.kept_path),
        uploads_bytes=_n_bytes(files.path(path) for path in uploaded),
        index_bytes=_n_bytes(library.index_folder(collection).glob("*")),
    )


def photo_ids(library: Library, collection: str) -> list[str]:
    """The photos of a collection that are not gone, in the order of their keys; raises `CollectionNotFound`."""
    here = (t.photo.c.collection_id == _id_of(library, collection)) & (t.photo.c.state != PhotoState.GONE)
    query = select(t.photo.c.id).where(here).order_by(t.photo.c.source_key, t.photo.c.id)
    with library.reading() as connection:
        return list(connection.execute(query).scalars())


def locate(library: Library, ids: Sequence[str]) -> dict[str, Pending]:
    """Where the bytes of those photos are that exist, up to some hundred at a time."""
    p = t.photo.c
    columns = (p.id, p.source, p.source_key, p.stamp, p.address, p.etag, p.sha256, t.image.c.kept_path)
    query = select(*columns).select_from(t.photo.outerjoin(t.image)).where(p.id.in_(list(ids)))
    with library.reading() as connection:
        return {row.id: Pending(*row) for row in connection.execute(query)}


def _as_json(value: object) -> str:
    return json.dumps(value)  # in ASCII: a path may hold bytes that are no Unicode


def _id_of(library: Library, collection: str) -> int:
    library.generation(collection)  # says what there is where there is none of that name
    with library.reading() as connection:
        query = select(t.collection.c.id).where(t.collection.c.name == collection)
        return int(connection.execute(query).scalar_one())


def _n_bytes(paths: Iterable[Path]) -> int:
    n_bytes = 0
    for path in paths:
        try:
            n_bytes += path.stat().st_size
        except FileNotFoundError:
            continue  # none was made, or it was cleared away
    return n_bytes
