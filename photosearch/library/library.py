"""The library: photos, captions and corrections in a database, pictures in files (`photosearch.library.files`).

Every write that changes what search finds raises the collection's generation by one and marks the changed photos
with it. A reader that compares generations knows whether, and which, photos have changed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, func, select

from photosearch.errors import LibraryError, PhotoNotFound
from photosearch.library import schema as t
from photosearch.library.counting import Counts
from photosearch.library.documents import read_changed, read_documents, read_hashes, read_ids, read_miniatures
from photosearch.library.files import Files
from photosearch.library.generations import had_version, raise_generation, read_version
from photosearch.library.known import Known, open_database
from photosearch.library.merging import Place, mark_gone, merge_listings
from photosearch.library.naming import find_collection, find_or_make_collection, find_or_make_model, read_names
from photosearch.library.pending import read_pending
from photosearch.library.photos import assemble, assemble_detailed, ids_by_key
from photosearch.library.removing import remove_photos
from photosearch.library.reserve import Reserve
from photosearch.library.saving import save_batch
from photosearch.library.work import CollectionVersion, Merge, Pending, Reading
from photosearch.records import (
    CollectionInfo,
    DetailedPhoto,
    Document,
    Findings,
    Listing,
    Photo,
    PhotoState,
    Station,
    TextKind,
)

_PORTION = 200  # photos that are removed in one transaction where the disk is full
_AT_ONCE = 500  # values bound in one statement; SQLite's limit is 32,766


T = TypeVar("T")


class Library:
    """A folder with photos' data and pictures. Use from any thread; run no model inside a transaction."""

    def __init__(self, folder: Path, database: str | None = None, files: str = "") -> None:
        """Open the library in `folder`, creating or migrating it where needed.

        Args:
            folder: holds indexes, pictures unless `files` names another place, the SQLite database unless there is
                another one.
            database: the URL of a PostgreSQL database.
            files: where pictures are kept, as `Settings.files`.

        Raises:
            LibraryError: the folder cannot be written; or the library is damaged, cannot be reached, or was made by a
                newer version.
            SettingsError: the database's URL cannot be used.
        """
        self.folder = folder
        self._counts = Counts()
        self._reserve = Reserve(folder)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # photos are private; who shares them changes it
        except OSError as error:
            raise LibraryError(
                f'Library "{folder}" cannot be made: {error.strerror}. Choose another folder with --library.'
            ) from error
        self._database = open_database(folder, database)
        self.known = Known(self._database)
        self.files = Files(folder, files, self.known.token)
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        self._reserve.fill()

    def _open(self) -> None:
        """Bring the database up to date; where the disk is full, with the space that the library has kept."""
        try:
            t.bring_up_to_date(self._database)
        except LibraryError:
            if not (self._reserve.is_disk_full() and self._reserve.give_up()):
                raise
            t.bring_up_to_date(self._database)

    def close(self) -> None:
        """Close the database; the library opens it again when it is used."""
        self._database.engine.dispose()

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a connection whose reads all see the same state of the library."""
        return self._database.reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """Open the only write transaction; it is rolled back when the block raises."""
        return self._database.writing()

    def lock(self) -> AbstractContextManager[Callable[[], None] | None]:
        """Take the worker lock, as `Database.lock` does."""
        return self._database.lock()

    def find_damage(self) -> list[str]:
        """Return what is wrong with the database itself."""
        return self._database.find_damage()

    def is_locked(self) -> bool:
        """Tell whether a run holds the worker lock."""
        return self._database.is_locked()

    # Collections

    def collections(self) -> list[CollectionInfo]:
        """List all collections by name, with the numbers of their photos by state."""
        with self.reading() as connection:
            return self._counts.read(connection)

    def collection_names(self) -> list[str]:
        """Return the names of all collections, in order; none of their photos is counted."""
        with self.reading() as connection:
            return read_names(connection)

    def generation(self, collection: str) -> int:
        """Return the collection's generation; raises `CollectionNotFound`."""
        return self.version(collection).generation

    def version(self, collection: str) -> CollectionVersion:
        """Return the collection's generation with its token; raises `CollectionNotFound`."""
        with self.reading() as connection:
            return read_version(connection, collection)

    def merge(
        self,
        collection: str,
        source: str,
        listings: Sequence[Listing],
        gone_keys: Iterable[str] = (),
        listed_in: str | None = None,
        complete_texts: Sequence[TextKind] = (),
    ) -> Merge:
        """Add and update photos as their source lists them; the next run reads new, changed and failed ones.

        Args:
            collection: its name; a collection that does not exist is created.
            source: the kind of source.
            listings: the photos, in any number.
            gone_keys: keys of photos that the source no longer has; one that is listed again is read again.
            listed_in: as `Source.listed_in`.
            complete_texts: as `SourceKind.complete_texts`.

        Returns:
            How many photos are new, changed, unchanged and gone.
        """
        with self.writing() as connection:
            collection_id = find_or_make_collection(connection, collection)
            generation = raise_generation(connection, collection_id)
            place = Place(collection, collection_id, source, generation, listed_in, complete_texts)
            merged = Merge(n_gone=mark_gone(connection, place, list(gone_keys)))
            for batch in _batches(listings):
                merged += merge_listings(connection, place, batch)
            return merged

    def index_folder(self, collection: str) -> Path:
        """Return the folder of a collection's index, which need not exist; raises `CollectionNotFound`."""
        with self.reading() as connection:
            return self._index_folder(find_collection(connection, collection))

    def _index_folder(self, collection_id: int) -> Path:
        return self.folder / "index" / str(collection_id)

    def remove_collection(self, name: str) -> None:
        """Delete a collection with its index and the pictures that no other collection has.

        Raises:
            CollectionNotFound: there is no collection of that name.
            LibraryError: some files cannot be deleted; everything else is.
        """
        with self._reserve.spent():
            with self.reading() as connection:
                collection_id = find_collection(connection, name)
            # First: searching makes it again, should the rest fail, and a full disk needs its space.
            shutil.rmtree(self._index_folder(collection_id), ignore_errors=True)
            if self._reserve.is_disk_full():
                self._remove_in_portions(name)
            with self.writing() as connection:
                collection_id = find_collection(connection, name)
                names = remove_photos(connection, collection_id)
            self.files.delete(names)

    def _remove_in_portions(self, name: str) -> None:
        """Remove a collection's photos some at a time, since a large transaction needs space until it ends."""
        n_left = 1
        while n_left:
            with self.writing() as connection:
                collection_id = find_collection(connection, name)
                names = remove_photos(connection, collection_id, _PORTION)
                left = select(func.count()).where(t.photo.c.collection_id == collection_id)
                n_left = connection.execute(left).scalar_one()
            self.files.delete(names)
            self._database.save_space()

    # Analyses

    def model_id(self, station: Station, name: str, digest: str) -> int:
        """Return the number of a model in the library; a model that is new to it is added."""
        with self.writing() as connection:
            return find_or_make_model(connection, station, name, digest)

    def pending(self, collection: str | None, model_ids: Sequence[int], *, redo: bool = False) -> list[Pending]:
        """List the photos that are not read yet, or not by this version, or not analysed by one of the models, by key.

        Args:
            collection: its name; None: all collections.
            model_ids: numbers of the models, from `model_id`; none: only those to read.
            redo: list all photos that are not gone, also those that failed.

        Raises:
            CollectionNotFound: there is no such collection.
        """
        with self.reading() as connection:
            number = None if collection is None else find_collection(connection, collection)
            return read_pending(connection, number, model_ids, redo=redo)

    def save(
        self,
        readings: Sequence[Reading],
        findings: Mapping[int, Mapping[str, Findings]],
        state: PhotoState = PhotoState.READY,
    ) -> None:
        """Save the results of a batch in one transaction.

        Args:
            readings: what came of reading each photo; one that was listed as changed or gone meanwhile is left out.
            findings: by a model's number, what it found in each picture, by the picture's SHA-256.
            state: of the photos that could be read.
        """
        with self.writing() as connection:
            save_batch(connection, readings, findings, state)

    # Reading

    def documents(self, collection: str) -> list[Document]:
        """Return the documents by which search finds the photos; raises `CollectionNotFound`."""
        return list(self.each_document(collection))

    def each_document(self, collection: str) -> Iterator[Document]:
        """Return the documents one after another, by photo id: all at once may be too many for the memory.

        Raises:
            CollectionNotFound: there is no such collection.
        """
        with self.reading() as connection:
            ids = read_ids(connection, find_collection(connection, collection))
        return self._documents(ids)

    def _documents(self, ids: Sequence[str]) -> Iterator[Document]:
        with self.reading() as connection:
            yield from read_documents(connection, ids)

    def changes(self, collection: str, since: CollectionVersion) -> tuple[Iterator[Document], list[str]] | None:
        """Read what has changed since an earlier state of the collection.

        Returns:
            The documents of changed photos, one after another, and the ids of all changed photos, some of which may
            have no document any more. None where the library cannot tell: the collection was never in that state, or
            too long ago.

        Raises:
            CollectionNotFound: there is no such collection.
        """
        found = self._changed(collection, since, read_ids)
        return found and (self._documents(found[0]), found[1])

    def hashes(self, collection: str) -> dict[str, str]:
        """Return the perceptual hash of each photo's picture, by the photo's id; raises `CollectionNotFound`."""
        with self.reading() as connection:
            return read_hashes(connection, find_collection(connection, collection))

    def changed_hashes(self, collection: str, since: CollectionVersion) -> tuple[dict[str, str], list[str]] | None:
        """Read the hashes of photos changed since an earlier state, and the ids of all changed ones, as `changes` does.

        Raises:
            CollectionNotFound: there is no such collection.
        """
        return self._changed(collection, since, read_hashes)

    def _changed(
        self, collection: str, since: CollectionVersion, read: Callable[[Connection, int, int], T]
    ) -> tuple[T, list[str]] | None:
        """Return what `read` reads of changed photos, and the ids of all changed ones; None where that is not known."""
        with self.reading() as connection:
            collection_id = find_collection(connection, collection)
            if not had_version(connection, collection_id, since):
                return None
            changed = read_changed(connection, collection_id, since.generation)
            return read(connection, collection_id, since.generation), changed

    def miniatures(self, photo_ids: Iterable[str]) -> dict[str, bytes]:
        """Return the miniatures of some photos' pictures, by the photos' ids; none of those that have none."""
        with self.reading() as connection:
            return read_miniatures(connection, sorted(set(photo_ids)))

    def photo(self, photo_id: str) -> DetailedPhoto:
        """Return the photo with that id, with everything known about it; raises `PhotoNotFound`."""
        is_text = not any("\ud800" <= char <= "\udfff" for char in photo_id)  # a command line may give other bytes
        photos = self.detailed_photos([photo_id]) if is_text else []
        if not photos:
            raise PhotoNotFound(f'Photo "{photo_id[:64]}" was not found.')
        return photos[0]

    def detailed_photos(self, ids: Sequence[str]) -> list[DetailedPhoto]:
        """Return photos by their ids, in their order, with all that is known; ids that do not exist are left out."""
        with self.reading() as connection:
            photos = {photo.id: photo for batch in _batches(ids) for photo in assemble_detailed(connection, batch)}
        return [photos[photo_id] for photo_id in ids if photo_id in photos]

    def photos_by_id(self, ids: Sequence[str]) -> dict[str, Photo]:
        """Return photos as they are shown, by their ids; ids that do not exist are left out."""
        with self.reading() as connection:
            photos = [photo for batch in _batches(ids) for photo in assemble(connection, batch)]
        return {photo.id: photo for photo in photos}

    def photos(self, collection: str, *states: PhotoState, limit: int | None = None, offset: int = 0) -> list[Photo]:
        """List a collection's photos, ordered by key.

        Args:
            collection: its name.
            states: of the photos; without any, all but those that are gone.
            limit: at most so many photos; None: all.
            offset: number of photos to skip first.

        Raises:
            CollectionNotFound: there is no such collection.
        """
        states = states or tuple(state for state in PhotoState if state is not PhotoState.GONE)
        with self.reading() as connection:
            number = find_collection(connection, collection)
            ordered = connection.execute(ids_by_key(number, states).limit(limit).offset(offset)).scalars().all()
            photos = {photo.id: photo for batch in _batches(ordered) for photo in assemble(connection, batch)}
        return [photos[photo_id] for photo_id in ordered]


def _batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for first in range(0, len(values), _AT_ONCE):
        yield values[first : first + _AT_ONCE]
