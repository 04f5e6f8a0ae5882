"""A folder of photos, with all folders in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from photosearch.errors import SourceError
from photosearch.picture_formats import is_picture_name
from photosearch.records import Failure, Listing, Watch

KIND = "folder"


def path_of(source_key: str) -> Path:
    """A folder's photos are kept under their absolute path."""
    return Path(source_key)


class FolderSource:
    """Lists the files that are named like pictures, hidden ones left out; links to folders are not followed."""

    kind = KIND
    described = False
    listed_in: str | None = None

    def __init__(self, path: Path) -> None:
        self._root = path.resolve()
        self.collection = self._root.name or "photos"
        self.n_skipped = 0

    def covers(self, source_key: str) -> bool:
        """Whether a path lies in the folder."""
        return Path(source_key).is_relative_to(self._root)

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:  # noqa: ARG002
        """Each picture by its path; raises `SourceError` when the folder itself cannot be opened."""
        try:
            os.scandir(self._root).close()
        except OSError as error:
            raise SourceError(
                f'Folder "{self._root}" cannot be opened: {error.strerror}. Check its access rights.'
            ) from error
        unreadable: list[OSError] = []
        for parent, folders, names in os.walk(self._root, onerror=unreadable.append):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = os.path.join(parent, name)
                if name.startswith("."):
                    continue
                if is_picture_name(name):
                    yield self._listing(path)
                else:
                    self.n_skipped += 1
        for problem in unreadable:
            yield Failure(_text(problem.filename), f"the folder cannot be opened: {problem.strerror}")

    def _listing(self, path: str) -> Listing | Failure:
        if path != _text(path):
            return Failure(_text(path), "the file's name is not valid Unicode; rename it")
        try:
            found = os.stat(path)
        except OSError as error:
            return Failure(path, f"the file cannot be read: {error.strerror}")
        if not stat.S_ISREG(found.st_mode):
            return Failure(path, "this is no file")  # reading a pipe would wait for ever
        return Listing(path, f"{found.st_size}:{found.st_mtime_ns}")


def _text(path: str) -> str:
    """A path as text that can be stored: bytes of a name that are no UTF-8 become question marks."""
    return path.encode("utf-8", "replace").decode("utf-8")
