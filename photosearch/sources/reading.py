"""Reading of listed photos' bytes from all kinds of sources."""

from __future__ import annotations

from photosearch.library import Pending
from photosearch.records import UNWATCHED, Watch
from photosearch.settings import Settings
from photosearch.sources.kinds import kind_named
from photosearch.sources.source import Content, Resources


class Reader:
    """Reads listed photos, and keeps the connections and ZIPs open that this needs; use from any thread."""

    def __init__(self, settings: Settings, watch: Watch = UNWATCHED) -> None:
        """Open nothing yet; long waits are reported to `watch`, which may end them."""
        self._resources = Resources(settings, watch)

    def __enter__(self) -> Reader:
        """Return itself; what a kind of source needs is opened when first needed."""
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def read(self, photo: Pending, max_bytes: int, *, again: bool = False) -> Content | None:
        """Read the photo's bytes.

        Args:
            photo: the photo as the library lists it.
            max_bytes: the largest size; a larger photo is refused.
            again: whether the photo was read before, and is needed only if its bytes have changed since.

        Returns:
            The bytes; None when `again` is set and they have not changed.

        Raises:
            PhotoError: the photo is gone, cannot be read or is too large.
        """
        return kind_named(photo.source).read(self._resources, photo, max_bytes, photo.etag if again else None)
