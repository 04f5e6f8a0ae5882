"""A folder of photos with all its subfolders as a source."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from photosearch.errors import PhotoError, SourceError
from photosearch.library import Pending
from photosearch.picture_formats import is_picture_name
from photosearch.records import Failure, Listing, Watch
from photosearch.sources.source import Content, Options, Resources, Source, SourceKind

NAME = "folder"


class FolderSource:
    """Lists the files with names of pictures; leaves out hidden ones and does not follow links to folders."""

    kind = NAME
    described = False
    listed_in: str | None = None

    def __init__(self, path: Path) -> None:
        self._root = path.resolve()
        self.collection = self._root.name or "photos"
        self.n_skipped = 0

    def covers(self, source_key: str) -> bool:
        """Tell whether a path lies in the folder."""
        return Path(source_key).is_relative_to(self._root)

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:  # noqa: ARG002
        """Yield each picture by its path; raise `SourceError` when the folder itself cannot be opened."""
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
            status = os.stat(path)
        except OSError as error:
            return Failure(path, f"the file cannot be read: {error.strerror}")
        if not stat.S_ISREG(status.st_mode):
            return Failure(path, "this is no file")  # reading a pipe could block for ever
        return Listing(path, f"{status.st_size}:{status.st_mtime_ns}")


def _text(path: str) -> str:
    """Return a path as text that can be stored; bytes that are not UTF-8 become question marks."""
    return path.encode("utf-8", "replace").decode("utf-8")


def read_file(path: Path, max_bytes: int) -> bytes:
    """Read a photo's file; raise `PhotoError` when it is missing, unreadable or larger than `max_bytes`."""
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise PhotoError("the file is no longer there") from error
    except OSError as error:
        raise PhotoError(f"the file cannot be read: {error.strerror or error}") from error
    if len(data) > max_bytes:
        raise PhotoError(f"the file is larger than {max_bytes // 1_000_000} MB")
    return data


def _open(paths: Sequence[Path], _options: Options) -> Sequence[Source] | None:
    return [FolderSource(paths[0])] if len(paths) == 1 and paths[0].is_dir() else None


def _read(_resources: Resources, photo: Pending, max_bytes: int, _etag: str | None) -> Content:
    return Content(read_file(Path(photo.source_key), max_bytes))


KIND: SourceKind = SourceKind(
    NAME,
    _read,
    usage="a folder",
    title="Folder",
    note="Photos stay in the folder, unchanged. Add the folder again to update what is new, changed or gone.",
    example="/home/you/Pictures/2024",
    open_paths=_open,
)
