"""Files that a killed process left in a library's folder, or where it keeps pictures: found by `check`.

The next run deletes those in folders; an object store is looked through by `check` only, since that may take minutes.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from photosearch.errors import LibraryError
from photosearch.files import PART
from photosearch.library import schema as t
from photosearch.library.files import KINDS, UPLOAD, thumbnail_name
from photosearch.library.library import Library

GRACE_S = 24 * 3600.0  # a younger file may belong to a process that is still at work
_TEMPORARY = ("arriving-*", "models/.importing-*")  # folders that are deleted when the work in them ends
_DOWNLOADS = "exports/*"  # folders that are served for a day

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Leftover:
    """A file or folder that nothing refers to."""

    name: str  # within the library, or the place where it keeps pictures
    modified_at: float
    is_picture: bool = False


def find_leftovers(library: Library, grace_s: float = GRACE_S) -> list[Leftover]:
    """Return what is older than `grace_s` and nothing refers to: half-written, abandoned, out of date.

    Raises:
        LibraryError: the place where pictures are kept cannot be read, or holds another library's.
    """
    library.files.claim()  # another library's pictures would all be leftovers
    return _older(grace_s, [*_in_folder(library), *_unknown_pictures(library)])


def sweep(library: Library) -> None:
    """Delete what earlier processes left; what cannot be deleted stays until the next time."""
    found = find_leftovers(library) if library.files.is_on_disk else _older(GRACE_S, list(_in_folder(library)))
    delete_leftovers(library, found)
    if found:
        log.info("%d files and folders that an earlier run had left were deleted", len(found))


def delete_leftovers(library: Library, leftovers: Sequence[Leftover]) -> None:
    """Delete files and folders, as far as that is possible."""
    with suppress(LibraryError):
        library.files.delete([leftover.name for leftover in leftovers if leftover.is_picture])
    for leftover in leftovers:
        if not leftover.is_picture:
            delete_path(library.folder / leftover.name)


def delete_path(path: Path) -> None:
    """Delete a file or folder, as far as that is possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _older(grace_s: float, found: Sequence[Leftover]) -> list[Leftover]:
    latest = time.time() - grace_s
    unique = {leftover.name: leftover for leftover in found if leftover.modified_at <= latest}
    return [unique[name] for name in sorted(unique)]


def _in_folder(library: Library) -> Iterator[Leftover]:
    """Yield what lies in the library's folder and is no picture."""
    for pattern in (*_TEMPORARY, _DOWNLOADS, f"index/*/*{PART}", f"*{PART}"):
        yield from (_leftover(library, path) for path in library.folder.glob(pattern))
    folders = list((library.folder / "index").glob("*"))  # first: a new collection's row is there before its index
    with library.reading() as connection:
        known = {str(number) for number in connection.execute(select(t.collection.c.id)).scalars()}
    yield from (_leftover(library, folder) for folder in folders if folder.name not in known)


def _leftover(library: Library, path: Path) -> Leftover:
    try:
        modified_at = path.lstat().st_mtime
    except OSError:
        modified_at = float("inf")  # deleted meanwhile
    return Leftover(path.relative_to(library.folder).as_posix(), modified_at)


def _unknown_pictures(library: Library) -> Iterator[Leftover]:
    """Yield the thumbnails, copies and uploads that no row of the database names."""
    # The files are listed first: a picture that is added meanwhile has no file yet, or has its row.
    files = [file for kind in KINDS for file in library.files.listing(kind)]
    uploads = select(t.photo.c.address).where(t.photo.c.source == UPLOAD, t.photo.c.address.is_not(None))
    with library.reading() as connection:
        images = connection.execute(select(t.image.c.sha256, t.image.c.kept_path)).all()
        known = set(connection.execute(uploads).scalars())
    known |= {thumbnail_name(image.sha256) for image in images} | {image.kept_path for image in images}
    yield from (Leftover(file.name, file.modified_at, is_picture=True) for file in files if file.name not in known)
