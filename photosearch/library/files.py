"""Pictures on disk: thumbnails for the pages, what is kept of fetched photos, what was uploaded."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from photosearch.errors import LibraryError

UPLOAD = "upload"  # the kind of source whose bytes lie here only


class Files:
    """The files in a library's folder; each is written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def thumbnail_path(self, sha256: str) -> Path:
        """Where a picture's thumbnail lies, or would lie."""
        return self._folder / "thumbnails" / sha256[:2] / f"{sha256}.jpg"

    def keep_thumbnail(self, sha256: str, jpeg: bytes) -> None:
        """Write a thumbnail; raises `LibraryError` where there is no room."""
        self._write(self.thumbnail_path(sha256), jpeg)

    def keep(self, sha256: str, data: bytes) -> str:
        """Write what is kept of a fetched photo, and return its path within the library; raises `LibraryError`."""
        return self._keep("kept", sha256, data)

    def keep_upload(self, sha256: str, data: bytes) -> str:
        """Write an uploaded file, and return its path within the library; raises `LibraryError`."""
        return self._keep("uploads", sha256, data)

    def path(self, within: str) -> Path:
        """Where a file of that path within the library lies."""
        return self._folder / within

    def forget(self, sha256: str, kept_path: str | None) -> None:
        """Delete a picture's thumbnail, and what was kept of it."""
        self.thumbnail_path(sha256).unlink(missing_ok=True)
        if kept_path:
            self.path(kept_path).unlink(missing_ok=True)

    def forget_uploads(self, paths: Iterable[str]) -> None:
        """Delete uploaded files."""
        for path in paths:
            self.path(path).unlink(missing_ok=True)

    def _keep(self, kind: str, sha256: str, data: bytes) -> str:
        within = f"{kind}/{sha256[:2]}/{sha256}"
        path = self.path(within)
        if not path.is_file() or path.stat().st_size != len(data):
            self._write(path, data)
        return within

    def _write(self, path: Path, data: bytes) -> None:
        part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            part.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise LibraryError(
                f'Library "{self._folder}" cannot be written: {error.strerror}. Free some space and run it again.'
            ) from error
