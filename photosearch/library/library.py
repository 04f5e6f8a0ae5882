"""What is kept: photos, captions and their history in SQLite, thumbnails on disk.

Every write that search can see raises its collection's generation and stamps the photos it touched,
so that readers notice it by one number.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Row, Select, delete, exists, false, func, insert, or_, select, update
from sqlalchemy.exc import DatabaseError, OperationalError

from photosearch.errors import CollectionNotFound, LibraryError, PhotoNotFound
from photosearch.library import schema as t
from photosearch.library.documents import read_documents
from photosearch.library.engine import open_engine
from photosearch.library.photos import assemble
from photosearch.library.saving import save_findings, save_images
from photosearch.library.work import Merge, Pending, Reading, photo_id
from photosearch.records import CollectionInfo, Document, Listing, Photo, PhotoState
from photosearch.stations import Findings, Station

FILE_NAME = "library.sqlite"
_AT_ONCE = 500  # values bound in one statement; SQLite's limit is 32,766


class Library:
    """One folder with everything that is kept. Use from any thread; models run outside its transactions."""

    def __init__(self, folder: Path) -> None:
        """Open the library in `folder`, creating or migrating it where needed.

        Raises:
            LibraryError: the folder cannot be written, or the library is a newer version's or damaged.
        """
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LibraryError(
                f'Library "{folder}" cannot be made: {error.strerror}. Choose another folder with --library.'
            ) from error
        self._engine = open_engine(folder / FILE_NAME)
        with self._errors():
            t.bring_up_to_date(self._engine)

    def close(self) -> None:
        """Give the files back; the library can be opened again."""
        self._engine.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """The database's errors as ours."""
        try:
            yield
        except OperationalError as error:
            raise LibraryError(
                f'Library "{self.folder}" cannot be used: {error.orig}.'
                " Check free space and access rights; what was saved is safe."
            ) from error
        except DatabaseError as error:
            raise LibraryError(
                f'Library "{self.folder}" is damaged: {error.orig}. Restore it from a copy, or remove it.'
            ) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read from."""
        with self._errors(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: kept whole, or not at all when the block raises."""
        with self._errors(), self._engine.execution_options(**t.WRITES).begin() as connection:
            yield connection

    # Collections

    def collections(self) -> list[CollectionInfo]:
        """All collections by name, with the states of their photos."""

        def count(*states: PhotoState) -> Select:
            return select(func.count()).where(t.photo.c.collection_id == t.collection.c.id, t.photo.c.state.in_(states))

        present = (PhotoState.NEW, PhotoState.READY, PhotoState.FAILED)
        query = select(
            t.collection.c.name,
            t.collection.c.generation,
            *(
                count(*states).scalar_subquery()
                for states in (present, *((state,) for state in (present[1], present[2], present[0])))
            ),
        ).order_by(t.collection.c.name)
        with self.reading() as connection:
            return [CollectionInfo(*row) for row in connection.execute(query)]

    def generation(self, collection: str) -> int:
        """The collection's generation; raises `CollectionNotFound`."""
        with self.reading() as connection:
            return int(self._collection(connection, collection).generation)

    def _collection(self, connection: Connection, name: str) -> Row:
        try:
            row = connection.execute(select(t.collection).where(t.collection.c.name == name)).one_or_none()
        except UnicodeEncodeError:
            row = None  # a command line may hold bytes that are no Unicode; no name does
        if row is None:
            names = connection.execute(select(t.collection.c.name).order_by(t.collection.c.name)).scalars().all()
            known = f"There are: {', '.join(names)}." if names else "There are none yet; add one first."
            raise CollectionNotFound(f'Collection "{name}" was not found. {known}')
        return row

    def _raise_generation(self, connection: Connection, collection_id: int) -> int:
        raised = (
            update(t.collection)
            .where(t.collection.c.id == collection_id)
            .values(generation=t.collection.c.generation + 1)
        )
        return int(connection.execute(raised.returning(t.collection.c.generation)).scalar_one())

    def merge(self, collection: str, source: str, listings: Sequence[Listing], gone_keys: Iterable[str] = ()) -> Merge:
        """Take in what a source lists; photos under `gone_keys` are no longer there.

        Changed photos, failed ones and those that came back will be read again.
        """
        with self.writing() as connection:
            row = connection.execute(select(t.collection.c.id).where(t.collection.c.name == collection)).one_or_none()
            if row is None:
                # From the clock: one that is made anew must not meet a generation that a reader still remembers.
                first = time.time_ns() // 1_000_000
                made = insert(t.collection).values(name=collection, generation=first).returning(t.collection.c.id)
                collection_id = connection.execute(made).scalar_one()
            else:
                collection_id = row.id
            generation = self._raise_generation(connection, collection_id)
            columns = (t.photo.c.id, t.photo.c.source_key, t.photo.c.stamp, t.photo.c.state)
            known = {
                row.source_key: row
                for row in connection.execute(select(*columns).where(t.photo.c.collection_id == collection_id))
            }
            new, again, n_unchanged = [], [], 0
            for listing in listings:
                old = known.get(listing.source_key)
                if old is None:
                    new.append(
                        {
                            "id": photo_id(collection, listing.source_key),
                            "collection_id": collection_id,
                            "source": source,
                            "source_key": listing.source_key,
                            "stamp": listing.stamp,
                            "state": PhotoState.NEW,
                            "generation": generation,
                        }
                    )
                elif old.stamp != listing.stamp or old.state in (PhotoState.FAILED, PhotoState.GONE):
                    again.append({"of": old.id, "stamp": listing.stamp})
                else:
                    n_unchanged += 1
            if new:
                connection.execute(insert(t.photo), new)
            for change in again:
                values = {
                    "stamp": change["stamp"],
                    "state": PhotoState.NEW,
                    "reason": None,
                    "sha256": None,
                    "generation": generation,
                }
                connection.execute(update(t.photo).where(t.photo.c.id == change["of"]).values(values))
            gone = [known[key].id for key in gone_keys if key in known and known[key].state != PhotoState.GONE]
            for some in _chunks(gone):
                connection.execute(
                    update(t.photo).where(t.photo.c.id.in_(some)).values(state=PhotoState.GONE, generation=generation)
                )
            return Merge(len(new), len(again), n_unchanged, len(gone))

    def source_keys(self, collection: str, source: str) -> list[str]:
        """The keys of a collection's photos that came from one kind of source; none for an unknown collection."""
        query = (
            select(t.photo.c.source_key)
            .join(t.collection)
            .where(t.collection.c.name == collection, t.photo.c.source == source)
        )
        with self.reading() as connection:
            return list(connection.execute(query).scalars())

    def remove_collection(self, name: str) -> None:
        """Forget a collection, and the pictures that no other holds; raises `CollectionNotFound`."""
        with self.writing() as connection:
            collection_id = self._collection(connection, name).id
            connection.execute(delete(t.collection).where(t.collection.c.id == collection_id))
            unused = ~exists().where(t.photo.c.sha256 == t.image.c.sha256)
            forgotten = connection.execute(delete(t.image).where(unused).returning(t.image.c.sha256)).scalars().all()
        for sha256 in forgotten:
            self.thumbnail_path(sha256).unlink(missing_ok=True)

    # Analyses

    def model_id(self, station: Station, name: str, digest: str) -> int:
        """The number under which a model's work is filed."""
        with self.writing() as connection:
            query = select(t.model.c.id).where(t.model.c.station == station, t.model.c.digest == digest)
            found = connection.execute(query).scalar_one_or_none()
            if found is None:
                made = insert(t.model).values(station=station, name=name, digest=digest).returning(t.model.c.id)
                found = connection.execute(made).scalar_one()
            return int(found)

    def pending(self, collection: str | None, model_ids: Sequence[int], *, redo: bool = False) -> list[Pending]:
        """Photos that one of the models has not seen yet, in the order they were listed; with `redo` all readable."""
        columns = (t.photo.c.id, t.photo.c.source, t.photo.c.source_key, t.photo.c.stamp)
        query = select(*columns).order_by(t.photo.c.collection_id, t.photo.c.source_key)
        if redo:
            query = query.where(t.photo.c.state.in_((PhotoState.NEW, PhotoState.READY)))
        else:
            seen = (
                exists().where(t.analysis.c.sha256 == t.photo.c.sha256, t.analysis.c.model_id == model_id)
                for model_id in model_ids
            )
            unseen = or_(false(), *(~by for by in seen))
            query = query.where((t.photo.c.state == PhotoState.NEW) | ((t.photo.c.state == PhotoState.READY) & unseen))
        with self.reading() as connection:
            if collection is not None:
                query = query.where(t.photo.c.collection_id == self._collection(connection, collection).id)
            return [Pending(*row) for row in connection.execute(query)]

    def seen_by(self, sha256: str) -> set[int]:
        """The numbers of the models that have seen a picture."""
        query = select(t.analysis.c.model_id).where(t.analysis.c.sha256 == sha256)
        with self.reading() as connection:
            return set(connection.execute(query).scalars())

    def save(self, readings: Sequence[Reading], findings: Mapping[int, Mapping[str, Findings]]) -> None:
        """Keep what a batch came to, in one transaction: what was read, and what each model told of new pictures.

        A photo that was listed as changed or gone since it was read stays as it was listed.
        """
        pictures = sorted({sha256 for told in findings.values() for sha256 in told})
        with self.writing() as connection:
            ids = [reading.photo_id for reading in readings]
            touched = set(connection.execute(select(t.photo.c.collection_id).where(t.photo.c.id.in_(ids))).scalars())
            if pictures:  # the same picture may be in other collections
                also = select(t.photo.c.collection_id).where(t.photo.c.sha256.in_(pictures))
                touched.update(connection.execute(also).scalars())
            stamps = {
                collection_id: self._raise_generation(connection, collection_id) for collection_id in sorted(touched)
            }
            save_images(connection, readings)
            for model_id, told in findings.items():
                save_findings(connection, model_id, told)
            for reading in readings:
                state = PhotoState.READY if reading.sha256 else PhotoState.FAILED
                values = {"sha256": reading.sha256, "state": state, "reason": reading.reason}
                as_listed = (t.photo.c.stamp == reading.stamp) & (t.photo.c.state != PhotoState.GONE)
                here = t.photo.c.id == reading.photo_id
                connection.execute(update(t.photo).where(here, as_listed).values(values))
            for collection_id, generation in stamps.items():
                either = t.photo.c.id.in_(ids) | t.photo.c.sha256.in_(pictures)
                here = t.photo.c.collection_id == collection_id
                connection.execute(update(t.photo).where(here, either).values(generation=generation))

    # Reading

    def documents(self, collection: str) -> list[Document]:
        """What each photo can be found by; raises `CollectionNotFound`."""
        with self.reading() as connection:
            return read_documents(connection, self._collection(connection, collection).id)

    def photo(self, photo_id: str) -> Photo:
        """One photo; raises `PhotoNotFound`."""
        found = self.photos_by_id([photo_id])
        if not found:
            raise PhotoNotFound(f'Photo "{photo_id}" was not found.')
        return found[photo_id]

    def photos_by_id(self, ids: Sequence[str]) -> dict[str, Photo]:
        """The photos of those ids that exist."""
        with self.reading() as connection:
            found = [photo for some in _chunks(ids) for photo in assemble(connection, some)]
        return {photo.id: photo for photo in found}

    def photos(self, collection: str, *states: PhotoState, limit: int | None = None, offset: int = 0) -> list[Photo]:
        """A collection's photos in the order of their keys, of given states (all but gone by default)."""
        wanted = states or (PhotoState.NEW, PhotoState.READY, PhotoState.FAILED)
        with self.reading() as connection:
            here = t.photo.c.collection_id == self._collection(connection, collection).id
            ids = (
                select(t.photo.c.id)
                .where(here, t.photo.c.state.in_(wanted))
                .order_by(t.photo.c.source_key, t.photo.c.id)
            )
            ordered = connection.execute(ids.limit(limit).offset(offset)).scalars().all()
            found = {photo.id: photo for some in _chunks(ordered) for photo in assemble(connection, some)}
        return [found[photo_id] for photo_id in ordered]

    # Files

    def thumbnail_path(self, sha256: str) -> Path:
        """Where a picture's thumbnail lies, or would lie."""
        return self.folder / "thumbnails" / sha256[:2] / f"{sha256}.jpg"

    def keep_thumbnail(self, sha256: str, jpeg: bytes) -> None:
        """Write a thumbnail, whole or not at all; raises `LibraryError` where there is no room."""
        path = self.thumbnail_path(sha256)
        part = path.with_name(f"{sha256}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(jpeg)
            part.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise LibraryError(
                f'Library "{self.folder}" cannot be written: {error.strerror}. Free some space and run it again.'
            ) from error


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(values), _AT_ONCE):
        yield values[first : first + _AT_ONCE]
