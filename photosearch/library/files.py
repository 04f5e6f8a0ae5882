"""The library's pictures: thumbnails, copies of fetched photos, and uploads. Whoever reads or writes one does it here.

They lie in the library's folder, or where `PHOTOSEARCH_FILES` says: another folder, or an object store.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from photosearch.errors import LibraryError, PhotoError
from photosearch.files import advice_on
from photosearch.library.file_stores import FileStore, FolderStore, StoredFile

log = logging.getLogger(__name__)
UPLOAD = "upload"  # the kind of source whose only copy is in the library
KINDS = ("thumbnails", "kept", "uploads")  # the folders that pictures are in
OWNER = "library-token"  # names the file that says whose pictures a place holds
_ARRIVING = "arriving-"  # begins the names of folders of files that are being received
_ABANDONED_S = 24 * 3600.0  # an older one was left by a process that was killed


def _ignore(_n_bytes: int) -> None:
    """Do nothing with a size."""


def thumbnail_name(sha256: str) -> str:
    """Return the name of a picture's thumbnail, whether or not it exists."""
    return f"thumbnails/{sha256[:2]}/{sha256}.jpg"


class Files:
    """A library's pictures by name, such as "kept/ab/abcd"; each is written whole or not at all."""

    def __init__(self, folder: Path, place: str = "", token: Callable[[], str] = lambda: "") -> None:
        """Open nothing yet.

        Args:
            folder: the library's.
            place: where pictures are kept, as `Settings.files`; empty: in the library's folder.
            token: returns what identifies the library, whose pictures a place outside of its folder then holds.
        """
        self._folder = folder
        self._place = place
        self._token = token
        self._opened: FileStore | None = None
        self._is_claimed = not place  # the library's own folder holds no other's

    @property
    def title(self) -> str:
        """Return what messages call the place."""
        return f"PHOTOSEARCH_FILES ({self._place})" if self._place else f'Library "{self._folder}"'

    @property
    def is_on_disk(self) -> bool:
        """Return whether pictures take space on a disk, and not in an object store."""
        return self._store.is_on_disk

    @property
    def _store(self) -> FileStore:
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> FileStore:
        if "://" in self._place:
            from photosearch.library.object_store import ObjectStore  # imports fsspec, which is optional

            return ObjectStore(self._place, self.title)
        if self._place and not Path(self._place).is_dir():
            raise LibraryError(f"{self.title} is no folder here. Mount or make it, or name another one.")
        return FolderStore(Path(self._place) if self._place else self._folder, self.title)

    def claim(self) -> None:
        """Note in a place outside of the library's folder whose pictures it holds; raises as `mark_owner` does."""
        if not self._is_claimed:
            self.mark_owner()

    def mark_owner(self) -> None:
        """Note in the place whose pictures it holds.

        Raises:
            LibraryError: it holds another library's, is no folder, or cannot be written.
        """
        token = self._token()
        try:
            if self._owner() is None:
                self._store.write(OWNER, token.encode())
        except OSError as error:
            raise _unwritable(self.title, error) from error
        self.check_owner()

    def check_owner(self) -> None:
        """Raise `LibraryError` unless the place holds this library's pictures, which `mark_owner` has noted there."""
        try:
            owner = self._owner()
        except OSError as error:
            raise _unreadable(self.title, error) from error
        if owner is None:
            raise LibraryError(f"{self.title} is not the place that the other machines see. Mount it at the same path.")
        if owner != self._token():
            raise LibraryError(f"{self.title} holds the pictures of another library. Name another folder or prefix.")
        self._is_claimed = True

    def try_writing(self, name: str) -> None:
        """Write a small file of some name and delete it; raises `LibraryError` where that fails."""
        self._write(f"trial-{name}", b"photosearch")
        self.delete([f"trial-{name}"])

    def _owner(self) -> str | None:
        try:
            return self._store.read(OWNER).decode("ascii", "replace") or None
        except FileNotFoundError:
            return None

    def keep_thumbnail(self, sha256: str, jpeg: bytes) -> None:
        """Write a thumbnail; raises `LibraryError` where that fails."""
        self._write(thumbnail_name(sha256), jpeg, is_remade=True)

    def keep(self, sha256: str, data: bytes) -> str:
        """Write a copy of a fetched photo and return its name; raises `LibraryError`."""
        return self._keep("kept", sha256, data)

    def keep_upload(self, sha256: str, data: bytes) -> str:
        """Write an uploaded file and return its name; raises `LibraryError`."""
        return self._keep("uploads", sha256, data)

    def read_thumbnail(self, sha256: str) -> bytes | None:
        """Return a thumbnail; None where there is none, it is empty (left by a power cut), or it cannot be read."""
        try:
            return self._store.read(thumbnail_name(sha256)) or None
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("%s cannot be read in %s: %s", thumbnail_name(sha256), self.title, _reason(error))
            return None

    def read_kept(self, name: str | None, expect: Callable[[int], None] = _ignore) -> bytes:
        """Return the bytes of a kept copy, whose number `expect` is told before; raises `PhotoError`, also for None."""
        if name is None:
            raise PhotoError("it was not kept")
        try:
            expect(self._store.size(name) or 0)
            data = self._store.read(name)
        except OSError as error:
            raise PhotoError(f"its kept copy cannot be read: {_reason(error)}") from error
        if not data:
            raise PhotoError("its kept copy is empty; add the photo again")
        return data

    def read_upload(self, name: str, max_bytes: int, expect: Callable[[int], None] = _ignore) -> bytes:
        """Return the bytes of an uploaded file, whose number `expect` is told before; raises `PhotoError`."""
        try:
            n_bytes = self._store.size(name) or 0
            if n_bytes > max_bytes:
                raise PhotoError(f"the file is larger than {max_bytes // 1_000_000} MB")
            expect(n_bytes)
            return self._store.read(name)
        except FileNotFoundError as error:
            raise PhotoError("the file is no longer there") from error
        except OSError as error:
            raise PhotoError(f"the file cannot be read: {_reason(error)}") from error

    def size(self, name: str) -> int | None:
        """Return a file's size in bytes, None where there is none; raises `LibraryError` where nobody can tell."""
        with self._readable():
            return self._store.size(name)

    def listing(self, folder: str) -> Iterator[StoredFile]:
        """Yield the files in one of `KINDS`, or in a folder of it such as "kept/ab"; raises `LibraryError`."""
        with self._readable():
            yield from self._store.files(folder)

    @contextlib.contextmanager
    def arriving(self, stream: BinaryIO) -> Iterator[Path]:
        """Copy a stream to a file that lasts until the block ends, and yield its path; raises `LibraryError`."""
        try:
            for old in self._folder.glob(f"{_ARRIVING}*"):
                if time.time() - old.stat().st_mtime > _ABANDONED_S:
                    shutil.rmtree(old)
            folder = Path(tempfile.mkdtemp(prefix=_ARRIVING, dir=self._folder))
        except OSError as error:
            raise _unwritable(f'Library "{self._folder}"', error) from error
        try:
            path = folder / "file"
            try:
                with path.open("wb") as file:
                    shutil.copyfileobj(stream, file)
            except OSError as error:
                raise _unwritable(f'Library "{self._folder}"', error) from error
            yield path
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def delete(self, names: Sequence[str]) -> None:
        """Delete those of the files that exist; raises `LibraryError` at the end if some cannot be deleted."""
        failed = self._store.delete(names)
        if failed:
            name, first = next(iter(failed.items()))
            others = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
            raise LibraryError(
                f'"{name}"{others} cannot be deleted in {self.title}: {_reason(first)}.'
                " Everything else is done; delete it by hand."
            ) from first

    def _keep(self, kind: str, sha256: str, data: bytes) -> str:
        name = f"{kind}/{sha256[:2]}/{sha256}"
        if self.size(name) != len(data):
            self._write(name, data)
        return name

    def _write(self, name: str, data: bytes, *, is_remade: bool = False) -> None:
        self.claim()
        try:
            self._store.write(name, data, is_remade=is_remade)
        except OSError as error:
            raise _unwritable(self.title, error) from error

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _unreadable(self.title, error) from error


def _unreadable(title: str, error: OSError) -> LibraryError:
    advice = advice_on(error, "Check its access rights")
    return LibraryError(f"{title} cannot be read: {_reason(error)}. {advice} and run it again.")


def _unwritable(title: str, error: OSError) -> LibraryError:
    return LibraryError(f"{title} cannot be written: {_reason(error)}. {advice_on(error)} and run it again.")


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
