"""Check that a library's files, rows and indexes belong together, and mend what can be mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Row, select, update

from photosearch.errors import IndexDamaged, LibraryError, PhotosearchError
from photosearch.library import Library
from photosearch.library import schema as t
from photosearch.library.files import UPLOAD, thumbnail_name
from photosearch.library.generations import raise_generation
from photosearch.library.sweeping import delete_leftovers, delete_path, find_leftovers
from photosearch.library.upkeep import locate
from photosearch.pictures import images
from photosearch.pictures.decoding.decoder import decode_picture
from photosearch.records import PhotoState
from photosearch.search.index import Tables
from photosearch.search.index.storage import Store
from photosearch.settings import Settings
from photosearch.sources.originals import read_original

GRACE_S = 3600.0  # a younger file that nothing refers to may belong to a process that is at work


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a library."""

    subject: str  # what is wrong: a file within the library, a collection, the database
    fact: str
    remedy: str  # what repairing does, or what a person can do
    repair: Callable[[], None] | None = None  # raises `PhotosearchError` or `OSError`; None: a person must do it


def find_problems(library: Library, settings: Settings, tables: Tables, grace_s: float = GRACE_S) -> Iterator[Problem]:
    """Yield all that is wrong with a library; nothing is changed.

    Args:
        library: what is checked.
        settings: say how photos are read again.
        tables: that indexes are made with.
        grace_s: the least age in seconds of a file that nothing refers to.
    """
    yield from _damage(library)
    yield from _leftovers(library, grace_s)
    yield from _missing_files(library, settings)
    yield from _unfit_indexes(library, tables)


def _damage(library: Library) -> Iterator[Problem]:
    for fact in library.find_damage():
        yield Problem("the database", f"it is damaged ({fact})", "restore the library from a copy")


def _leftovers(library: Library, grace_s: float) -> Iterator[Problem]:
    for leftover in find_leftovers(library, grace_s):
        delete = partial(delete_leftovers, library, [leftover])
        yield Problem(leftover.name, "nothing refers to it", "it is deleted", delete)


def _missing_files(library: Library, settings: Settings) -> Iterator[Problem]:
    columns = (t.image.c.sha256, t.image.c.width, t.image.c.kept_path)
    uploads = select(t.photo.c.address).where(t.photo.c.source == UPLOAD, t.photo.c.address.is_not(None)).distinct()
    with library.reading() as connection:
        pictures = connection.execute(select(*columns).order_by(t.image.c.sha256)).all()
        uploaded = sorted(connection.execute(uploads).scalars())
    sizes = _Sizes(library)
    for name in uploaded:
        if fact := sizes.lack(name):
            yield Problem(name, f"the uploaded file {fact}", "upload it again")
    for picture in pictures:
        if picture.kept_path and (fact := sizes.lack(picture.kept_path)):
            yield Problem(
                picture.kept_path,
                f"the copy of a fetched photo {fact}",
                "the next run fetches it again",
                partial(_fetch_again, library, picture),
            )
        elif picture.width and (fact := sizes.lack(thumbnail_name(picture.sha256))):
            yield Problem(
                thumbnail_name(picture.sha256),
                f"the thumbnail {fact}",
                "it is made again from the photo",
                partial(_make_thumbnail, library, settings, picture),
            )


def _unfit_indexes(library: Library, tables: Tables) -> Iterator[Problem]:
    for info in library.collections():
        store = Store(library.index_folder(info.name), tables.fingerprint)
        try:
            store.open(tables)
        except IndexDamaged as error:
            yield Problem(
                f'the index of "{info.name}"',
                f"it cannot be used ({error})",
                "the next search makes it again",
                partial(delete_path, store.folder),
            )


class _Sizes:
    """The sizes of pictures' files, read folder by folder, since an object store lists many as quickly as one."""

    def __init__(self, library: Library) -> None:
        self._files = library.files
        self._in_folder: dict[str, dict[str, int]] = {}  # the latest folder of each kind of files

    def lack(self, name: str) -> str | None:
        """Return what is wrong with a file: that it is missing or empty."""
        kind, folder = name.partition("/")[0], name.rpartition("/")[0]
        sizes = self._in_folder.get(kind, {})
        if folder not in sizes:
            sizes = self._in_folder[kind] = {folder: 0} | {f.name: f.n_bytes for f in self._files.listing(folder)}
        return "is missing" if name not in sizes else None if sizes[name] else "is empty"


def _fetch_again(library: Library, picture: Row) -> None:
    """Forget a copy that is lost, so that the next run reads its photos from their source."""
    with suppress(LibraryError):
        library.files.delete([picture.kept_path])
    of_picture = t.photo.c.sha256 == picture.sha256
    with library.writing() as connection:
        numbers = connection.execute(select(t.photo.c.collection_id).where(of_picture).distinct()).scalars().all()
        connection.execute(update(t.image).where(t.image.c.sha256 == picture.sha256).values(kept_path=None))
        for number in numbers:
            here = of_picture & (t.photo.c.collection_id == number) & (t.photo.c.state != PhotoState.GONE)
            values = {"state": PhotoState.NEW, "etag": None, "generation": raise_generation(connection, number)}
            connection.execute(update(t.photo).where(here).values(values))


def _make_thumbnail(library: Library, settings: Settings, picture: Row) -> None:
    """Make a thumbnail from a photo that has the picture; raise the last error where none can be read."""
    with library.reading() as connection:
        ids: Sequence[str] = (
            connection.execute(select(t.photo.c.id).where(t.photo.c.sha256 == picture.sha256).limit(20)).scalars().all()
        )
    failure = PhotosearchError("no photo has this picture any more")
    for photo in locate(library, ids).values():
        try:
            data = read_original(library, settings, photo)
            library.files.keep_thumbnail(picture.sha256, images.thumbnail(decode_picture(data)))
            return
        except PhotosearchError as error:
            failure = error
    raise failure
