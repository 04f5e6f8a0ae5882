"""What is kept: photos, captions and their history in a database, pictures on disk (`photosearch.library.files`).

Every write that search can see raises its collection's generation and stamps the photos it touched,
so that readers notice it by one number.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Row, delete, exists, false, insert, or_, select, update

from photosearch.errors import CollectionNotFound, LibraryError, PhotoNotFound
from photosearch.library import schema as t
from photosearch.library.counting import Counts
from photosearch.library.documents import read_documents
from photosearch.library.engine import Database, SQLite
from photosearch.library.files import UPLOAD, Files
from photosearch.library.generations import has_stood, raise_generation, read_standing
from photosearch.library.merging import Place, mark_gone, merge_listings
from photosearch.library.photos import assemble
from photosearch.library.postgres import Postgres
from photosearch.library.saving import save_findings, save_images, save_reading
from photosearch.library.work import Merge, Pending, Reading, Standing
from photosearch.records import CollectionInfo, Document, Findings, Listing, Photo, PhotoState, Station

_AT_ONCE = 500  # values bound in one statement; SQLite's limit is 32,766


class Library:
    """One folder with everything that is kept. Use from any thread; models run outside its transactions."""

    def __init__(self, folder: Path, database: str | None = None) -> None:
        """Open the library in `folder`, creating or migrating it where needed.

        Args:
            folder: where pictures lie, and the database unless it is elsewhere.
            database: the URL of a PostgreSQL database.

        Raises:
            LibraryError: the folder cannot be written, or the library is a newer version's, damaged or out of reach.
            SettingsError: the database's URL cannot be used.
        """
        self.folder = folder
        self.files = Files(folder)
        self._counts = Counts()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LibraryError(
                f'Library "{folder}" cannot be made: {error.strerror}. Choose another folder with --library.'
            ) from error
        self._database: Database = Postgres(database) if database else SQLite(folder)
        try:
            t.bring_up_to_date(self._database)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give files and connections back; the library can be opened again."""
        self._database.engine.dispose()

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection to read from; all that is read of it is of one moment."""
        return self._database.reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction of the only writer: kept whole, or not at all when the block raises."""
        return self._database.writing()

    def lock(self) -> AbstractContextManager[Callable[[], None] | None]:
        """The lock of the one run at work on the library, as `Database.lock` has it."""
        return self._database.lock()

    def is_locked(self) -> bool:
        """Whether a run is at work on the library."""
        return self._database.is_locked()

    # Collections

    def collections(self) -> list[CollectionInfo]:
        """All collections by name, with the states of their photos."""
        with self.reading() as connection:
            return self._counts.read(connection)

    def generation(self, collection: str) -> int:
        """The collection's generation; raises `CollectionNotFound`."""
        return self.standing(collection).generation

    def standing(self, collection: str) -> Standing:
        """How a collection stands; raises `CollectionNotFound`."""
        with self.reading() as connection:
            return read_standing(connection, self._collection(connection, collection).id)

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

    def merge(
        self,
        collection: str,
        source: str,
        listings: Sequence[Listing],
        gone_keys: Iterable[str] = (),
        listed_in: str | None = None,
    ) -> Merge:
        """Take in what a source lists; photos under `gone_keys` are no longer there.

        Changed photos, failed ones and those that came back will be read again. `listed_in` is `Source.listed_in`.
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
            generation = raise_generation(connection, collection_id)
            place = Place(collection, collection_id, source, generation, listed_in)
            merged = Merge(n_gone=mark_gone(connection, place, list(gone_keys)))
            for some in _chunks(listings):
                merged += merge_listings(connection, place, some)
            return merged

    def index_folder(self, collection: str) -> Path:
        """Where the index of a collection lies; raises `CollectionNotFound`."""
        with self.reading() as connection:
            return self._index_folder(self._collection(connection, collection).id)

    def _index_folder(self, collection_id: int) -> Path:
        return self.folder / "index" / str(collection_id)

    def remove_collection(self, name: str) -> None:
        """Forget a collection, and the pictures that no other holds.

        Raises:
            CollectionNotFound: there is none of that name.
            LibraryError: some of its files cannot be deleted; the collection and all other files are gone.
        """
        with self.writing() as connection:
            collection_id = self._collection(connection, name).id
            uploads = t.photo.c.source == UPLOAD
            held = select(t.photo.c.address).where(t.photo.c.collection_id == collection_id, uploads)
            uploaded = set(connection.execute(held).scalars())
            connection.execute(delete(t.collection).where(t.collection.c.id == collection_id))
            uploaded -= set(connection.execute(select(t.photo.c.address).where(uploads)).scalars())
            unused = ~exists().where(t.photo.c.sha256 == t.image.c.sha256)
            dropped = delete(t.image).where(unused).returning(t.image.c.sha256, t.image.c.kept_path)
            forgotten = connection.execute(dropped).all()
        kept = [self.files.path(path) for path in (*(one.kept_path for one in forgotten), *uploaded) if path]
        shutil.rmtree(self._index_folder(collection_id), ignore_errors=True)
        self.files.delete([*(self.files.thumbnail_path(one.sha256) for one in forgotten), *kept])

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
        """Photos that one of the models has not seen yet, in the order they were listed; with `redo` all there are.

        Those that failed for good are tried again with `redo` only.
        """
        p = t.photo.c
        columns = (p.id, p.source, p.source_key, p.stamp, p.address, p.etag, p.sha256, t.image.c.kept_path)
        query = select(*columns).select_from(t.photo.outerjoin(t.image)).order_by(p.collection_id, p.source_key)
        if redo:
            query = query.where(t.photo.c.state != PhotoState.GONE)
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

    def knows(self, sha256: str) -> bool:
        """Whether the picture's size, hash and thumbnail are kept."""
        with self.reading() as connection:
            found = connection.execute(select(t.image.c.width).where(t.image.c.sha256 == sha256)).scalar_one_or_none()
        return bool(found)

    def save(
        self,
        readings: Sequence[Reading],
        findings: Mapping[int, Mapping[str, Findings]],
        state: PhotoState = PhotoState.READY,
    ) -> None:
        """Keep what a batch came to, in one transaction: what was read, and what each model told of new pictures.

        Photos that could be read get the `state`. One that was listed as changed or gone since it was read stays as
        it was listed.
        """
        pictures = sorted({sha256 for told in findings.values() for sha256 in told})
        with self.writing() as connection:
            ids = [reading.photo_id for reading in readings]
            touched = set(connection.execute(select(t.photo.c.collection_id).where(t.photo.c.id.in_(ids))).scalars())
            if pictures:  # the same picture may be in other collections
                also = select(t.photo.c.collection_id).where(t.photo.c.sha256.in_(pictures))
                touched.update(connection.execute(also).scalars())
            stamps = {collection_id: raise_generation(connection, collection_id) for collection_id in sorted(touched)}
            save_images(connection, readings)
            for model_id, told in findings.items():
                save_findings(connection, model_id, told)
            for reading in readings:
                save_reading(connection, reading, state)
            for collection_id, generation in stamps.items():
                either = t.photo.c.id.in_(ids) | t.photo.c.sha256.in_(pictures)
                here = t.photo.c.collection_id == collection_id
                connection.execute(update(t.photo).where(here, either).values(generation=generation))

    # Reading

    def documents(self, collection: str) -> list[Document]:
        """What each photo can be found by; raises `CollectionNotFound`."""
        with self.reading() as connection:
            return read_documents(connection, self._collection(connection, collection).id)

    def changes(self, collection: str, since: Standing) -> tuple[list[Document], list[str]] | None:
        """What has changed since: documents, and the ids of photos that there is nothing to say of.

        None where that is not known: the collection has not stood so, or long ago.

        Raises:
            CollectionNotFound: there is no such collection.
        """
        with self.reading() as connection:
            collection_id = self._collection(connection, collection).id
            if not has_stood(connection, collection_id, since):
                return None
            found = read_documents(connection, collection_id, since.generation)
            here = (t.photo.c.collection_id == collection_id) & (t.photo.c.generation > since.generation)
            changed = set(connection.execute(select(t.photo.c.id).where(here)).scalars())
        return found, sorted(changed - {document.photo_id for document in found})

    def hashes(self, collection: str) -> dict[str, str]:
        """The perceptual hash of each photo's picture, by the photo's id; raises `CollectionNotFound`."""
        with self.reading() as connection:
            here = t.photo.c.collection_id == self._collection(connection, collection).id
            present = (t.photo.c.state != PhotoState.GONE) & t.image.c.phash.is_not(None)
            query = select(t.photo.c.id, t.image.c.phash).join(t.image).where(here, present)
            return {row.id: row.phash for row in connection.execute(query)}

    def photo(self, photo_id: str) -> Photo:
        """One photo; raises `PhotoNotFound`."""
        is_text = not any("\ud800" <= char <= "\udfff" for char in photo_id)  # a command line may hold other bytes
        found = self.photos_by_id([photo_id]) if is_text else {}
        if photo_id not in found:
            raise PhotoNotFound(f'Photo "{photo_id[:64]}" was not found.')
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


T = TypeVar("T")


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for first in range(0, len(values), _AT_ONCE):
        yield values[first : first + _AT_ONCE]
