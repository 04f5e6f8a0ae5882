"""Where photos come from: one module an origin.

A source lists its photos and, later, gives the bytes of one of them. `find_source` turns what a
person typed into a source; `read_photo` finds a listed photo's bytes again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from photosearch.errors import PhotoError, SourceError
from photosearch.records import Failure, Listing
from photosearch.sources import demo, folder


class Source(Protocol):
    """Lists the photos of one origin."""

    kind: str
    collection: str  # the name its collection gets when none is given
    n_skipped: int  # files left out so far because they are not named like pictures

    def listings(self) -> Iterator[Listing | Failure]:
        """Each photo, or the place that cannot be read and why; raises `SourceError` when nothing can be listed."""
        ...

    def covers(self, source_key: str) -> bool:
        """Whether a photo of that key would be listed by this source if it were still there."""
        ...


def find_source(name: str) -> Source:
    """The source that a person means: `demo`, or a folder's path.

    Raises:
        SourceError: there is no such source.
    """
    if name == demo.KIND:
        return demo.DemoSource()
    if not name.strip():
        raise SourceError("No folder was named. Give its path, or demo.")
    path = Path(name).expanduser()
    try:
        if path.is_dir():
            return folder.FolderSource(path)
        exists = path.exists()
    except (OSError, ValueError) as error:
        raise SourceError(f'Folder "{name}" cannot be opened: {error}.') from error
    if exists:
        raise SourceError(f'"{name}" is a file. Give the folder that it lies in.')
    raise SourceError(f'Folder "{name}" was not found. Check the path and try again.')


_READERS = {demo.KIND: demo.path_of, folder.KIND: folder.path_of}


def photo_path(kind: str, source_key: str) -> Path:
    """Where the file of a listed photo lies; it may be gone by now."""
    return _READERS[kind](source_key)


def read_photo(kind: str, source_key: str, max_bytes: int) -> bytes:
    """The bytes of a listed photo.

    Raises:
        PhotoError: the file is gone, cannot be read or is too large.
    """
    path = photo_path(kind, source_key)
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
