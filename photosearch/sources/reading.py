"""Reading the bytes of listed photos, from wherever their kind of source has them."""

from __future__ import annotations

from photosearch.library import Pending
from photosearch.records import UNWATCHED, Watch
from photosearch.settings import Settings
from photosearch.sources.kinds import kind_named
from photosearch.sources.source import Content, Resources


class Reader:
    """Reads listed photos; holds the connections and ZIPs that this takes. Use from any thread."""

    def __init__(self, settings: Settings, watch: Watch = UNWATCHED) -> None:
        """Open nothing yet; `watch` is told of long waits, and asked whether to go on."""
        self._resources = Resources(settings, watch)

    def __enter__(self) -> Reader:
        """Return itself; what a kind of source needs is opened when first needed."""
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def read(self, photo: Pending, max_bytes: int, *, again: bool = False) -> Content | None:
        """Read the photo's bytes.

        Args:
            photo: as the library lists it.
            max_bytes: what is larger is refused.
            again: ask whether the bytes have changed since they were read.

        Returns:
            None when asked `again` and nothing has changed.

        Raises:
            PhotoError: the photo is gone, cannot be read or is too large.
        """
        return kind_named(photo.source).read(self._resources, photo, max_bytes, photo.etag if again else None)
