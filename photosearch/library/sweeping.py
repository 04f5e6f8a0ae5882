"""Files that a killed process left in a library's folder: found by `check`, deleted by the next run."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy import select

from photosearch.files import PART
from photosearch.library import schema as t
from photosearch.library.files import UPLOAD
from photosearch.library.library import Library

GRACE_S = 24 * 3600.0  # a younger file may belong to a process that is still at work
_TEMPORARY = ("arriving-*", "models/.importing-*")  # folders that are deleted when the work in them ends
_DOWNLOADS = "exports/*"  # folders that are served for a day
_PICTURES = ("thumbnails", "kept", "uploads")

log = logging.getLogger(__name__)


def find_leftovers(library: Library, grace_s: float = GRACE_S) -> list[Path]:
    """Return files and folders older than `grace_s` that nothing refers to: half-written, abandoned, out of date."""
    latest = time.time() - grace_s
    found = [*_unfinished(library.folder), *_unknown_pictures(library), *_unknown_indexes(library)]
    return sorted(path for path in dict.fromkeys(found) if _modified_at(path) <= latest)


def sweep(library: Library) -> None:
    """Delete what earlier processes left; what cannot be deleted stays until the next time."""
    found = find_leftovers(library)
    delete_leftovers(found)
    if found:
        log.info("%d files and folders that an earlier run had left were deleted", len(found))


def delete_leftovers(paths: list[Path]) -> None:
    """Delete files and folders, as far as that is possible."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def _unfinished(folder: Path) -> Iterator[Path]:
    for pattern in (*_TEMPORARY, _DOWNLOADS):
        yield from folder.glob(pattern)
    for part in (*(f"{kind}/*/*{PART}" for kind in _PICTURES), f"index/*/*{PART}", f"*{PART}"):
        yield from folder.glob(part)


def _unknown_pictures(library: Library) -> Iterator[Path]:
    """Yield the thumbnails, copies and uploads that no row of the database names."""
    # The files are listed first: a picture that is added meanwhile has no file yet, or has its row.
    files = {kind: list((library.folder / kind).glob("*/*")) for kind in _PICTURES}
    uploads = select(t.photo.c.address).where(t.photo.c.source == UPLOAD, t.photo.c.address.is_not(None))
    with library.reading() as connection:
        images = connection.execute(select(t.image.c.sha256, t.image.c.kept_path)).all()
        uploaded = set(connection.execute(uploads).scalars())
    known = {library.files.thumbnail_path(image.sha256) for image in images}
    known |= {library.files.path(within) for within in (*(image.kept_path for image in images), *uploaded) if within}
    yield from (path for paths in files.values() for path in paths if path not in known)


def _unknown_indexes(library: Library) -> Iterator[Path]:
    folders = list((library.folder / "index").glob("*"))
    with library.reading() as connection:
        known = {str(number) for number in connection.execute(select(t.collection.c.id)).scalars()}
    yield from (folder for folder in folders if folder.name not in known)


def _modified_at(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return float("inf")  # deleted meanwhile
