"""Upkeep of a collection: where its photos were added from, which failed, and its size on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, func, insert, select, update

from photosearch.library import schema as t
from photosearch.library.files import UPLOAD, thumbnail_name
from photosearch.library.generations import raise_generation
from photosearch.library.library import Library
from photosearch.library.pending import PLACE
from photosearch.library.work import Origin, Pending
from photosearch.records import Failure, PhotoState, Station

MAX_REFUSED = 500  # failures that are kept of one origin


@dataclass(frozen=True)
class DiskUse:
    """Bytes that a collection's files take in the library's folder."""

    thumbnails_bytes: int = 0
    kept_bytes: int = 0  # copies of fetched photos
    uploads_bytes: int = 0
    index_bytes: int = 0

    @property
    def n_bytes(self) -> int:
        """Return the sum."""
        return self.thumbnails_bytes + self.kept_bytes + self.uploads_bytes + self.index_bytes


def count_captioned_before(library: Library, collection: str, digest: str) -> int:
    """Return how many photos of a collection have captions by other captioners, but none by that of this digest."""
    by_captioner = (
        select(t.analysis.c.sha256)
        .join(t.model)
        .where(t.analysis.c.sha256 == t.photo.c.sha256, t.model.c.station == Station.CAPTIONER)
        .correlate(t.photo)
    )
    query = (
        select(func.count())
        .select_from(t.photo)
        .join(t.collection)
        .where(t.collection.c.name == collection, t.photo.c.state == PhotoState.READY)
        .where(by_captioner.exists(), ~by_captioner.where(t.model.c.digest == digest).exists())
    )
    with library.reading() as connection:
        return int(connection.execute(query).scalar_one())


def read_listed(library: Library, collection: str, source: str) -> dict[str, str | None]:
    """Return the keys of the photos from one kind of source, each with the list or ZIP that contains it, if any."""
    container = func.coalesce(t.photo.c.listed_in, t.photo.c.address)
    is_listed = (t.collection.c.name == collection) & (t.photo.c.source == source)
    query = select(t.photo.c.source_key, container).join(t.collection).where(is_listed)
    with library.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def read_others(library: Library, collection: str, source: str) -> dict[str, int]:
    """Return the other collections that hold photos of the same keys, from one kind of source; each with how many."""
    other, own = t.photo.alias(), t.photo.c
    its_collection = t.collection.alias()
    query = (
        select(its_collection.c.name, func.count())
        .select_from(t.photo)
        .join(t.collection)
        .join(other, (other.c.source_key == own.source_key) & (other.c.collection_id != own.collection_id))
        .join(its_collection, its_collection.c.id == other.c.collection_id)
        .where(t.collection.c.name == collection, own.source == source, other.c.source == source)
        .where(own.state != PhotoState.GONE, other.c.state != PhotoState.GONE)
        .group_by(its_collection.c.name)
        .order_by(its_collection.c.name)
    )
    with library.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def names_with_login(library: Library) -> set[str]:
    """Return the collections whose photos were listed, in part at least, with the login of an Instagram user."""
    query = select(t.collection.c.name, t.origin.c.options).join(t.origin)
    with library.reading() as connection:
        return {row.name for row in connection.execute(query) if json.loads(row.options).get("login")}


def remember_origin(library: Library, collection: str, origin: Origin) -> None:
    """Save where photos were added from; for names that were saved before, the new options replace the earlier ones."""
    collection_id = _id_of(library, collection)
    names = _as_json(origin.names)
    now = datetime.now(UTC).replace(tzinfo=None)
    with library.writing() as connection:
        connection.execute(delete(t.origin).where(t.origin.c.collection_id == collection_id, t.origin.c.names == names))
        values = {"collection_id": collection_id, "names": names, "options": origin.options, "at": now}
        connection.execute(insert(t.origin).values(values))


def remember_refused(library: Library, collection: str, origin: Origin, refused: Sequence[Failure]) -> None:
    """Save which photos of an origin could not be listed, in place of those saved before."""
    is_origin = (t.origin.c.collection_id == _id_of(library, collection)) & (t.origin.c.names == _as_json(origin.names))
    reasons = [(failure.source_key, failure.reason) for failure in refused[:MAX_REFUSED]]
    with library.writing() as connection:
        connection.execute(update(t.origin).where(is_origin).values(refused=_as_json(reasons)))


def read_origins(library: Library, collection: str) -> list[Origin]:
    """Return where a collection's photos were added from, oldest first; schemas before 0004 did not save it.

    Raises:
        CollectionNotFound: there is no such collection.
    """
    of_collection = t.origin.c.collection_id == _id_of(library, collection)
    query = select(t.origin.c.names, t.origin.c.options).where(of_collection).order_by(t.origin.c.id)
    with library.reading() as connection:
        return [Origin(tuple(json.loads(row.names)), row.options) for row in connection.execute(query)]


def retry_failed(library: Library, collection: str) -> int:
    """Mark failed photos to be read again by the next run; return how many. Raises `CollectionNotFound`."""
    collection_id = _id_of(library, collection)
    failed = (t.photo.c.collection_id == collection_id) & (t.photo.c.state == PhotoState.FAILED)
    with library.writing() as connection:
        values = {"state": PhotoState.NEW, "reason": None, "generation": raise_generation(connection, collection_id)}
        return connection.execute(update(t.photo).where(failed).values(values)).rowcount


def read_failures(library: Library, collection: str, limit: int | None = None) -> list[Failure]:
    """Return the photos that could not be used or listed, with reasons; those that the next run tries again, too.

    Raises:
        CollectionNotFound: there is no such collection.
    """
    failed = t.photo.c.reason.is_not(None) & t.photo.c.state.not_in((PhotoState.GONE, PhotoState.NO_PICTURE))
    collection_id = _id_of(library, collection)
    query = select(t.photo.c.source_key, t.photo.c.reason, t.photo.c.state).where(
        t.photo.c.collection_id == collection_id, failed
    )
    origins = select(t.origin.c.refused).where(t.origin.c.collection_id == collection_id).order_by(t.origin.c.id)
    with library.reading() as connection:
        rows = connection.execute(query.order_by(t.photo.c.source_key, t.photo.c.id).limit(limit)).all()
        refused = [text for text in connection.execute(origins).scalars() if text]
    failures = [
        Failure(row.source_key, row.reason + ("" if row.state == PhotoState.FAILED else "; the next run tries again"))
        for row in rows
    ]
    return [*failures, *(Failure(key, reason) for text in refused for key, reason in json.loads(text))][:limit]


def measure_disk(library: Library, collection: str) -> DiskUse:
    """Return the bytes that a collection takes on disks; a picture that several collections share counts for each.

    Raises:
        CollectionNotFound: there is no such collection.
    """
    in_collection = t.photo.c.collection_id == _id_of(library, collection)
    pictures = select(t.image.c.sha256, t.image.c.kept_path).join(t.photo).where(in_collection).distinct()
    uploads = select(t.photo.c.address).where(in_collection, t.photo.c.source == UPLOAD, t.photo.c.address.is_not(None))
    with library.reading() as connection:
        images = connection.execute(pictures).all()
        uploaded = connection.execute(uploads.distinct()).scalars().all()

    def n_bytes(names: Iterable[str]) -> int:
        return sum(library.files.size(name) or 0 for name in names) if library.files.is_on_disk else 0

    return DiskUse(
        thumbnails_bytes=n_bytes(thumbnail_name(row.sha256) for row in images),
        kept_bytes=n_bytes(row.kept_path for row in images if row.kept_path),
        uploads_bytes=n_bytes(uploaded),
        index_bytes=_n_bytes(library.index_folder(collection).glob("*")),
    )


def photo_ids(library: Library, collection: str) -> list[str]:
    """Return the ids of a collection's photos that are not gone, ordered by key; raises `CollectionNotFound`."""
    is_present = (t.photo.c.collection_id == _id_of(library, collection)) & (t.photo.c.state != PhotoState.GONE)
    query = select(t.photo.c.id).where(is_present).order_by(t.photo.c.source_key, t.photo.c.id)
    with library.reading() as connection:
        return list(connection.execute(query).scalars())


def locate(library: Library, ids: Sequence[str]) -> dict[str, Pending]:
    """Return where photos' bytes are, by id, for up to some hundred ids; ids that do not exist are left out."""
    query = select(*PLACE).select_from(t.photo.outerjoin(t.image)).where(t.photo.c.id.in_(list(ids)))
    with library.reading() as connection:
        return {row.id: Pending(*row) for row in connection.execute(query)}


def _as_json(value: object) -> str:
    return json.dumps(value)  # ASCII, since a path may have bytes that are no Unicode


def _id_of(library: Library, collection: str) -> int:
    library.generation(collection)  # raises where there is no such collection
    with library.reading() as connection:
        query = select(t.collection.c.id).where(t.collection.c.name == collection)
        return int(connection.execute(query).scalar_one())


def _n_bytes(paths: Iterable[Path]) -> int:
    n_bytes = 0
    for path in paths:
        try:
            n_bytes += path.stat().st_size
        except FileNotFoundError:
            continue  # there was none, or it was deleted meanwhile
    return n_bytes
