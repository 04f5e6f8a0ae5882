"""A ZIP of photos."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from photosearch.errors import Cancelled
from photosearch.records import Failure, Listing
from photosearch.sources.archive import Archives
from photosearch.sources.folder import SUFFIXES
from photosearch.sources.source import Watch

KIND = "zip"


class PhotosZipSource:
    """Lists the members that are named like pictures, hidden ones left out; a ZIP in the ZIP is not opened."""

    kind = KIND
    described = False

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self.collection = self._path.stem or "photos"
        self.n_skipped = 0

    def covers(self, source_key: str) -> bool:
        """Whether a key is of a ZIP of this name."""
        return source_key.startswith(f"{self._path.name}/")

    def listings(self, known: Collection[str], watch: Watch) -> Iterator[Listing | Failure]:  # noqa: ARG002
        """Each picture by the ZIP's name and its own; raises `SourceError` when the ZIP cannot be opened."""
        with Archives() as archives:
            archive = archives.open(self._path)
            for name in archive.names():
                if watch.is_cancelled():
                    raise Cancelled("The listing was ended. What was listed is kept.")
                if _is_hidden(name):
                    continue
                member = archive.member(name)
                if member is None or not is_picture(name):
                    self.n_skipped += 1
                    continue
                key = f"{self._path.name}/{name}"
                if member.refusal:
                    yield Failure(key, member.refusal)
                else:
                    yield Listing(key, member.stamp, str(self._path))


def is_picture(name: str) -> bool:
    """Whether a member is named like a picture."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def read(photo_key: str, address: str, archives: Archives, max_bytes: int) -> bytes:
    """A listed photo's bytes; raises `PhotoError` as `Archives.read` does.

    Args:
        photo_key: the ZIP's name, a slash, and the member's name.
        address: the ZIP's path.
        archives: opened ones.
        max_bytes: what is larger is refused.
    """
    path = Path(address)
    return archives.read(path, photo_key.removeprefix(f"{path.name}/"), max_bytes)


def _is_hidden(name: str) -> bool:
    folders = name.split("/")
    return "__MACOSX" in folders or any(part.startswith(".") and part not in (".", "..") for part in folders)
