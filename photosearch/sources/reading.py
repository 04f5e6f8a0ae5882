"""A listed photo's bytes, wherever they are."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from photosearch.errors import PhotoError
from photosearch.library import Pending
from photosearch.records import UNWATCHED, Watch
from photosearch.settings import Settings
from photosearch.sources import demo, folder
from photosearch.sources.source import Content

if TYPE_CHECKING:
    from photosearch.sources.archive import Archives
    from photosearch.sources.fetching import Fetcher
    from photosearch.sources.instagram import InstagramReader

FETCHED = frozenset({"url", "instagram"})  # kinds whose bytes come over the network


class Reader:
    """Reads listed photos; holds the connections and archives that this takes. Use from any thread."""

    def __init__(self, settings: Settings, watch: Watch = UNWATCHED) -> None:
        """`watch` is told of long waits, and asked whether to go on."""
        self._settings = settings
        self._watch = watch
        self._lock = threading.Lock()
        self._fetcher: Fetcher | None = None
        self._archives: Archives | None = None
        self._instagram: InstagramReader | None = None

    def __enter__(self) -> Reader:
        """Ready at once: what a kind of source needs is made when first needed."""
        return self

    def __exit__(self, *_: object) -> None:
        for held in (self._instagram, self._fetcher, self._archives):
            if held is not None:
                held.close()

    def read(self, photo: Pending, max_bytes: int, *, again: bool = False) -> Content | None:
        """The photo's bytes.

        Args:
            photo: as the library lists it.
            max_bytes: what is larger is refused.
            again: ask whether the bytes have changed since they were read.

        Returns:
            None when asked `again` and nothing has changed.

        Raises:
            PhotoError: the photo is gone, cannot be read or is too large.
        """
        etag = photo.etag if again else None
        match photo.source:
            case "url":
                found = self._fetching().fetch(photo.address or photo.source_key, etag=etag, max_bytes=max_bytes)
                return Content(found.data, found.etag) if found else None
            case "instagram":
                return self._from_instagram(photo, max_bytes)
            case "zip" | "export":
                return Content(self._unpack(photo, max_bytes))
            case "upload":
                return Content(_read_file(self._settings.library_dir / (photo.address or ""), max_bytes))
            case demo.KIND:
                return Content(_read_file(demo.path_of(photo.source_key), max_bytes))
            case _:
                return Content(_read_file(folder.path_of(photo.source_key), max_bytes))

    def _fetching(self) -> Fetcher:
        from photosearch.sources.fetching import Fetcher

        with self._lock:
            if self._fetcher is None:
                self._fetcher = Fetcher(allow_private=self._settings.allow_private)
            return self._fetcher

    def _from_instagram(self, photo: Pending, max_bytes: int) -> Content:
        from photosearch.sources.instagram import InstagramReader

        fetcher = self._fetching()
        with self._lock:
            if self._instagram is None:
                self._instagram = InstagramReader(fetcher, self._settings.library_dir / "instagram", self._watch)
        return self._instagram.read(photo.source_key, photo.address, None, max_bytes)

    def _unpack(self, photo: Pending, max_bytes: int) -> bytes:
        from photosearch.sources import photos_zip
        from photosearch.sources.archive import Archives
        from photosearch.sources.instagram import export_zip

        with self._lock:
            if self._archives is None:
                self._archives = Archives()
        read = photos_zip.read if photo.source == photos_zip.KIND else export_zip.read
        return read(photo.source_key, photo.address or "", self._archives, max_bytes)


def _read_file(path: Path, max_bytes: int) -> bytes:
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
