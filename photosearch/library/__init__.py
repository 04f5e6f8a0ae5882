"""The library: what is kept of photos, and how."""

from photosearch.library.library import Library
from photosearch.library.work import CollectionVersion, Merge, Origin, Pending, Reading, photo_id

__all__ = ["CollectionVersion", "Library", "Merge", "Origin", "Pending", "Reading", "photo_id"]
