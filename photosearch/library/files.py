"""The library's pictures on disk: thumbnails, copies of fetched photos, and uploads."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from photosearch.errors import LibraryError, PhotoError
from photosearch.files import mode_within, read_regular, write_whole

UPLOAD = "upload"  # the kind of source whose only copy is in the library
_ARRIVING = "arriving-"  # begins the names of folders of files that are being received
_ABANDONED_S = 24 * 3600.0  # an older one was left by a process that was killed


class Files:
    """The files in a library's folder; each is written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def thumbnail_path(self, sha256: str) -> Path:
        """Return the path of a picture's thumbnail, whether or not it exists."""
        return self._folder / "thumbnails" / sha256[:2] / f"{sha256}.jpg"

    def keep_thumbnail(self, sha256: str, jpeg: bytes) -> None:
        """Write a thumbnail; raises `LibraryError` where that fails."""
        self._write(self.thumbnail_path(sha256), jpeg, is_remade=True)

    def keep(self, sha256: str, data: bytes) -> str:
        """Write a copy of a fetched photo and return its path within the library; raises `LibraryError`."""
        return self._keep("kept", sha256, data)

    def keep_upload(self, sha256: str, data: bytes) -> str:
        """Write an uploaded file and return its path within the library; raises `LibraryError`."""
        return self._keep("uploads", sha256, data)

    def path(self, within: str) -> Path:
        """Return the full path of a file, given its path within the library."""
        return self._folder / within

    def read_kept(self, within: str | None) -> bytes:
        """Return the bytes of a kept copy, given its path within the library; raises `PhotoError`, also for None."""
        if within is None:
            raise PhotoError("it was not kept")
        try:
            data = read_regular(self.path(within))
        except OSError as error:
            raise PhotoError(f"its kept copy cannot be read: {error.strerror}") from error
        if not data:
            raise PhotoError("its kept copy is empty; add the photo again")
        return data

    @contextlib.contextmanager
    def arriving(self, stream: BinaryIO) -> Iterator[Path]:
        """Copy a stream to a file that lasts until the block ends, and yield its path; raises `LibraryError`."""
        try:
            for old in self._folder.glob(f"{_ARRIVING}*"):
                if time.time() - old.stat().st_mtime > _ABANDONED_S:
                    shutil.rmtree(old)
            folder = Path(tempfile.mkdtemp(prefix=_ARRIVING, dir=self._folder))
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            path = folder / "file"
            try:
                with path.open("wb") as file:
                    shutil.copyfileobj(stream, file)
            except OSError as error:
                raise self._unwritable(error) from error
            yield path
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def delete(self, paths: Iterable[Path]) -> None:
        """Delete those of the files that exist; raises `LibraryError` at the end if some cannot be deleted."""
        failed: list[tuple[Path, OSError]] = []
        for path in paths:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                failed.append((path, error))
        if failed:
            path, first = failed[0]
            others = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
            raise LibraryError(
                f'"{path}"{others} cannot be deleted: {first.strerror}. Everything else is done; delete it by hand.'
            ) from first

    def _keep(self, kind: str, sha256: str, data: bytes) -> str:
        within = f"{kind}/{sha256[:2]}/{sha256}"
        path = self.path(within)
        if not path.is_file() or path.stat().st_size != len(data):
            self._write(path, data)
        return within

    def _write(self, path: Path, data: bytes, *, is_remade: bool = False) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with write_whole(path, is_remade=is_remade) as part:
                part.write_bytes(data)
                part.chmod(mode_within(self._folder))
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> LibraryError:
        return LibraryError(
            f'Library "{self._folder}" cannot be written: {error.strerror}. Free some space and run it again.'
        )
